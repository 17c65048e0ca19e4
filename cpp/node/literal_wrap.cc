/*!
 * \file node/literal_wrap.cc
 * \brief The typed literals FfiFloat, DType, Device and Shape: values that plain JavaScript cannot
 * tell apart.
 */
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/device.h>
#include <tvm/ffi/dtype.h>

#include <memory>
#include <utility>
#include <vector>

#include "node/argument_check.h"
#include "node/class_definition.h"
#include "node/value_conversion.h"
#include "node/value_handle.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

// FfiFloat.value: number; DType.name: string; Shape.dimensions: number[]
napi_value GetLiteral(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "value", {});
    return ToJs(env, UnwrapThis(env, args.self(), "a typed literal")->value);
  });
}

napi_value WrapLiteral(napi_env env, WrapClass wrap_class, ffi::Any value) {
  auto handle = std::make_unique<ValueHandle>();
  handle->value = std::move(value);
  return Wrap(env, wrap_class, std::move(handle));
}

// createDType(name: string): DType
napi_value CreateDType(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "dtype", {String("name")});
    return WrapLiteral(env, WrapClass::kDType, ffi::Any(ToDataType(env, args[0])));
  });
}

// createDevice(device: {type: string, index: number}): Device
napi_value CreateDevice(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "device", {Object("device")});
    return ToJsDevice(env, ToDevice(env, args[0]));
  });
}

// createShape(dimensions: number[]): Shape
napi_value CreateShape(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "shape", {Array("dimensions")});
    const std::vector<int64_t> dimensions = ToShape(env, args[0]);
    return WrapLiteral(env, WrapClass::kShape,
                       ffi::Any(ffi::Shape(dimensions.begin(), dimensions.end())));
  });
}

}  // namespace

void DefineLiteralClasses(napi_env env, napi_value exports) {
  ClassDefinition(env, "FfiFloat", WrapClass::kFloat).Getter("value", GetLiteral).Define(exports);
  ClassDefinition(env, "DType", WrapClass::kDType)
      .Getter("name", GetLiteral)
      .Method("toString", GetLiteral)
      .Define(exports);
  ClassDefinition(env, "Device", WrapClass::kDevice).Define(exports);
  ClassDefinition(env, "Shape", WrapClass::kShape).Getter("dimensions", GetLiteral).Define(exports);
  DefineFunctionOn(env, exports, "createDType", CreateDType);
  DefineFunctionOn(env, exports, "createDevice", CreateDevice);
  DefineFunctionOn(env, exports, "createShape", CreateShape);
}

}  // namespace node_mlc
