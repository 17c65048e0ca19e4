/*!
 * \file node/value_conversion.cc
 */
#include "node/value_conversion.h"

#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/device.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/string.h>

#include <cmath>

#include "node/argument_check.h"
#include "node/big_int.h"
#include "node/js_function.h"
#include "node/value_handle.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

constexpr double kMaxSafeInteger = 9007199254740991.0;
/*! \brief Containers nested deeper than this are refused: the conversion recurses. */
constexpr int kMaxDepth = 500;

const TypeSchema kAnySchema;

[[noreturn]] void Refuse(napi_env env, const std::string& expected, napi_value value) {
  throw CodedError("ERR_INVALID_ARGUMENT",
                   "Expected " + expected + " but received " + Describe(env, value) + ".");
}

const TypeSchema& StripOptional(const TypeSchema& schema) {
  const TypeSchema* inner = &schema;
  while (inner->kind == SchemaKind::kOptional) inner = &inner->items[0];
  return *inner;
}

/*! \brief The member of `schema` (itself, or an alternative of a Variant) that is of `kind`, or
 * nullptr. */
const TypeSchema* Find(const TypeSchema& schema, SchemaKind kind) {
  const TypeSchema& inner = StripOptional(schema);
  if (inner.kind == kind) return &inner;
  if (inner.kind != SchemaKind::kVariant) return nullptr;
  for (const TypeSchema& item : inner.items) {
    if (const TypeSchema* found = Find(item, kind)) return found;
  }
  return nullptr;
}

ffi::Any NumberToFfi(napi_env env, napi_value value, const TypeSchema& schema) {
  double number = 0;
  Check(env, napi_get_value_double(env, value, &number));
  const bool integral = number == std::floor(number) && std::fabs(number) <= kMaxSafeInteger;
  const SchemaKind kind = StripOptional(schema).kind;
  if (kind == SchemaKind::kFloat) return ffi::Any(number);
  if (kind == SchemaKind::kInt && !integral) Refuse(env, "an integer (bigint beyond 2^53)", value);
  if (kind == SchemaKind::kVariant && Find(schema, SchemaKind::kFloat) != nullptr &&
      Find(schema, SchemaKind::kInt) == nullptr) {
    return ffi::Any(number);
  }
  if (integral) return ffi::Any(static_cast<int64_t>(number));
  return ffi::Any(number);
}

ffi::Any Convert(napi_env env, napi_value value, const TypeSchema& schema, int depth);

ffi::Any ArrayToFfi(napi_env env, napi_value value, const TypeSchema& schema, int depth) {
  const TypeSchema* sequence = Find(schema, SchemaKind::kSequence);
  const TypeSchema* tuple = Find(schema, SchemaKind::kTuple);
  if (sequence == nullptr && tuple == nullptr && Find(schema, SchemaKind::kShape) != nullptr) {
    std::vector<int64_t> dimensions = ToShape(env, value);
    return ffi::Shape(dimensions.begin(), dimensions.end());
  }
  uint32_t count = 0;
  Check(env, napi_get_array_length(env, value, &count));
  ffi::Array<ffi::Any> array;
  array.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    napi_value element;
    Check(env, napi_get_element(env, value, i, &element));
    const TypeSchema& item = sequence != nullptr                           ? sequence->items[0]
                             : tuple != nullptr && i < tuple->items.size() ? tuple->items[i]
                                                                           : kAnySchema;
    array.push_back(Convert(env, element, item, depth + 1));
  }
  return array;
}

