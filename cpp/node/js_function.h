/*!
 * \file node/js_function.h
 * \brief A JavaScript function as a TVM function.
 */
#ifndef NODE_MLC_NODE_JS_FUNCTION_H_
#define NODE_MLC_NODE_JS_FUNCTION_H_

#include <node_api.h>
#include <tvm/ffi/function.h>

namespace node_mlc {

/*!
 * \brief Wraps `function` so that TVM can call it.
 *
 * The call is synchronous and happens on the JavaScript thread of the environment that made it. On
 * any other thread, or after that environment is gone, it raises a TVM error and does not touch
 * JavaScript. A JavaScript exception travels through TVM and comes out as the same exception. The
 * last TVM reference may be dropped on any thread.
 */
tvm::ffi::Function MakeJsFunction(napi_env env, napi_value function);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_JS_FUNCTION_H_
