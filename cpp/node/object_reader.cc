/*!
 * \file node/object_reader.cc
 */
#include "node/object_reader.h"

#include <cmath>
#include <utility>

#include "node/argument_check.h"
#include "node/error_conversion.h"
#include "node/value_conversion.h"

namespace node_mlc {

namespace {

[[noreturn]] void RejectValue(const std::string& what, const std::string& expected,
                              const std::string& received) {
  throw CodedError("ERR_INVALID_ARGUMENT",
                   "Expected " + expected + " for " + what + " but received " + received + ".");
}

/*! \brief A number as people write it. */
std::string Plain(double number) {
  std::string text = std::to_string(number);
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

template <typename Element>
std::vector<Element> ReadTypedArray(napi_env env, napi_value value, napi_typedarray_type wanted,
                                    const char* name, const std::string& what) {
  bool is_typed_array = false;
  Check(env, napi_is_typedarray(env, value, &is_typed_array));
  if (!is_typed_array) RejectValue(what, std::string("an ") + name, Describe(env, value));
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  Check(env, napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr));
  if (type != wanted) RejectValue(what, std::string("an ") + name, "another typed array");
  const Element* elements = static_cast<const Element*>(data);
  return length == 0 ? std::vector<Element>() : std::vector<Element>(elements, elements + length);
}

}  // namespace

void ObjectReader::Reject(const char* name, const std::string& expected,
                          const std::string& received) const {
  RejectValue("'" + std::string(name) + "' of " + owner_, expected, received);
}

napi_value ObjectReader::Get(const char* name) const {
  napi_value value;
  Check(env_, napi_get_named_property(env_, object_, name, &value));
  return value;
}

bool ObjectReader::Has(const char* name) const {
  napi_valuetype type;
  Check(env_, napi_typeof(env_, Get(name), &type));
  return type != napi_undefined;
}

ObjectReader ObjectReader::Object(const char* name) const {
  napi_value value = Get(name);
  if (!argument_check::IsType<napi_object>(env_, value)) {
    Reject(name, "an object", Describe(env_, value));
  }
  return ObjectReader(env_, value, std::string(name) + " of " + owner_);
}

std::vector<napi_value> ObjectReader::Elements(const char* name) const {
  napi_value array = Get(name);
  if (!argument_check::IsArray(env_, array)) Reject(name, "an array", Describe(env_, array));
  uint32_t length = 0;
  Check(env_, napi_get_array_length(env_, array, &length));
  std::vector<napi_value> elements(length);
  for (uint32_t i = 0; i < length; ++i) {
    Check(env_, napi_get_element(env_, array, i, &elements[i]));
  }
  return elements;
}

std::vector<ObjectReader> ObjectReader::Objects(const char* name) const {
  std::vector<ObjectReader> readers;
  for (napi_value element : Elements(name)) {
    std::string owner = std::string(name) + "[" + std::to_string(readers.size()) + "] of " + owner_;
    if (!argument_check::IsType<napi_object>(env_, element)) {
      RejectValue(owner, "an object", Describe(env_, element));
    }
    readers.emplace_back(env_, element, std::move(owner));
  }
  return readers;
}

std::string ObjectReader::String(const char* name) const {
  napi_value value = Get(name);
  if (!argument_check::IsType<napi_string>(env_, value)) {
    Reject(name, "a string", Describe(env_, value));
  }
  return ToUtf8(env_, value);
}

bool ObjectReader::Boolean(const char* name) const {
  napi_value value = Get(name);
  bool boolean = false;
  if (napi_get_value_bool(env_, value, &boolean) != napi_ok) {
    Reject(name, "a boolean", Describe(env_, value));
  }
  return boolean;
}

double ObjectReader::Checked(const char* name, napi_value value, NumberRange range,
                             bool whole) const {
  double number = 0.0;
  const bool is_number = napi_get_value_double(env_, value, &number) == napi_ok;
  if (!is_number || !(number >= range.least && number <= range.most) ||
      (whole && number != std::floor(number))) {
    Reject(name,
           std::string(whole ? "an integer" : "a number") + " between " + Plain(range.least) +
               " and " + Plain(range.most),
           is_number && !std::isnan(number) ? Plain(number) : Describe(env_, value));
  }
  return number;
}

double ObjectReader::Number(const char* name, NumberRange range) const {
  return Checked(name, Get(name), range, /*whole=*/false);
}

int64_t ObjectReader::Integer(const char* name, NumberRange range) const {
  return static_cast<int64_t>(Checked(name, Get(name), range, /*whole=*/true));
}

std::vector<int64_t> ObjectReader::Integers(const char* name, NumberRange range) const {
  std::vector<int64_t> integers;
  for (napi_value element : Elements(name)) {
    integers.push_back(static_cast<int64_t>(Checked(name, element, range, /*whole=*/true)));
  }
  return integers;
}

uint64_t ObjectReader::BigInt(const char* name) const {
  napi_value value = Get(name);
  uint64_t number = 0;
  bool lossless = false;
  if (napi_get_value_bigint_uint64(env_, value, &number, &lossless) != napi_ok) {
    Reject(name, "a bigint", Describe(env_, value));
  }
  return number;
}

std::vector<int32_t> ObjectReader::Int32Array(const char* name) const {
  return ReadInt32Array(env_, Get(name), "'" + std::string(name) + "' of " + owner_);
}

std::vector<float> ObjectReader::Float32Array(const char* name) const {
  return ReadFloat32Array(env_, Get(name), "'" + std::string(name) + "' of " + owner_);
}

std::vector<int32_t> ReadInt32Array(napi_env env, napi_value value, const std::string& what) {
  return ReadTypedArray<int32_t>(env, value, napi_int32_array, "Int32Array", what);
}

std::vector<uint8_t> ReadUint8Array(napi_env env, napi_value value, const std::string& what) {
  return ReadTypedArray<uint8_t>(env, value, napi_uint8_array, "Uint8Array", what);
}

std::vector<float> ReadFloat32Array(napi_env env, napi_value value, const std::string& what) {
  return ReadTypedArray<float>(env, value, napi_float32_array, "Float32Array", what);
}

}  // namespace node_mlc
