/*!
 * \file device/cuda/driver.cc
 */
#include "device/cuda/driver.h"

#include "device/device_error.h"
#include "device/dynamic_library.h"
#include "device/segv_action_guard.h"

namespace node_mlc::cuda {

namespace {

#if defined(_WIN32)
constexpr const char* kFile = "nvcuda.dll";
#else
constexpr const char* kFile = "libcuda.so.1";
#endif

/*! \brief The least version that drivers must be for, as they give it; libcudart's own is 13. */
constexpr int kLeastVersion = 13000;
constexpr const char* kRemedy = " Install NVIDIA's driver, version 580 or later.";

/*! \brief Results and attributes of cuda.h. */
constexpr int kSuccess = 0;
constexpr int kNoDevice = 100;
enum class DeviceAttribute : int {
  kMaxThreadsPerBlock = 1,
  kMaxSharedMemoryPerBlock = 8,
  kMultiprocessorCount = 16,
  kIntegrated = 18,
  kComputeCapabilityMajor = 75,
  kComputeCapabilityMinor = 76,
};

/*! \brief The functions, by their names without "cu". */
struct Driver {
  template <typename... Arguments>
  using Call = int (*)(Arguments...);

  Call<unsigned> Init;
  Call<int*> DriverGetVersion;
  Call<int*> DeviceGetCount;
  Call<int*, int> DeviceGet;
  Call<char*, int, int> DeviceGetName;
  Call<size_t*, int> DeviceTotalMem;
  Call<int*, DeviceAttribute, int> DeviceGetAttribute;
  Call<int*> CtxGetDevice;
  Call<int, const char**> GetErrorString;
};

/*! \brief The driver, or why there is none that can be used. */
struct DriverSearch {
  Driver driver{};
  int version = 0;
  std::vector<DeviceProperties> devices;
  /*! \brief Empty where all is well; else the whole message. */
  std::string problem;
};

std::string BindAll(void* library, Driver* to) {
  FunctionBinder bind([library](const char* name) { return FindFunction(library, name); });
  bind(to->Init, "cuInit");
  bind(to->DriverGetVersion, "cuDriverGetVersion");
  bind(to->DeviceGetCount, "cuDeviceGetCount");
  bind(to->DeviceGet, "cuDeviceGet");
  bind(to->DeviceGetName, "cuDeviceGetName");
  bind(to->DeviceTotalMem, "cuDeviceTotalMem_v2");
  bind(to->DeviceGetAttribute, "cuDeviceGetAttribute");
  bind(to->CtxGetDevice, "cuCtxGetDevice");
  bind(to->GetErrorString, "cuGetErrorString");
  return bind.missing();
}

std::string StatusText(const Driver& driver, int status) {
  const char* text = nullptr;
  const bool known = driver.GetErrorString(status, &text) == kSuccess && text != nullptr;
  return "error " + std::to_string(status) + (known ? std::string(", ") + text : "");
}

std::string VersionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

DeviceProperties Describe(const Driver& driver, int device) {
  const auto number = [&](DeviceAttribute attribute) {
    int value = 0;
    return driver.DeviceGetAttribute(&value, attribute, device) == kSuccess ? value : 0;
  };
  DeviceProperties to;
  char name[256] = {};
  size_t memory = 0;
  if (driver.DeviceGetName(name, sizeof name - 1, device) == kSuccess) to.name = name;
  if (driver.DeviceTotalMem(&memory, device) == kSuccess) to.memory = memory;
  to.capability = number(DeviceAttribute::kComputeCapabilityMajor) * 10 +
                  number(DeviceAttribute::kComputeCapabilityMinor);
  to.shared_memory = number(DeviceAttribute::kMaxSharedMemoryPerBlock);
  to.max_threads = number(DeviceAttribute::kMaxThreadsPerBlock);
  to.multiprocessors = number(DeviceAttribute::kMultiprocessorCount);
  to.integrated = number(DeviceAttribute::kIntegrated) != 0;
  return to;
}

/*! \brief Starts the driver and asks it for its GPUs; what is wrong, or nothing. */
std::string Start(DriverSearch* search) {
  const Driver& driver = search->driver;
  constexpr const char* kNone =
      "Expected a CUDA device but the driver has none: is a GPU of NVIDIA's in this machine (or "
      "given to this container), and is it in CUDA_VISIBLE_DEVICES where that is set?";
  // Before cuInit: a driver that is too old says so even where it cannot start.
  if (driver.DriverGetVersion(&search->version) == kSuccess && search->version < kLeastVersion) {
    return "Expected an NVIDIA driver for CUDA 13.0 or later but this one is for CUDA " +
           VersionText(search->version) + "." + kRemedy;
  }
  int count = 0;
  int status = driver.Init(0);
  if (status == kSuccess) status = driver.DeviceGetCount(&count);
  if (status == kNoDevice || (status == kSuccess && count == 0)) return kNone;
  for (int i = 0; status == kSuccess && i < count; ++i) {
    int device = 0;
    status = driver.DeviceGet(&device, i);
    if (status == kSuccess) search->devices.push_back(Describe(driver, device));
  }
  if (status == kSuccess) return "";
  return "Expected NVIDIA's driver to start but it fails (" + StatusText(driver, status) +
         "): does `nvidia-smi` work? A driver that was just updated needs the machine to restart.";
}

DriverSearch* Search() {
  auto* search = new DriverSearch();
  const SegvActionGuard guard;
  std::string reason;
  void* library = OpenLibrary(kFile, &reason);
  if (library == nullptr) {
    search->problem = std::string("Expected NVIDIA's driver on this system but ") + kFile +
                      " does not load (" + reason + ")." + kRemedy;
    return search;
  }
  const std::string missing = BindAll(library, &search->driver);
  search->problem = missing.empty() ? Start(search)
                                    : std::string("Expected NVIDIA's driver on this system but ") +
                                          kFile + " has no function " + missing + "." + kRemedy;
  return search;
}

/*! \brief Never freed: engines that outlive main() may still use it. */
const DriverSearch& Found() {
  static const DriverSearch* search = Search();
  return *search;
}

const DriverSearch& Required() {
  if (!Found().problem.empty()) ThrowDeviceError(kDeviceUnavailable, Found().problem);
  return Found();
}

}  // namespace

void RequireDriver() { Required(); }

const std::vector<DeviceProperties>& AllDevices() { return Required().devices; }

std::string DriverVersion() { return VersionText(Required().version); }

int CurrentDevice() {
  int device = 0;
  return Required().driver.CtxGetDevice(&device) == kSuccess ? device : 0;
}

}  // namespace node_mlc::cuda