ffi::Any PlainObjectToFfi(napi_env env, napi_value value, const TypeSchema& schema, int depth) {
  const TypeSchema* map_schema = Find(schema, SchemaKind::kMap);
  const TypeSchema& item = map_schema != nullptr ? map_schema->items[1] : kAnySchema;
  napi_value keys;
  uint32_t count = 0;
  Check(env, napi_get_all_property_names(
                 env, value, napi_key_own_only,
                 static_cast<napi_key_filter>(napi_key_enumerable | napi_key_skip_symbols),
                 napi_key_numbers_to_strings, &keys));
  Check(env, napi_get_array_length(env, keys, &count));
  ffi::Map<ffi::Any, ffi::Any> map;
  for (uint32_t i = 0; i < count; ++i) {
    napi_value key, element;
    Check(env, napi_get_element(env, keys, i, &key));
    Check(env, napi_get_property(env, value, key, &element));
    map.Set(ffi::String(ToUtf8(env, key)), Convert(env, element, item, depth + 1));
  }
  return map;
}

/*! \brief A JS Map, read through Array.from(map): Node-API has no access to maps. */
ffi::Any MapToFfi(napi_env env, napi_value value, const TypeSchema& schema, int depth) {
  const TypeSchema* map_schema = Find(schema, SchemaKind::kMap);
  napi_value global, array_class, from, entries;
  uint32_t count = 0;
  Check(env, napi_get_global(env, &global));
  Check(env, napi_get_named_property(env, global, "Array", &array_class));
  Check(env, napi_get_named_property(env, array_class, "from", &from));
  Check(env, napi_call_function(env, array_class, from, 1, &value, &entries));
  Check(env, napi_get_array_length(env, entries, &count));
  ffi::Map<ffi::Any, ffi::Any> map;
  for (uint32_t i = 0; i < count; ++i) {
    napi_value entry, key, element;
    Check(env, napi_get_element(env, entries, i, &entry));
    Check(env, napi_get_element(env, entry, 0, &key));
    Check(env, napi_get_element(env, entry, 1, &element));
    map.Set(Convert(env, key, map_schema != nullptr ? map_schema->items[0] : kAnySchema, depth + 1),
            Convert(env, element, map_schema != nullptr ? map_schema->items[1] : kAnySchema,
                    depth + 1));
  }
  return map;
}

bool IsJsMap(napi_env env, napi_value value) {
  napi_value global, map_class;
  bool yes = false;
  Check(env, napi_get_global(env, &global));
  Check(env, napi_get_named_property(env, global, "Map", &map_class));
  Check(env, napi_instanceof(env, value, map_class, &yes));
  return yes;
}

/*! \brief Whether the prototype of `value` is null or the end of the chain, as for `{}`. */
bool IsPlainObject(napi_env env, napi_value value) {
  napi_value prototype, end;
  napi_valuetype type;
  Check(env, napi_get_prototype(env, value, &prototype));
  Check(env, napi_typeof(env, prototype, &type));
  if (type == napi_null) return true;
  Check(env, napi_get_prototype(env, prototype, &end));
  Check(env, napi_typeof(env, end, &type));
  return type == napi_null;
}

ffi::Any TypedArrayToFfi(napi_env env, napi_value value, const TypeSchema& schema) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  Check(env, napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr));
  if (Find(schema, SchemaKind::kPointer) != nullptr) return ffi::Any(data);
  if (type == napi_uint8_array) {
    return ffi::Bytes(static_cast<const char*>(data), length);
  }
  throw CodedError("ERR_INVALID_ARGUMENT",
                   "Expected a Uint8Array (bytes) or a Tensor but received another typed array. "
                   "Make a Tensor of it "
                   "with Tensor.from(array, shape).");
}

ffi::Any ObjectToFfi(napi_env env, napi_value value, const TypeSchema& schema, int depth) {
  bool yes = false;
  Check(env, napi_is_array(env, value, &yes));
  if (yes) return ArrayToFfi(env, value, schema, depth);
  if (ValueHandle* handle = TryUnwrap(env, value)) {
    if (handle->disposed) {
      throw CodedError("ERR_DISPOSED", "An FFI object was used after dispose().");
    }
    return handle->value;
  }
  Check(env, napi_is_typedarray(env, value, &yes));
  if (yes) return TypedArrayToFfi(env, value, schema);
  if (Find(schema, SchemaKind::kDevice) != nullptr) return ffi::Any(ToDevice(env, value));
  if (IsPlainObject(env, value)) return PlainObjectToFfi(env, value, schema, depth);
  if (IsJsMap(env, value)) return MapToFfi(env, value, schema, depth);
  throw CodedError("ERR_INVALID_ARGUMENT",
                   "Expected a primitive, an array, a Map, a plain object, a function or an FFI "
                   "object but received an "
                   "instance of another class.");
}

