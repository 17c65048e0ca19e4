/*!
 * \file node/tensor_wrap.cc
 * \brief Tensor: shape and type, zero-copy views, and copies from typed arrays.
 */
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/device.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/function.h>

#include <cstring>
#include <limits>
#include <memory>
#include <string>

#include "node/argument_check.h"
#include "node/class_definition.h"
#include "node/external_memory.h"
#include "node/value_conversion.h"
#include "node/value_handle.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

ffi::Tensor ThisTensor(napi_env env, napi_value self) {
  ValueHandle* handle = UnwrapThis(env, self, "a Tensor");
  auto tensor = handle->value.as<ffi::Tensor>();
  if (!tensor.has_value()) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Illegal invocation: expected a Tensor as `this` but received " +
                         handle->value.GetTypeKey() + ".");
  }
  return *tensor;
}

const DLTensor* Raw(const ffi::Tensor& tensor) { return tensor.GetDLTensorPtr(); }

/*! \brief Elements of `shape`; throws when the bytes would not fit. */
size_t CheckedElements(const std::vector<int64_t>& shape, DLDataType dtype) {
  const uint64_t limit = uint64_t{1} << 53;
  const uint64_t element_bytes = (uint64_t{dtype.bits} * dtype.lanes + 7) / 8;
  uint64_t elements = 1;
  for (int64_t dimension : shape) {
    if (dimension == 0) return 0;
  }
  for (int64_t dimension : shape) {
    if (elements > limit / static_cast<uint64_t>(dimension) / element_bytes) {
      throw CodedError("ERR_INVALID_ARGUMENT",
                       "Expected a shape of at most 2^53 bytes but received a larger one.");
    }
    elements *= static_cast<uint64_t>(dimension);
  }
  return elements;
}

/*! \brief Uninitialised, 64-byte aligned (TVM's allocator; kernels assume this alignment). */
ffi::Tensor Allocate(const std::vector<int64_t>& shape, DLDataType dtype, DLDevice device) {
  static const ffi::Function allocate =
      ffi::Function::GetGlobalRequired("runtime.TVMTensorAllocWithScope");
  CheckedElements(shape, dtype);
  return allocate(ffi::Shape(shape.begin(), shape.end()), dtype, device, nullptr)
      .cast<ffi::Tensor>();
}

struct ElementType {
  uint8_t code;
  uint8_t bits;
  napi_typedarray_type array;
  size_t bytes;
};
constexpr ElementType kElementTypes[] = {
    {kDLFloat, 32, napi_float32_array, 4}, {kDLFloat, 64, napi_float64_array, 8},
    {kDLInt, 8, napi_int8_array, 1},       {kDLInt, 16, napi_int16_array, 2},
    {kDLInt, 32, napi_int32_array, 4},     {kDLInt, 64, napi_bigint64_array, 8},
    {kDLUInt, 8, napi_uint8_array, 1},     {kDLUInt, 16, napi_uint16_array, 2},
    {kDLUInt, 32, napi_uint32_array, 4},   {kDLUInt, 64, napi_biguint64_array, 8},
    {kDLFloat, 16, napi_uint16_array, 2},  {kDLBfloat, 16, napi_uint16_array, 2},
};
constexpr ElementType kByteElement = {kDLUInt, 8, napi_uint8_array, 1};

const ElementType& ElementTypeOf(DLDataType dtype) {
  for (const ElementType& type : kElementTypes) {
    if (dtype.lanes == 1 && type.code == dtype.code && type.bits == dtype.bits) return type;
  }
  return kByteElement;  // bool, 4-bit and 8-bit floats, vectors: their bytes
}

napi_value MakeView(napi_env env, const ffi::Tensor& tensor, const ElementType& type) {
  if (Raw(tensor)->device.device_type != kDLCPU) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Expected a tensor in CPU memory but received one on " +
                         DeviceTypeName(Raw(tensor)->device.device_type) +
                         ". Copy it to the CPU first.");
  }
  if (!tensor.IsContiguous()) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Expected a contiguous tensor but received a strided one.");
  }
  const size_t size = ffi::GetDataSize(*Raw(tensor));
  char* data = static_cast<char*>(Raw(tensor)->data) + Raw(tensor)->byte_offset;
  napi_value view;
  napi_value buffer =
      MakeExternalArrayBuffer(env, data, size, std::make_unique<ffi::Tensor>(tensor));
  Check(env, napi_create_typedarray(env, type.array, size / type.bytes, buffer, 0, &view));
  return view;
}

