/*!
 * \file node/engine_wrap.h
 * \brief NativeEngine: the JavaScript class over EngineSession.
 */
#ifndef NODE_MLC_NODE_ENGINE_WRAP_H_
#define NODE_MLC_NODE_ENGINE_WRAP_H_

#include <node_api.h>

namespace node_mlc {

/*! \brief Defines NativeEngine on `exports`; its surface is declared in lib/ffi/native-engine.ts.
 */
void DefineEngineClass(napi_env env, napi_value exports);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_ENGINE_WRAP_H_
