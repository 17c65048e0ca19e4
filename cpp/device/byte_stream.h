/*!
 * \file device/byte_stream.h
 * \brief Streams over bytes in memory, for the serialised form of device modules.
 */
#ifndef NODE_MLC_DEVICE_BYTE_STREAM_H_
#define NODE_MLC_DEVICE_BYTE_STREAM_H_

#include <tvm/support/io.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace node_mlc {

/*! \brief Reads from bytes that outlive it. */
class ByteReader final : public tvm::support::Stream {
 public:
  using Stream::Read;
  using Stream::Write;

  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  size_t Read(void* data, size_t size) final {
    const size_t count = std::min(size, rest_.size());
    if (count > 0) std::memcpy(data, rest_.data(), count);
    rest_.remove_prefix(count);
    return count;
  }

  /*! \brief Writes nothing. */
  size_t Write(const void*, size_t) final { return 0; }

 private:
  std::string_view rest_;
};

/*! \brief Gathers what is written to it. */
class ByteWriter final : public tvm::support::Stream {
 public:
  using Stream::Read;
  using Stream::Write;

  /*! \brief Reads nothing. */
  size_t Read(void*, size_t) final { return 0; }

  size_t Write(const void* data, size_t size) final {
    bytes_.append(static_cast<const char*>(data), size);
    return size;
  }

  /*! \brief What was written so far; the writer is empty afterwards. */
  std::string Take() { return std::exchange(bytes_, {}); }

 private:
  std::string bytes_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_DEVICE_BYTE_STREAM_H_
