/*!
 * \file fake_cuda/driver.cc
 * \brief A libcuda.so.1 for machines without a GPU: it has the GPUs that the environment names, and
 * writes to standard output what it is to load and to launch instead of doing it.
 *
 * FAKE_CUDA_CAPABILITIES: "90,86" (default "90"); FAKE_CUDA_VERSION: of the driver (default 13000);
 * FAKE_CUDA_INIT: what cuInit returns (default 0).
 */
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
  std::printf("load %s\n", ArchitectureOf(static_cast<const char*>(image)).c_str());
  *module = const_cast<void*>(image);
  return 0;
}

FAKE_EXPORT int cuModuleUnload(void*) { return 0; }

FAKE_EXPORT int cuModuleGetFunction(void** function, void*, const char* name) {
  *function = new std::string(name);
  return 0;
}

FAKE_EXPORT int cuFuncSetAttribute(void*, int, int) { return 0; }

FAKE_EXPORT int cuLaunchKernelEx(const LaunchConfig* config, void* function, void** arguments,
                                 void**) {
  std::printf("launch %s grid %u %u %u block %u %u %u\n",
              static_cast<std::string*>(function)->c_str(), config->grid[0], config->grid[1],
              config->grid[2], config->block[0], config->block[1], config->block[2]);
  std::fflush(stdout);
  return arguments == nullptr ? kNotSupported : 0;
}

FAKE_EXPORT int cuTensorMapEncodeTiled() { return kNotSupported; }

/*! \brief NVRTC asks every driver that is there. */
FAKE_EXPORT int cuGetExportTable(const void** table, const void*) {
  *table = nullptr;
  return kNotSupported;
}
