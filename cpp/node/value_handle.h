/*!
 * \file node/value_handle.h
 * \brief The C++ side of every JavaScript object that stands for an FFI value.
 */
#ifndef NODE_MLC_NODE_VALUE_HANDLE_H_
#define NODE_MLC_NODE_VALUE_HANDLE_H_

#include <node_api.h>
#include <tvm/ffi/any.h>
#include <tvm/ffi/function.h>

#include <memory>
#include <utility>

#include "node/addon_data.h"
#include "node/type_schema.h"

namespace node_mlc {

/*!
 * \brief One owned FFI value: an object (node, function, module, tensor) or a typed literal
 * (FfiFloat, DType, ...).
 *
 * The JavaScript object owns it: dispose() drops the value at once, the finalizer drops the handle.
 */
struct ValueHandle {
  tvm::ffi::Any value;
  bool disposed = false;
  /*! \brief For functions: how to convert their arguments; null when unknown. */
  std::shared_ptr<const FunctionSchema> schema;
  /*! \brief Bytes reported to the garbage collector (tensors). */
  int64_t external_bytes = 0;
};

/*! \brief The handle of `value`, or nullptr when it is not one of ours (checked by type tag). */
ValueHandle* TryUnwrap(napi_env env, napi_value value);

/*! \brief A new JavaScript object of class `wrap_class` that owns `handle`. */
napi_value Wrap(napi_env env, WrapClass wrap_class, std::unique_ptr<ValueHandle> handle);

/*! \brief The `this` of a native method: a living handle; throws ERR_INVALID_ARGUMENT or
 * ERR_DISPOSED. */
ValueHandle* UnwrapThis(napi_env env, napi_value self, const char* expected);

/*! \brief Defines FfiObject, the base of the next three, on `exports`. */
void DefineObjectClasses(napi_env env, napi_value exports);
/*! \brief Defines FfiFloat, DType, Device and Shape. */
void DefineLiteralClasses(napi_env env, napi_value exports);
/*! \brief Defines FfiFunction and the global function registry. */
void DefineFunctionClass(napi_env env, napi_value exports);
/*! \brief Defines FfiModule. */
void DefineModuleClass(napi_env env, napi_value exports);
/*! \brief Defines Tensor. */
void DefineTensorClass(napi_env env, napi_value exports);
/*! \brief Defines mapFile, cpuFeatures, cpuName and loadLibrary. */
void DefineSystemFunctions(napi_env env, napi_value exports);
void DefineDeviceFunctions(napi_env env, napi_value exports);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_VALUE_HANDLE_H_
