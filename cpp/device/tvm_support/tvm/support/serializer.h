/*!
 * \file tvm/support/serializer.h
 * \brief Serialised forms of plain types, as the runtime's headers expect them; TVM's wheel does
 * not ship this file.
 *
 * The byte format is TVM's: numbers little-endian in their own width, enumerations as their
 * underlying type, texts and containers as a uint64 count and then the elements, a pair or an entry
 * of a map as key and value. A count is not believed before the bytes are there, so damaged input
 * ends in `false`, not in a huge allocation.
 */
#ifndef NODE_MLC_DEVICE_TVM_SUPPORT_SERIALIZER_H_
#define NODE_MLC_DEVICE_TVM_SUPPORT_SERIALIZER_H_

#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/endian.h>
#include <tvm/ffi/string.h>
#include <tvm/support/io.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tvm {
namespace support {

template <typename T>
struct Serializer<T, std::enable_if_t<std::is_arithmetic_v<T>>> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, T value) {
    if (!TVM_FFI_IO_NO_ENDIAN_SWAP) ffi::ByteSwap(&value, sizeof(T), 1);
    stream->Write(static_cast<const void*>(&value), sizeof(T));
  }

  static bool Read(Stream* stream, T* value) {
    const bool complete = stream->Read(static_cast<void*>(value), sizeof(T)) == sizeof(T);
    if (!TVM_FFI_IO_NO_ENDIAN_SWAP) ffi::ByteSwap(value, sizeof(T), 1);
    return complete;
  }
};

template <typename T>
struct Serializer<T, std::enable_if_t<std::is_enum_v<T>>> {
  static constexpr bool enabled = true;
  using Number = std::underlying_type_t<T>;

  static void Write(Stream* stream, T value) { stream->Write(static_cast<Number>(value)); }

  static bool Read(Stream* stream, T* value) {
    Number number{};
    const bool complete = stream->Read(&number);
    *value = static_cast<T>(number);
    return complete;
  }
};

template <>
struct Serializer<std::string> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, const std::string& text) {
    stream->Write(static_cast<uint64_t>(text.size()));
    stream->Write(static_cast<const void*>(text.data()), text.size());
  }

  static bool Read(Stream* stream, std::string* text) {
    constexpr uint64_t kStep = uint64_t{1} << 20;
    uint64_t left = 0;
    if (!stream->Read(&left)) return false;
    text->clear();
    while (left > 0) {
      const size_t begin = text->size();
      const size_t step = static_cast<size_t>(std::min(left, kStep));
      text->resize(begin + step);
      if (stream->Read(static_cast<void*>(text->data() + begin), step) != step) return false;
      left -= step;
    }
    return true;
  }
};

namespace detail {

/*! \brief A type that is built from the bytes of a text: ffi::String, ffi::Bytes. */
template <typename T>
struct TextSerializer {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, const T& text) {
    stream->Write(static_cast<uint64_t>(text.size()));
    stream->Write(static_cast<const void*>(text.data()), text.size());
  }

  static bool Read(Stream* stream, T* text) {
    std::string bytes;
    if (!stream->Read(&bytes)) return false;
    *text = T(std::move(bytes));
    return true;
  }
};

/*! \brief A container of elements; `append(container, element)` adds one. */
template <typename Container, typename Element, typename Append>
bool ReadElements(Stream* stream, Container* container, Append append) {
  uint64_t count = 0;
  if (!stream->Read(&count)) return false;
  *container = Container();
  for (uint64_t i = 0; i < count; ++i) {
    Element element{};
    if (!stream->Read(&element)) return false;
    append(container, std::move(element));
  }
  return true;
}

}  // namespace detail

template <>
struct Serializer<ffi::String> : detail::TextSerializer<ffi::String> {};

template <>
struct Serializer<ffi::Bytes> : detail::TextSerializer<ffi::Bytes> {};

template <typename A, typename B>
struct Serializer<std::pair<A, B>> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, const std::pair<A, B>& pair) {
    stream->Write(pair.first);
    stream->Write(pair.second);
  }

  static bool Read(Stream* stream, std::pair<A, B>* pair) {
    return stream->Read(&pair->first) && stream->Read(&pair->second);
  }
};

template <typename T>
struct Serializer<std::vector<T>> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, const std::vector<T>& values) {
    stream->Write(static_cast<uint64_t>(values.size()));
    stream->WriteArray(values.data(), values.size());
  }

  static bool Read(Stream* stream, std::vector<T>* values) {
    return detail::ReadElements<std::vector<T>, T>(
        stream, values, [](auto* vector, T element) { vector->push_back(std::move(element)); });
  }
};

template <typename T>
struct Serializer<ffi::Array<T>> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, const ffi::Array<T>& values) {
    stream->Write(static_cast<uint64_t>(values.size()));
    for (const T& value : values) stream->Write(value);
  }

  static bool Read(Stream* stream, ffi::Array<T>* values) {
    return detail::ReadElements<ffi::Array<T>, T>(
        stream, values, [](auto* array, T element) { array->push_back(std::move(element)); });
  }
};

template <typename K, typename V>
struct Serializer<std::unordered_map<K, V>> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, const std::unordered_map<K, V>& map) {
    stream->Write(static_cast<uint64_t>(map.size()));
    for (const auto& [key, value] : map) stream->Write(std::pair<K, V>(key, value));
  }

  static bool Read(Stream* stream, std::unordered_map<K, V>* map) {
    using Entry = std::pair<K, V>;
    return detail::ReadElements<std::unordered_map<K, V>, Entry>(
        stream, map, [](auto* into, Entry entry) { into->insert(std::move(entry)); });
  }
};

template <typename K, typename V>
struct Serializer<ffi::Map<K, V>> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, const ffi::Map<K, V>& map) {
    stream->Write(static_cast<uint64_t>(map.size()));
    for (const auto& [key, value] : map) stream->Write(std::pair<K, V>(key, value));
  }

  static bool Read(Stream* stream, ffi::Map<K, V>* map) {
    using Entry = std::pair<K, V>;
    return detail::ReadElements<ffi::Map<K, V>, Entry>(stream, map, [](auto* into, Entry entry) {
      into->Set(std::move(entry.first), std::move(entry.second));
    });
  }
};

template <>
struct Serializer<DLDataType> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, DLDataType type) {
    stream->Write(type.code);
    stream->Write(type.bits);
    stream->Write(type.lanes);
  }

  static bool Read(Stream* stream, DLDataType* type) {
    return stream->Read(&type->code) && stream->Read(&type->bits) && stream->Read(&type->lanes);
  }
};

template <>
struct Serializer<DLDevice> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, DLDevice device) {
    stream->Write(static_cast<int32_t>(device.device_type));
    stream->Write(static_cast<int32_t>(device.device_id));
  }

  static bool Read(Stream* stream, DLDevice* device) {
    int32_t type = 0;
    int32_t index = 0;
    const bool complete = stream->Read(&type) && stream->Read(&index);
    *device = {static_cast<DLDeviceType>(type), index};
    return complete;
  }
};

}  // namespace support
}  // namespace tvm

#endif  // NODE_MLC_DEVICE_TVM_SUPPORT_SERIALIZER_H_
