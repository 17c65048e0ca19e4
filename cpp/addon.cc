#include <napi.h>

/*! \brief Called by the stub once the TVM runtime is loaded. */
extern "C" __attribute__((visibility("default"))) napi_value node_mlc_core_init(napi_env env, napi_value exports) {
  return exports;
}
