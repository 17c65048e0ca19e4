/*!
 * \file node/value_to_js.cc
 * \brief FFI values to JavaScript values, and devices by name.
 */
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/device.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/string.h>

#include <cstring>
#include <memory>
#include <utility>

#include "node/argument_check.h"
#include "node/big_int.h"
#include "node/value_conversion.h"
#include "node/value_handle.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

constexpr int64_t kMaxSafeInteger = 9007199254740991;

struct DeviceName {
  DLDeviceType type;
  const char* name;
};
constexpr DeviceName kDeviceNames[] = {
    {kDLCPU, "cpu"},       {kDLCUDA, "cuda"},       {kDLCUDAHost, "cuda_host"},
    {kDLOpenCL, "opencl"}, {kDLVulkan, "vulkan"},   {kDLMetal, "metal"},
    {kDLROCM, "rocm"},     {kDLHexagon, "hexagon"}, {kDLWebGPU, "webgpu"},
};

napi_value IntToJs(napi_env env, int64_t integer) {
  napi_value value;
  if (integer >= -kMaxSafeInteger && integer <= kMaxSafeInteger) {
    Check(env, napi_create_int64(env, integer, &value));
  } else {
    Check(env, napi_create_bigint_int64(env, integer, &value));
  }
  return value;
}

napi_value BytesToJs(napi_env env, const char* data, size_t size) {
  napi_value buffer, value;
  void* target = nullptr;
  Check(env, napi_create_arraybuffer(env, size, &target, &buffer));
  if (size > 0) std::memcpy(target, data, size);
  Check(env, napi_create_typedarray(env, napi_uint8_array, size, buffer, 0, &value));
  return value;
}

template <typename Sequence>
napi_value SequenceToJs(napi_env env, const Sequence& sequence) {
  napi_value array;
  uint32_t index = 0;
  Check(env, napi_create_array_with_length(env, sequence.size(), &array));
  for (const ffi::Any& item : sequence) {
    Check(env, napi_set_element(env, array, index++, ToJs(env, item)));
  }
  return array;
}

template <typename Mapping>
napi_value MappingToJs(napi_env env, const Mapping& mapping) {
  napi_value global, map_class, map, set;
  Check(env, napi_get_global(env, &global));
  Check(env, napi_get_named_property(env, global, "Map", &map_class));
  Check(env, napi_new_instance(env, map_class, 0, nullptr, &map));
  Check(env, napi_get_named_property(env, map, "set", &set));
  for (const auto& [key, value] : mapping) {
    napi_value arguments[2] = {ToJs(env, key), ToJs(env, value)};
    Check(env, napi_call_function(env, map, set, 2, arguments, nullptr));
  }
  return map;
}

napi_value ObjectToJs(napi_env env, ffi::Any value) {
  WrapClass wrap_class = WrapClass::kObject;
  auto handle = std::make_unique<ValueHandle>();
  switch (value.type_index()) {
    case kTVMFFIArray:
      return SequenceToJs(env, value.cast<ffi::Array<ffi::Any>>());
    case kTVMFFIList:
      return SequenceToJs(env, value.cast<ffi::List<ffi::Any>>());
    case kTVMFFIMap:
      return MappingToJs(env, value.cast<ffi::Map<ffi::Any, ffi::Any>>());
    case kTVMFFIDict:
      return MappingToJs(env, value.cast<ffi::Dict<ffi::Any, ffi::Any>>());
    case kTVMFFIShape: {
      ffi::Shape shape = value.cast<ffi::Shape>();
      return ToJsShape(env, shape.data(), shape.size());
    }
    case kTVMFFIBigInt:
      return BigIntToJs(env, value);
    case kTVMFFIFunction:
      wrap_class = WrapClass::kFunction;
      break;
    case kTVMFFIModule:
      wrap_class = WrapClass::kModule;
      break;
    case kTVMFFITensor:
      wrap_class = WrapClass::kTensor;
      handle->external_bytes = static_cast<int64_t>(ffi::GetDataSize(value.cast<ffi::Tensor>()));
      break;
    default:
      break;
  }
  handle->value = std::move(value);
  return Wrap(env, wrap_class, std::move(handle));
}

}  // namespace

