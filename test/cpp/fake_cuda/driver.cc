/*!
 * \file fake_cuda/driver.cc
 * \brief A libcuda.so.1 for machines without a GPU: it has the GPUs that the environment names.
 * Code of the fake NVRTC runs on the processor; of other code it writes to standard output what it
 * is to load and to launch.
 *
 * FAKE_CUDA_CAPABILITIES: "90,86" (default "90"); FAKE_CUDA_VERSION: of the driver (default 13000);
 * FAKE_CUDA_INIT: what cuInit returns (default 0).
 */
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "fake_cuda.h"

namespace {

int Number(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

std::vector<int> Capabilities() {
  const char* text = std::getenv("FAKE_CUDA_CAPABILITIES");
  std::istringstream list(text == nullptr ? "90" : text);
  std::vector<int> capabilities;
  for (std::string each; std::getline(list, each, ',');) capabilities.push_back(std::stoi(each));
  return capabilities;
}

int CapabilityOf(int device) { return Capabilities().at(device); }

/*! \brief Machine code says in the flags of its ELF header what it is for, PTX in its text. */
std::string ArchitectureOf(const char* image) {
  constexpr int kFlagsAt = 48;
  if (std::memcmp(image + 1, "ELF", 3) == 0) {
    uint32_t flags = 0;
    std::memcpy(&flags, image + kFlagsAt, sizeof flags);
    return "sm_" + std::to_string((flags >> 8) & 255);
  }
  const char* target = std::strstr(image, "\n.target sm_");
  return target == nullptr ? "nothing" : "compute_" + std::to_string(std::atoi(target + 12));
}

/*! \brief What the fake NVRTC's machine code begins with; the path of a library follows. */
constexpr char kEmulated[] = "EMULATED";

using Call = void (*)(void**);
using Launch = int (*)(Call, void**, const unsigned*, unsigned);

struct Module {
  /*! \brief The library of emulated kernels; null for code that is only written down. */
  void* emulation = nullptr;
};

struct Function {
  std::string name;
  Call call;
  Launch launch;
};

/*! \brief The layout of CUlaunchConfig as far as it is read. */
struct LaunchConfig {
  unsigned grid[3];
  unsigned block[3];
  unsigned shared_bytes;
};

}  // namespace

FAKE_EXPORT int* fake_cuda_current() {
  static thread_local int current = -1;
  return &current;
}

FAKE_EXPORT int fake_cuda_count() { return static_cast<int>(Capabilities().size()); }

FAKE_EXPORT int cuInit(unsigned) { return Number("FAKE_CUDA_INIT", 0); }

FAKE_EXPORT int cuDriverGetVersion(int* version) {
  *version = Number("FAKE_CUDA_VERSION", 13000);
  return 0;
}

FAKE_EXPORT int cuDeviceGetCount(int* count) {
  *count = fake_cuda_count();
  return 0;
}

FAKE_EXPORT int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return 0;
}

FAKE_EXPORT int cuDeviceGetName(char* name, int length, int device) {
  std::snprintf(name, length, "Fake GPU %d", device);
  return 0;
}

FAKE_EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int device) {
  *bytes = (size_t{device == 0 ? 80u : 24u} << 30);
  return 0;
}

FAKE_EXPORT int cuDeviceGetAttribute(int* value, int attribute, int device) {
  switch (attribute) {
    case 1:
      *value = 1024;
      return 0;
    case 8:
      *value = 48 << 10;
      return 0;
    case 16:
      *value = 132;
      return 0;
    case 18:
      *value = 0;
      return 0;
    case 75:
      *value = CapabilityOf(device) / 10;
      return 0;
    case 76:
      *value = CapabilityOf(device) % 10;
      return 0;
    default:
      return kNotSupported;
  }
}

FAKE_EXPORT int cuCtxGetDevice(int* device) {
  if (*fake_cuda_current() < 0) return kInvalidContext;
  *device = *fake_cuda_current();
  return 0;
}

FAKE_EXPORT int cuGetErrorString(int status, const char** text) {
  *text = status == 999 ? "unknown error" : "fake error";
  return 0;
}

FAKE_EXPORT int cuGetErrorName(int, const char** text) {
  *text = "CUDA_ERROR_FAKE";
  return 0;
}

FAKE_EXPORT int cuModuleLoadData(void** module, const void* image) {
  const char* code = static_cast<const char*>(image);
  auto* loaded = new Module();
  if (std::strncmp(code, kEmulated, sizeof kEmulated - 1) == 0) {
    loaded->emulation = dlopen(code + sizeof kEmulated - 1, RTLD_NOW | RTLD_LOCAL);
    if (loaded->emulation == nullptr) return kNotSupported;
  } else {
    std::printf("load %s\n", ArchitectureOf(code).c_str());
  }
  *module = loaded;
  return 0;
}

FAKE_EXPORT int cuModuleUnload(void*) { return 0; }

FAKE_EXPORT int cuModuleGetFunction(void** function, void* module, const char* name) {
  void* emulation = static_cast<Module*>(module)->emulation;
  auto* found = new Function{name, nullptr, nullptr};
  if (emulation != nullptr) {
    found->call = reinterpret_cast<Call>(dlsym(emulation, (found->name + "__call").c_str()));
    found->launch = reinterpret_cast<Launch>(dlsym(emulation, "emulated_launch"));
    if (found->call == nullptr || found->launch == nullptr) return kNotFound;
  }
  *function = found;
  return 0;
}

FAKE_EXPORT int cuFuncSetAttribute(void*, int, int) { return 0; }

FAKE_EXPORT int cuLaunchKernelEx(const LaunchConfig* config, void* function, void** arguments,
                                 void**) {
  const Function& kernel = *static_cast<Function*>(function);
  const unsigned *grid = config->grid, *block = config->block;
  if (arguments == nullptr || config->shared_bytes != 0) return kNotSupported;
  if (kernel.call != nullptr) {
    return block[1] * block[2] == 1 ? kernel.launch(kernel.call, arguments, grid, block[0])
                                    : kNotSupported;
  }
  std::printf("launch %s grid %u %u %u block %u %u %u\n", kernel.name.c_str(), grid[0], grid[1],
              grid[2], block[0], block[1], block[2]);
  std::fflush(stdout);
  return 0;
}

FAKE_EXPORT int cuTensorMapEncodeTiled() { return kNotSupported; }

/*! \brief NVRTC asks every driver that is there. */
FAKE_EXPORT int cuGetExportTable(const void** table, const void*) {
  *table = nullptr;
  return kNotSupported;
}
