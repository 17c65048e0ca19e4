/*!
 * \file device/checksum.h
 * \brief Checksums of files and sections of this project's own formats.
 */
#ifndef NODE_MLC_DEVICE_CHECKSUM_H_
#define NODE_MLC_DEVICE_CHECKSUM_H_

#include <cstdint>
#include <string_view>

namespace node_mlc {

constexpr uint64_t kFnvOffset = 14695981039346656037ull;

/*! \brief FNV-1a of 64 bits. Against damage and mix-ups, not against people who may write there. */
inline uint64_t Checksum(std::string_view bytes, uint64_t hash = kFnvOffset) {
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ull;
  }
  return hash;
}

}  // namespace node_mlc

#endif  // NODE_MLC_DEVICE_CHECKSUM_H_
