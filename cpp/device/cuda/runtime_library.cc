/*!
 * \file device/cuda/runtime_library.cc
 */
#include "device/cuda/runtime_library.h"

#include <tvm/ffi/function.h>

#include <mutex>

#include "device/cuda/driver.h"
#include "device/device_error.h"
#include "device/dynamic_library.h"
#include "device/segv_action_guard.h"
#include "support/own_library.h"

namespace node_mlc::cuda {

namespace {

std::mutex& Mutex() {
  static auto* mutex = new std::mutex();
  return *mutex;
}

/*! \brief Empty where one of the files loads: TVM's library then finds it in the process. */
std::string LoadFirst(const std::vector<std::string>& files) {
  std::string problems;
  for (const std::string& file : files) {
    std::string reason;
    if (OpenLibrary(file, &reason) != nullptr) return "";
    problems += (problems.empty() ? "" : "; ") + file + " (" + reason + ")";
  }
  return problems;
}

void RequireLocked(const std::vector<std::string>& files) {
  RequireDriver();
#ifdef _WIN32
  // The DLL of TVM's wheel has it inside.
  static_cast<void>(LoadFirst);
#else
  static bool loaded = false;
  if (loaded) return;
  const SegvActionGuard guard;
  const std::string problems = LoadFirst(files);
  if (!problems.empty()) {
    ThrowDeviceError(kDeviceUnavailable,
                     "Expected NVIDIA's runtime library libcudart.so.13 on this system but it does "
                     "not load: " +
                         problems +
                         ". Install CUDA 13's runtime (of the toolkit only cuda-cudart-13 is "
                         "needed), set CUDA_HOME, or run `node scripts/fetch-cuda.mjs` in the "
                         "folder of node-mlc.");
  }
  loaded = true;
#endif
}

}  // namespace

void RequireCudaRuntime(const std::vector<std::string>& files) {
  const std::lock_guard<std::mutex> lock(Mutex());
  RequireLocked(files);
}

void LoadTvmRuntime(const std::vector<std::string>& files) {
  const std::lock_guard<std::mutex> lock(Mutex());
  RequireLocked(files);
  // A second one would register the same names again, which ends the process.
  if (tvm::ffi::Function::GetGlobal("device_api.cuda").has_value()) return;
  const SegvActionGuard guard;
  const std::string path = SiblingLibrary("tvm_runtime_cuda");
  std::string reason;
  if (OpenLibrary(path, &reason) != nullptr) return;
  ThrowDeviceError("ERR_RUNTIME_MISMATCH",
                   "Expected TVM's runtime for CUDA at " + path +
                       " but it does not load: " + reason +
                       ". Reinstall node-mlc, or run `npm run build:native` in a checkout.");
}

}  // namespace node_mlc::cuda
