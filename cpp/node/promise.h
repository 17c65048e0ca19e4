/*!
 * \file node/promise.h
 * \brief Settles promises.
 */
#ifndef NODE_MLC_NODE_PROMISE_H_
#define NODE_MLC_NODE_PROMISE_H_

#include <node_api.h>

#include <string>

#include "node/error_conversion.h"

namespace node_mlc {

/*! \brief Rejects with MlcError(code, message). */
inline void RejectWith(napi_env env, napi_deferred deferred, const std::string& code,
                       const std::string& message) {
  napi_value error = MakeError(env, code, message);
  if (error != nullptr) napi_reject_deferred(env, deferred, error);
}

/*! \brief Resolves with the value that `make` returns, or rejects with what it throws. */
template <typename Make>
void ResolveWith(napi_env env, napi_deferred deferred, Make&& make) {
  napi_value value = Guard(env, make);
  if (value != nullptr) {
    napi_resolve_deferred(env, deferred, value);
    return;
  }
  napi_value exception;
  if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) {
    napi_reject_deferred(env, deferred, exception);
  }
}

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_PROMISE_H_
