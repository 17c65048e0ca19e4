/*!
 * \file tvm/support/io.h
 * \brief Byte streams, as the runtime's headers expect them; TVM's wheel does not ship this file.
 */
#ifndef NODE_MLC_DEVICE_TVM_SUPPORT_IO_H_
#define NODE_MLC_DEVICE_TVM_SUPPORT_IO_H_

#include <cstddef>

namespace tvm {
namespace support {

/*!
 * \brief How a value of type T is written and read; specialisations are in serializer.h and in the
 * runtime's own headers. Each has `enabled`, `Write(Stream*, const T&)` and `bool Read(Stream*,
 * T*)`.
 */
template <typename T, typename Enable = void>
struct Serializer {
  static constexpr bool enabled = false;
};

/*! \brief A source or destination of bytes. An implementation repeats `using Stream::Read;`. */
class Stream {
 public:
  virtual ~Stream() = default;

  /*! \brief Reads at most `size` bytes; returns how many there were. */
  virtual size_t Read(void* data, size_t size) = 0;

  /*! \brief Writes `size` bytes; returns how many were written. */
  virtual size_t Write(const void* data, size_t size) = 0;

  /*! \brief Reads one value; false where the bytes end too early. */
  template <typename T>
  bool Read(T* value) {
    static_assert(Serializer<T>::enabled, "this type has no serialised form");
    return Serializer<T>::Read(this, value);
  }

  /*! \brief Writes one value. */
  template <typename T>
  void Write(const T& value) {
    static_assert(Serializer<T>::enabled, "this type has no serialised form");
    Serializer<T>::Write(this, value);
  }

  /*! \brief Reads `count` values; false where the bytes end too early. */
  template <typename T>
  bool ReadArray(T* values, size_t count) {
    size_t done = 0;
    while (done < count && Read<T>(values + done)) ++done;
    return done == count;
  }

  /*! \brief Writes `count` values, without their number. */
  template <typename T>
  void WriteArray(const T* values, size_t count) {
    for (const T* value = values; value != values + count; ++value) Write<T>(*value);
  }
};

}  // namespace support
}  // namespace tvm

#endif  // NODE_MLC_DEVICE_TVM_SUPPORT_IO_H_
