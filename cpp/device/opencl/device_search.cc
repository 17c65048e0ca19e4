/*!
 * \file device/opencl/device_search.cc
 * \brief AllDevices(), DeviceAt(), MissingDevices(): asks every driver for its devices.
 */
#include "device/device_error.h"
#include "device/dynamic_library.h"
#include "device/opencl/device.h"
#include "device/opencl/opencl_library.h"
#include "device/segv_action_guard.h"

namespace node_mlc::opencl {

namespace {

std::string WithoutEnd(std::string text) {
  const size_t end = text.find_last_not_of(std::string(" \0", 2));
  text.resize(end == std::string::npos ? 0 : end + 1);
  return text;
}

std::string TextOf(cl_device_id device, DeviceInfo info) {
  size_t size = 0;
  if (Cl().GetDeviceInfo(device, info, 0, nullptr, &size) != kSuccess) return "";
  std::string text(size, '\0');
  if (Cl().GetDeviceInfo(device, info, size, text.data(), nullptr) != kSuccess) return "";
  return WithoutEnd(text);
}

std::string PlatformText(cl_platform_id platform, PlatformInfo info) {
  size_t size = 0;
  if (Cl().GetPlatformInfo(platform, info, 0, nullptr, &size) != kSuccess) return "";
  std::string text(size, '\0');
  if (Cl().GetPlatformInfo(platform, info, size, text.data(), nullptr) != kSuccess) return "";
  return WithoutEnd(text);
}

/*! \brief A number; `T()` where the driver does not know it. */
template <typename T>
T NumberOf(cl_device_id device, DeviceInfo info) {
  T value{};
  return Cl().GetDeviceInfo(device, info, sizeof value, &value, nullptr) == kSuccess ? value : T();
}

DeviceProperties Describe(cl_platform_id platform, cl_device_id device) {
  DeviceProperties to;
  to.name = TextOf(device, kInfoName);
  to.vendor = TextOf(device, kInfoVendor);
  to.platform = PlatformText(platform, kPlatformName);
  to.driver = TextOf(device, kInfoDriverVersion);
  to.version = TextOf(device, kInfoVersion);
  to.extensions = TextOf(device, kInfoExtensions) + " ";
  to.type = NumberOf<cl_bitfield>(device, kInfoType);
  to.compute_units = NumberOf<cl_uint>(device, kInfoMaxComputeUnits);
  to.clock_mhz = NumberOf<cl_uint>(device, kInfoMaxClockFrequency);
  to.memory = NumberOf<cl_ulong>(device, kInfoGlobalMemorySize);
  to.max_allocation = NumberOf<cl_ulong>(device, kInfoMaxAllocation);
  to.local_memory = NumberOf<cl_ulong>(device, kInfoLocalMemorySize);
  to.cache = NumberOf<cl_ulong>(device, kInfoGlobalCacheSize);
  to.max_work_group = NumberOf<size_t>(device, kInfoMaxWorkGroupSize);
  to.image_pitch_alignment = NumberOf<cl_uint>(device, kInfoImagePitchAlignment);
  to.unified_memory = NumberOf<cl_bool>(device, kInfoUnifiedMemory) == kTrue;
  Cl().GetDeviceInfo(device, kInfoMaxWorkItemSizes, sizeof to.max_work_items, to.max_work_items,
                     nullptr);
  return to;
}

std::vector<cl_platform_id> Platforms() {
  cl_uint count = 0;
  if (Cl().GetPlatformIDs(0, nullptr, &count) != kSuccess) return {};
  std::vector<cl_platform_id> platforms(count);
  if (Cl().GetPlatformIDs(count, platforms.data(), nullptr) != kSuccess) return {};
  return platforms;
}

std::vector<cl_device_id> DevicesOf(cl_platform_id platform, cl_bitfield type) {
  cl_uint count = 0;
  if (Cl().GetDeviceIDs(platform, type, 0, nullptr, &count) != kSuccess) return {};
  std::vector<cl_device_id> devices(count);
  if (Cl().GetDeviceIDs(platform, type, count, devices.data(), nullptr) != kSuccess) return {};
  return devices;
}

bool Usable(cl_device_id device) {
  return NumberOf<cl_bool>(device, kInfoAvailable) == kTrue &&
         NumberOf<cl_bool>(device, kInfoCompilerAvailable) == kTrue;
}

std::vector<Device*>* Search() {
  auto* found = new std::vector<Device*>();
  if (!FindLibrary().problem.empty()) return found;
  const SegvActionGuard guard;
  const std::vector<cl_platform_id> platforms = Platforms();
  for (const cl_bitfield type : {kTypeGpu, kTypeAccelerator, kTypeCpu}) {
    for (const cl_platform_id platform : platforms) {
      for (const cl_device_id device : DevicesOf(platform, type)) {
        if (!Usable(device)) continue;
        const auto index = static_cast<int>(found->size());
        found->push_back(new Device(device, index, Describe(platform, device)));
      }
    }
  }
  return found;
}

constexpr const char* kRemedy =
    " Install the OpenCL driver of your GPU, or pocl-opencl-icd to compute on the CPU.";

}  // namespace

const std::vector<Device*>& AllDevices() {
  static const std::vector<Device*>* devices = Search();
  return *devices;
}

std::string MissingDevices() {
  if (!AllDevices().empty()) return "";
  const std::string& problem = FindLibrary().problem;
  if (!problem.empty()) return "Expected OpenCL on this system but " + problem + "." + kRemedy;
  return std::string("Expected an OpenCL device but no driver has one.") + kRemedy;
}

Device& DeviceAt(int index) {
  const std::vector<Device*>& devices = AllDevices();
  if (devices.empty()) ThrowDeviceError(kDeviceUnavailable, MissingDevices());
  if (index < 0 || static_cast<size_t>(index) >= devices.size()) {
    ThrowDeviceError(kDeviceUnavailable, "Expected an OpenCL device from 0 to " +
                                             std::to_string(devices.size() - 1) + " but received " +
                                             std::to_string(index) + ".");
  }
  return *devices[index];
}

}  // namespace node_mlc::opencl
