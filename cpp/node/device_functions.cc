/*!
 * \file node/device_functions.cc
 * \brief loadDeviceRuntime.
 */
#include <tvm/ffi/function.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <string>

#include "node/argument_check.h"
#include "node/class_definition.h"
#include "node/value_handle.h"
#include "support/own_library.h"

namespace node_mlc {

namespace {

/*! \brief A kind of devices whose runtime is a library beside this one. */
struct DeviceRuntime {
  const char* kind;
  /*! \brief A global function that the library registers. */
  const char* function;
};

constexpr DeviceRuntime kDeviceRuntimes[] = {
    {"opencl", "device_api.opencl"},
    // The code for Vulkan goes through WGSL, under whose name TVM knows it.
    {"vulkan", "device_api.webgpu"},
    {"cuda", "tvm_callback_cuda_compile"},
};

/*!
 * \brief Loads the runtime of a kind of devices once for the process; whether it was this call.
 *
 * A library registers global functions when it is loaded, and a second one of the same kind (of a
 * second copy of this package, which shares the first one's TVM) would end the process.
 */
bool LoadDeviceRuntime(const DeviceRuntime& runtime) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  if (tvm::ffi::Function::GetGlobal(runtime.function).has_value()) return false;
  const std::string path = SiblingLibrary(std::string("node_mlc_") + runtime.kind);
  const std::string reason = LoadLibraryFile(path);
  if (!reason.empty()) {
    throw CodedError("ERR_RUNTIME_MISMATCH",
                     "Expected the device runtime " + path + " but it does not load: " + reason +
                         ". Reinstall node-mlc, or run `npm run build:native` in a checkout.");
  }
  return true;
}

// loadDeviceRuntime(kind: string): boolean
napi_value LoadDeviceRuntimeMethod(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "loadDeviceRuntime", {String("kind")});
    const std::string kind = args.GetString(0);
    const auto runtime = std::find_if(std::begin(kDeviceRuntimes), std::end(kDeviceRuntimes),
                                      [&](const DeviceRuntime& each) { return kind == each.kind; });
    if (runtime == std::end(kDeviceRuntimes)) {
      throw CodedError(
          "ERR_INVALID_ARGUMENT",
          "Expected a kind of devices (opencl, vulkan, cuda) but received \"" + kind + "\".");
    }
    napi_value loaded_now;
    Check(env, napi_get_boolean(env, LoadDeviceRuntime(*runtime), &loaded_now));
    return loaded_now;
  });
}

}  // namespace

void DefineDeviceFunctions(napi_env env, napi_value exports) {
  DefineFunctionOn(env, exports, "loadDeviceRuntime", LoadDeviceRuntimeMethod);
}

}  // namespace node_mlc
