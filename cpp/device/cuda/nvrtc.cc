/*!
 * \file device/cuda/nvrtc.cc
 */
#include "device/cuda/nvrtc.h"

#include <algorithm>
#include <memory>
#include <mutex>

#include "device/device_error.h"
#include "device/dynamic_library.h"

namespace node_mlc::cuda {

namespace {

constexpr int kSuccess = 0;
/*! \brief Of a compiler's log, which repeats itself. */
constexpr size_t kLogBytes = 4000;

/*! \brief The functions, by their names without "nvrtc". */
struct Nvrtc {
  template <typename... Arguments>
  using Call = int (*)(Arguments...);
  using Program = void*;

  Call<Program*, const char*, const char*, int, const char* const*, const char* const*>
      CreateProgram;
  Call<Program*> DestroyProgram;
  Call<Program, int, const char* const*> CompileProgram;
  Call<Program, size_t*> GetProgramLogSize;
  Call<Program, char*> GetProgramLog;
  Call<Program, size_t*> GetCUBINSize;
  Call<Program, char*> GetCUBIN;
  Call<Program, size_t*> GetPTXSize;
  Call<Program, char*> GetPTX;
  Call<int*, int*> Version;
  Call<int*> GetNumSupportedArchs;
  Call<int*> GetSupportedArchs;
  const char* (*GetErrorString)(int);
};

std::string BindAll(void* library, Nvrtc* to) {
  FunctionBinder bind([library](const char* name) { return FindFunction(library, name); });
  bind(to->CreateProgram, "nvrtcCreateProgram");
  bind(to->DestroyProgram, "nvrtcDestroyProgram");
  bind(to->CompileProgram, "nvrtcCompileProgram");
  bind(to->GetProgramLogSize, "nvrtcGetProgramLogSize");
  bind(to->GetProgramLog, "nvrtcGetProgramLog");
  bind(to->GetCUBINSize, "nvrtcGetCUBINSize");
  bind(to->GetCUBIN, "nvrtcGetCUBIN");
  bind(to->GetPTXSize, "nvrtcGetPTXSize");
  bind(to->GetPTX, "nvrtcGetPTX");
  bind(to->Version, "nvrtcVersion");
  bind(to->GetNumSupportedArchs, "nvrtcGetNumSupportedArchs");
  bind(to->GetSupportedArchs, "nvrtcGetSupportedArchs");
  bind(to->GetErrorString, "nvrtcGetErrorString");
  return bind.missing();
}

/*!
 * \brief Opens the library that NVRTC will open by its name alone: the one beside it, which the
 * system's loader need not know. Where there is none, the loader is asked later, or NVRTC tells.
 */
void OpenBuiltins(const Nvrtc& nvrtc, const std::string& file) {
  const size_t end = file.find_last_of("/\\");
  int major = 0, minor = 0;
  if (end == std::string::npos || nvrtc.Version(&major, &minor) != kSuccess) return;
#ifdef _WIN32
  const std::string name =
      "nvrtc-builtins64_" + std::to_string(major) + std::to_string(minor) + ".dll";
#else
  const std::string name =
      "libnvrtc-builtins.so." + std::to_string(major) + "." + std::to_string(minor);
#endif
  std::string ignored;
  OpenLibrary(file.substr(0, end + 1) + name, &ignored);
}

/*! \brief The library of the first call that finds one. */
const Nvrtc& Require(const std::vector<std::string>& files) {
  static std::mutex mutex;
  static const Nvrtc* found = nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  std::string problems;
  for (size_t i = 0; i < files.size() && found == nullptr; ++i) {
    std::string reason;
    auto nvrtc = std::make_unique<Nvrtc>();
    if (void* library = OpenLibrary(files[i], &reason)) {
      const std::string missing = BindAll(library, nvrtc.get());
      if (missing.empty()) {
        OpenBuiltins(*nvrtc, files[i]);
        found = nvrtc.release();
        continue;
      }
      reason = "it has no function " + missing;
    }
    problems += (problems.empty() ? "" : "; ") + files[i] + " (" + reason + ")";
  }
  if (found != nullptr) return *found;
  ThrowDeviceError(
      "ERR_COMPILER_NOT_FOUND",
      "Expected NVRTC, NVIDIA's compiler, to compile for CUDA but found none: " + problems +
          ". Install CUDA 13 and set CUDA_HOME, or run `node scripts/fetch-cuda.mjs` "
          "in the folder of node-mlc (pip downloads it once, about 100 MB).");
}

void Check(const Nvrtc& nvrtc, int status, const char* what) {
  if (status == kSuccess) return;
  ThrowDeviceError("ERR_COMPILE", std::string("Expected NVRTC to ") + what +
                                      " but it fails: " + nvrtc.GetErrorString(status) + ".");
}

std::string VersionText(const Nvrtc& nvrtc) {
  int major = 0, minor = 0;
  nvrtc.Version(&major, &minor);
  return std::to_string(major) + "." + std::to_string(minor);
}

Architecture RequireArchitecture(const Nvrtc& nvrtc, const std::string& name) {
  int count = 0;
  Check(nvrtc, nvrtc.GetNumSupportedArchs(&count), "count its architectures");
  std::vector<int> known(count);
  Check(nvrtc, nvrtc.GetSupportedArchs(known.data()), "list its architectures");
  const std::optional<Architecture> architecture = ParseArchitecture(name);
  if (architecture.has_value() &&
      std::find(known.begin(), known.end(), architecture->capability) != known.end()) {
    return *architecture;
  }
  std::string names;
  for (const int capability : known) names += " sm_" + std::to_string(capability);
  ThrowDeviceError("ERR_INVALID_ARGUMENT",
                   "Expected an architecture that NVRTC " + VersionText(nvrtc) +
                       " compiles for but received \"" + name + "\". Known:" + names + ".");
}

class Program {
 public:
  Program(const Nvrtc& nvrtc, const std::string& source) : nvrtc_(nvrtc) {
    Check(nvrtc, nvrtc.CreateProgram(&program_, source.c_str(), "kernels.cu", 0, nullptr, nullptr),
          "take a program");
  }
  ~Program() { nvrtc_.DestroyProgram(&program_); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /*! \brief IEEE arithmetic but for products added without being rounded first, as on the CPU. */
  std::string Compile(const Architecture& architecture) {
    const std::string name = "--gpu-architecture=" + architecture.Name();
    const char* const options[] = {name.c_str(), "--std=c++17", "--disable-warnings"};
    if (nvrtc_.CompileProgram(program_, std::size(options), options) != kSuccess) {
      ThrowDeviceError("ERR_COMPILE", "Expected NVRTC " + VersionText(nvrtc_) +
                                          " to compile the kernels for " + architecture.Name() +
                                          " but it refuses them: " + Log());
    }
    return architecture.machine_code ? Take(nvrtc_.GetCUBINSize, nvrtc_.GetCUBIN)
                                     : Take(nvrtc_.GetPTXSize, nvrtc_.GetPTX);
  }

 private:
  template <typename Size, typename Get>
  std::string Take(Size size_of, Get get) {
    size_t size = 0;
    Check(nvrtc_, size_of(program_, &size), "give the size of a program");
    std::string code(size, '\0');
    Check(nvrtc_, get(program_, code.data()), "give a program");
    return code;
  }

  std::string Log() {
    std::string log = Take(nvrtc_.GetProgramLogSize, nvrtc_.GetProgramLog);
    return log.substr(0, std::min({log.find('\0'), log.size(), kLogBytes}));
  }

  const Nvrtc& nvrtc_;
  Nvrtc::Program program_ = nullptr;
};

}  // namespace

std::vector<DeviceCode> CompileCuda(const std::string& source,
                                    const std::vector<std::string>& architectures,
                                    const std::vector<std::string>& files) {
  const Nvrtc& nvrtc = Require(files);
  std::vector<Architecture> wanted;
  for (const std::string& name : architectures) wanted.push_back(RequireArchitecture(nvrtc, name));
  std::vector<DeviceCode> result;
  for (const Architecture& architecture : wanted) {
    result.push_back({architecture, Program(nvrtc, source).Compile(architecture)});
  }
  return result;
}

}  // namespace node_mlc::cuda
