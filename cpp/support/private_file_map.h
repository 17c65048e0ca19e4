/*!
 * \file support/private_file_map.h
 * \brief A part of a file mapped into memory, copy on write (for JavaScript).
 */
#ifndef NODE_MLC_SUPPORT_PRIVATE_FILE_MAP_H_
#define NODE_MLC_SUPPORT_PRIVATE_FILE_MAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace node_mlc {

/*!
 * \brief A private (copy-on-write), readable and writable mapping: writes never reach the file.
 *
 * Pages are read on first touch and may be dropped by the system while they are unchanged.
 */
class PrivateFileMap {
 public:
  /*!
   * \brief Maps `length` bytes from `offset` (any value), to the end of the file without a length.
   *
   * Throws CodedError(ERR_IO), also when the file is shorter. A length of zero maps no memory.
   */
  static std::unique_ptr<PrivateFileMap> Open(const std::string& path, uint64_t offset = 0,
                                              std::optional<uint64_t> length = std::nullopt);
  ~PrivateFileMap();
  PrivateFileMap(const PrivateFileMap&) = delete;
  PrivateFileMap& operator=(const PrivateFileMap&) = delete;

  uint8_t* data() const { return base_ == nullptr ? nullptr : base_ + skip_; }
  size_t size() const { return size_; }

 private:
  PrivateFileMap(uint8_t* base, size_t skip, size_t size) : base_(base), skip_(skip), size_(size) {}

  uint8_t* base_;  // page-aligned
  size_t skip_;    // from base_ to the first byte asked for
  size_t size_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_PRIVATE_FILE_MAP_H_
