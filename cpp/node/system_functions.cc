/*!
 * \file node/system_functions.cc
 * \brief mapFile, cpuFeatures, cpuName, useThreads, loadLibrary and initialize.
 */
#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#include <signal.h>
#endif

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/thread_pool.h"
#include "node/argument_check.h"
#include "node/class_definition.h"
#include "node/external_memory.h"
#include "node/value_conversion.h"
#include "node/value_handle.h"
#include "support/cpu_features.h"
#include "support/private_file_map.h"

namespace node_mlc {

namespace {

napi_value Undefined(napi_env env) {
  napi_value undefined;
  Check(env, napi_get_undefined(env, &undefined));
  return undefined;
}

/*! \brief Loads a shared library for good; returns the reason of a failure. */
std::string LoadLibraryFile(const std::string& path) {
#ifdef _WIN32
  const int length = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
  std::wstring wide(length, L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, wide.data(), length);
  if (LoadLibraryExW(wide.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH) != nullptr) return "";
  return "Windows error " + std::to_string(GetLastError());
#else
  // A library may install a SIGSEGV handler when it is loaded (libtvm_ffi does); V8's WebAssembly
  // traps need theirs.
  struct sigaction before;
  sigaction(SIGSEGV, nullptr, &before);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const std::string reason = library == nullptr ? dlerror() : "";
  sigaction(SIGSEGV, &before, nullptr);
  return reason;
#endif
}

// loadLibrary(path: string): void
napi_value LoadLibraryMethod(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "loadLibrary", {String("path")});
    const std::string path = args.GetString(0);
    const std::string reason = LoadLibraryFile(path);
    if (!reason.empty()) {
      throw CodedError("ERR_COMPILER_NOT_FOUND",
                       "Expected a loadable library at " + path + " but received: " + reason);
    }
    return Undefined(env);
  });
}

// mapFile(path: string, offset = 0, length?: number): Uint8Array
napi_value MapFile(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "mapFile",
                         {String("path"), Optional(NonNegativeInteger("offset")),
                          Optional(NonNegativeInteger("length"))});
    const uint64_t offset = args.Has(1) ? static_cast<uint64_t>(args.GetNumber(1)) : 0;
    std::optional<uint64_t> length;
    if (args.Has(2)) length = static_cast<uint64_t>(args.GetNumber(2));
    std::unique_ptr<PrivateFileMap> file = PrivateFileMap::Open(args.GetString(0), offset, length);
    const size_t size = file->size();
    uint8_t* data = file->data();
    napi_value array;
    napi_value buffer = MakeExternalArrayBuffer(env, data, size, std::move(file));
    Check(env, napi_create_typedarray(env, napi_uint8_array, size, buffer, 0, &array));
    return array;
  });
}

// cpuFeatures(): string[]
napi_value GetCpuFeatures(napi_env env, napi_callback_info) {
  return Guard(env, [&] {
    napi_value names;
    uint32_t index = 0;
    Check(env, napi_create_array(env, &names));
    for (const std::string& name : CpuFeatures()) {
      Check(env, napi_set_element(env, names, index++, ToJsString(env, name)));
    }
    return names;
  });
}

// cpuName(): string
napi_value GetCpuName(napi_env env, napi_callback_info) {
  return Guard(env, [&] { return ToJsString(env, CpuName()); });
}

// useThreads(count?: number): number
napi_value UseThreads(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "useThreads", {Optional(NonNegativeInteger("count"))});
    AddonData* data = AddonData::Get(env);
    if (data == nullptr) throw JsExceptionPending();
    if (data->pool != nullptr && data->pool->running()) {
      throw CodedError("ERR_INVALID_ARGUMENT",
                       "Expected useThreads() outside of kernels but a callback of one called it.");
    }
    const int64_t wanted = args.Has(0) ? static_cast<int64_t>(args.GetNumber(0)) : 0;
    data->pool = std::make_unique<ThreadPool>(ThreadPool::SizeFor(wanted));
    data->pool->MakeCurrent();
    napi_value result;
    Check(env, napi_create_int32(env, data->pool->threads(), &result));
    return result;
  });
}

// initialize(errorFactory: (code, message, details?) => MlcError, maxViewBytes: number): void
napi_value Initialize(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "initialize",
                         {Callback("errorFactory"), Number("maxViewBytes")});
    AddonData* data = AddonData::Get(env);
    if (data == nullptr) throw JsExceptionPending();
    if (data->error_factory != nullptr) Check(env, napi_delete_reference(env, data->error_factory));
    data->error_factory = nullptr;
    Check(env, napi_create_reference(env, args[0], 1, &data->error_factory));
    data->max_view_bytes = args.GetNumber(1);
    return Undefined(env);
  });
}

}  // namespace

void DefineSystemFunctions(napi_env env, napi_value exports) {
  DefineFunctionOn(env, exports, "initialize", Initialize);
  DefineFunctionOn(env, exports, "loadLibrary", LoadLibraryMethod);
  DefineFunctionOn(env, exports, "mapFile", MapFile);
  DefineFunctionOn(env, exports, "cpuFeatures", GetCpuFeatures);
  DefineFunctionOn(env, exports, "cpuName", GetCpuName);
  DefineFunctionOn(env, exports, "useThreads", UseThreads);
}

}  // namespace node_mlc
