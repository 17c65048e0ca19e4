/*!
 * \file node/error_conversion.h
 * \brief C++ exceptions to JavaScript errors and back. No exception crosses the boundary in either
 * direction.
 */
#ifndef NODE_MLC_NODE_ERROR_CONVERSION_H_
#define NODE_MLC_NODE_ERROR_CONVERSION_H_

#include <node_api.h>
#include <tvm/ffi/error.h>

#include <string>

#include "support/coded_error.h"

namespace node_mlc {

/*! \brief Thrown to unwind C++ when a JavaScript exception is pending (or the environment no longer
 * runs JavaScript). */
struct JsExceptionPending {};

/*! \brief Turns a failed Node-API status into JsExceptionPending or CodedError(ERR_NATIVE). */
[[noreturn]] void ThrowStatus(napi_env env, napi_status status);

/*! \brief Checks a Node-API status inside a Guard(). */
inline void Check(napi_env env, napi_status status) {
  if (status != napi_ok) ThrowStatus(env, status);
}

/*! \brief An MlcError value with `code`; `details` may be nullptr. Returns nullptr when JavaScript
 * cannot run. */
napi_value MakeError(napi_env env, const std::string& code, const std::string& message,
                     napi_value details = nullptr);

/*! \brief Throws an MlcError in JavaScript. */
void ThrowCoded(napi_env env, const std::string& code, const std::string& message);

/*! \brief Throws the JavaScript form of a TVM error: the original JS exception when a callback of
 * this environment raised it, else MlcError(ERR_NATIVE, details: {kind, backtrace}). */
void ThrowFfiError(napi_env env, const tvm::ffi::Error& error);

/*! \brief Throws the current C++ exception in JavaScript; call inside `catch (...)` only. */
void ThrowCurrentException(napi_env env) noexcept;

/*! \brief Takes the pending JavaScript exception and wraps it as a TVM error that carries it. */
tvm::ffi::Error TakeJsException(napi_env env);

/*! \brief Takes the error that a failed C call of libtvm_ffi left behind. */
tvm::ffi::Error TakeRaisedError();

/*! \brief Runs the body of a native method: every C++ exception becomes a JavaScript one. */
template <typename Body>
napi_value Guard(napi_env env, Body&& body) noexcept {
  try {
    return body();
  } catch (...) {
    ThrowCurrentException(env);
    return nullptr;
  }
}

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_ERROR_CONVERSION_H_