// get shape(): number[]
napi_value GetShape(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "shape", {});
    ffi::Tensor tensor = ThisTensor(env, args.self());
    return ToJsShape(env, Raw(tensor)->shape, Raw(tensor)->ndim);
  });
}

// get dtype(): string
napi_value GetDType(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "dtype", {});
    return ToJsString(env, ffi::DLDataTypeToString(Raw(ThisTensor(env, args.self()))->dtype));
  });
}

// get device(): Device
napi_value GetDevice(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "device", {});
    return ToJsDevice(env, Raw(ThisTensor(env, args.self()))->device);
  });
}

// get byteLength(): number
napi_value GetByteLength(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "byteLength", {});
    napi_value value;
    const size_t size = ffi::GetDataSize(*Raw(ThisTensor(env, args.self())));
    Check(env, napi_create_int64(env, static_cast<int64_t>(size), &value));
    return value;
  });
}

// view(): TypedArray
napi_value View(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "view", {});
    ffi::Tensor tensor = ThisTensor(env, args.self());
    return MakeView(env, tensor, ElementTypeOf(Raw(tensor)->dtype));
  });
}

// bytes(): Uint8Array
napi_value Bytes(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "bytes", {});
    return MakeView(env, ThisTensor(env, args.self()), kByteElement);
  });
}

// static empty(shape: number[], dtype: string, device?: Device): Tensor
napi_value Empty(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "Tensor.empty",
                         {Anything("shape"), Anything("dtype"), Optional(Object("device"))});
    const DLDevice device = args.Has(2) ? ToDevice(env, args[2]) : DLDevice{kDLCPU, 0};
    return ToJs(env, Allocate(ToShape(env, args[0]), ToDataType(env, args[1]), device));
  });
}

DLDataType DefaultDataType(napi_typedarray_type array) {
  for (const ElementType& type : kElementTypes) {
    if (type.array == array) return DLDataType{type.code, type.bits, 1};
  }
  return DLDataType{kDLUInt, 8, 1};
}

// static from(array: TypedArray, shape: number[], dtype?: string): Tensor
napi_value From(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "Tensor.from",
                         {TypedArray("array"), Anything("shape"), Optional(Anything("dtype"))});
    napi_typedarray_type type;
    size_t length = 0;
    void* data = nullptr;
    Check(env, napi_get_typedarray_info(env, args[0], &type, &length, &data, nullptr, nullptr));
    const size_t received = length * TypedArrayElementBytes(type);
    const DLDataType dtype = args.Has(2) ? ToDataType(env, args[2]) : DefaultDataType(type);
    const std::vector<int64_t> shape = ToShape(env, args[1]);
    const size_t expected = (CheckedElements(shape, dtype) * dtype.bits * dtype.lanes + 7) / 8;
    if (expected != received) {
      throw CodedError("ERR_INVALID_ARGUMENT", "Expected " + std::to_string(expected) +
                                                   " bytes for this shape and dtype but received " +
                                                   std::to_string(received) + ".");
    }
    ffi::Tensor tensor = Allocate(shape, dtype, DLDevice{kDLCPU, 0});
    if (received > 0) std::memcpy(Raw(tensor)->data, data, received);
    return ToJs(env, tensor);
  });
}

}  // namespace

size_t TypedArrayElementBytes(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:  // Float16Array of newer runtimes
      return 2;
  }
}

void DefineTensorClass(napi_env env, napi_value exports) {
  ClassDefinition(env, "Tensor", WrapClass::kTensor)
      .Extends(WrapClass::kObject)
      .Getter("shape", GetShape)
      .Getter("dtype", GetDType)
      .Getter("device", GetDevice)
      .Getter("byteLength", GetByteLength)
      .Method("view", View)
      .Method("bytes", Bytes)
      .Static("empty", Empty)
      .Static("from", From)
      .Define(exports);
}

}  // namespace node_mlc