napi_value ToJs(napi_env env, ffi::Any any) {
  napi_value value = nullptr;
  switch (any.type_index()) {
    case kTVMFFINone:
      Check(env, napi_get_null(env, &value));
      return value;
    case kTVMFFIInt:
      return IntToJs(env, any.cast<int64_t>());
    case kTVMFFIBool:
      Check(env, napi_get_boolean(env, any.cast<bool>(), &value));
      return value;
    case kTVMFFIFloat:
      Check(env, napi_create_double(env, any.cast<double>(), &value));
      return value;
    case kTVMFFIDataType:
      return ToJsString(env, ffi::DLDataTypeToString(any.cast<DLDataType>()));
    case kTVMFFIDevice:
      return ToJsDevice(env, any.cast<DLDevice>());
    case kTVMFFISmallStr:
    case kTVMFFIStr:
    case kTVMFFIRawStr: {
      ffi::String text = any.cast<ffi::String>();
      Check(env, napi_create_string_utf8(env, text.data(), text.size(), &value));
      return value;
    }
    case kTVMFFISmallBytes:
    case kTVMFFIBytes: {
      ffi::Bytes bytes = any.cast<ffi::Bytes>();
      return BytesToJs(env, bytes.data(), bytes.size());
    }
    case kTVMFFIOpaquePtr: {
      const auto address = reinterpret_cast<uintptr_t>(any.cast<void*>());
      Check(env, napi_create_bigint_uint64(env, address, &value));
      return value;
    }
    default:
      break;
  }
  if (any.type_index() >= kTVMFFIStaticObjectBegin) return ObjectToJs(env, std::move(any));
  throw CodedError("ERR_NATIVE",
                   "Expected a value that JavaScript can hold but received one of FFI type " +
                       any.GetTypeKey() + ".");
}

napi_value ToJsString(napi_env env, const std::string& text) {
  napi_value value;
  Check(env, napi_create_string_utf8(env, text.data(), text.size(), &value));
  return value;
}

napi_value ToJsShape(napi_env env, const int64_t* dimensions, size_t count) {
  napi_value array;
  Check(env, napi_create_array_with_length(env, count, &array));
  for (size_t i = 0; i < count; ++i) {
    Check(env, napi_set_element(env, array, i, IntToJs(env, dimensions[i])));
  }
  return array;
}

std::string DeviceTypeName(DLDeviceType type) {
  for (const DeviceName& entry : kDeviceNames) {
    if (entry.type == type) return entry.name;
  }
  return "device " + std::to_string(static_cast<int>(type));
}

napi_value ToJsDevice(napi_env env, DLDevice device) {
  auto handle = std::make_unique<ValueHandle>();
  handle->value = ffi::Any(device);
  napi_value object = Wrap(env, WrapClass::kDevice, std::move(handle));
  const napi_property_descriptor properties[] = {
      {"type", nullptr, nullptr, nullptr, nullptr,
       ToJsString(env, DeviceTypeName(device.device_type)), napi_enumerable, nullptr},
      {"index", nullptr, nullptr, nullptr, nullptr, IntToJs(env, device.device_id), napi_enumerable,
       nullptr},
  };
  Check(env, napi_define_properties(env, object, 2, properties));
  return object;
}

DLDevice ToDevice(napi_env env, napi_value value) {
  if (ValueHandle* handle = TryUnwrap(env, value)) {
    if (auto device = handle->value.as<DLDevice>()) return *device;
  }
  if (argument_check::IsType<napi_object>(env, value)) {
    napi_value type, index;
    Check(env, napi_get_named_property(env, value, "type", &type));
    Check(env, napi_get_named_property(env, value, "index", &index));
    if (argument_check::IsType<napi_string>(env, type) &&
        argument_check::IsNonNegativeInteger(env, index)) {
      const std::string name = ToUtf8(env, type);
      int32_t id = 0;
      Check(env, napi_get_value_int32(env, index, &id));
      for (const DeviceName& entry : kDeviceNames) {
        if (name == entry.name) return DLDevice{entry.type, id};
      }
    }
  }
  throw CodedError(
      "ERR_INVALID_ARGUMENT",
      "Expected a device such as device(\"cpu\", 0) but received " + Describe(env, value) + ".");
}

}  // namespace node_mlc