ffi::Any Convert(napi_env env, napi_value value, const TypeSchema& schema, int depth) {
  if (depth > kMaxDepth) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Expected containers nested at most " + std::to_string(kMaxDepth) + " deep.");
  }
  napi_valuetype type;
  Check(env, napi_typeof(env, value, &type));
  switch (type) {
    case napi_undefined:
    case napi_null:
      return ffi::Any(nullptr);
    case napi_boolean: {
      bool boolean = false;
      Check(env, napi_get_value_bool(env, value, &boolean));
      return ffi::Any(boolean);
    }
    case napi_number:
      return NumberToFfi(env, value, schema);
    case napi_bigint:
      return BigIntToFfi(env, value);
    case napi_string:
      if (StripOptional(schema).kind == SchemaKind::kDataType)
        return ffi::Any(ToDataType(env, value));
      return ffi::String(ToUtf8(env, value));
    case napi_function:
      return MakeJsFunction(env, value);
    case napi_object:
      return ObjectToFfi(env, value, schema, depth);
    default:
      Refuse(env, "a value that TVM knows", value);
  }
}

}  // namespace

ffi::Any ToFfi(napi_env env, napi_value value, const TypeSchema& schema) {
  return Convert(env, value, schema, 0);
}

std::string ToUtf8(napi_env env, napi_value value) {
  char small[256];
  size_t length = 0;
  Check(env, napi_get_value_string_utf8(env, value, small, sizeof(small), &length));
  // A full buffer may have been cut (up to three bytes short of the end, at a character border).
  if (length + 4 < sizeof(small)) return std::string(small, length);
  Check(env, napi_get_value_string_utf8(env, value, nullptr, 0, &length));
  std::string text(length, '\0');
  Check(env, napi_get_value_string_utf8(env, value, text.data(), length + 1, &length));
  return text;
}

std::vector<int64_t> ToShape(napi_env env, napi_value value) {
  if (ValueHandle* handle = TryUnwrap(env, value)) {
    if (auto shape = handle->value.as<ffi::Shape>()) {
      return std::vector<int64_t>((*shape).begin(), (*shape).end());
    }
  }
  bool is_array = false;
  uint32_t count = 0;
  Check(env, napi_is_array(env, value, &is_array));
  if (!is_array) Refuse(env, "a shape (an array of non-negative integers)", value);
  Check(env, napi_get_array_length(env, value, &count));
  std::vector<int64_t> dimensions(count);
  for (uint32_t i = 0; i < count; ++i) {
    napi_value element;
    double number = 0;
    Check(env, napi_get_element(env, value, i, &element));
    if (!argument_check::IsNonNegativeInteger(env, element)) {
      Refuse(env, "a shape of non-negative integers", element);
    }
    Check(env, napi_get_value_double(env, element, &number));
    dimensions[i] = static_cast<int64_t>(number);
  }
  return dimensions;
}

DLDataType ToDataType(napi_env env, napi_value value) {
  if (ValueHandle* handle = TryUnwrap(env, value)) {
    if (auto dtype = handle->value.as<DLDataType>()) return *dtype;
  }
  if (!argument_check::IsType<napi_string>(env, value)) {
    Refuse(env, "a data type such as \"float32\"", value);
  }
  const std::string name = ToUtf8(env, value);
  const TVMFFIByteArray bytes{name.data(), name.size()};
  DLDataType dtype;
  if (TVMFFIDataTypeFromString(&bytes, &dtype) != 0) {
    TakeRaisedError();
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Expected a data type such as \"float32\" but received \"" + name + "\".");
  }
  return dtype;
}

}  // namespace node_mlc
