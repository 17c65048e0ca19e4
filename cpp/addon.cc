/*!
 * \file addon.cc
 * \brief Entry of the core library: makes the environment's state and defines every class, in one
 * visible list.
 */
#include <node_api.h>

#include "engine/parallel_launch.h"
#include "node/addon_data.h"
#include "node/engine_wrap.h"
#include "node/error_conversion.h"
#include "node/value_handle.h"

#ifdef _WIN32
#define NODE_MLC_EXPORT __declspec(dllexport)
#else
#define NODE_MLC_EXPORT __attribute__((visibility("default")))
#endif

/*! \brief Called by the stub once the TVM runtime is loaded. */
extern "C" NODE_MLC_EXPORT napi_value node_mlc_core_init(napi_env env, napi_value exports) {
  return node_mlc::Guard(env, [&] {
    node_mlc::AddonData::Create(env);
    node_mlc::InstallParallelLaunch();
    node_mlc::DefineObjectClasses(env, exports);
    node_mlc::DefineLiteralClasses(env, exports);
    node_mlc::DefineFunctionClass(env, exports);
    node_mlc::DefineModuleClass(env, exports);
    node_mlc::DefineTensorClass(env, exports);
    node_mlc::DefineSystemFunctions(env, exports);
    node_mlc::DefineDeviceFunctions(env, exports);
    node_mlc::DefineEngineClass(env, exports);
    return exports;
  });
}
