/*!
 * \file device/vulkan/device_search.cc
 * \brief AllDevices(), DeviceAt(), MissingDevices(): asks every driver for its devices.
 */
#include <algorithm>
#include <optional>

#include "device/device_error.h"
#include "device/segv_action_guard.h"
#include "device/vulkan/device.h"
#include "device/vulkan/vulkan_library.h"

namespace node_mlc::vulkan {

namespace {

int Rank(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 0;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 1;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    case VK_PHYSICAL_DEVICE_TYPE_OTHER:
      return 3;
    default:
      return 4;
  }
}

struct Found {
  VkPhysicalDevice handle;
  DeviceProperties properties;
};

std::vector<VkPhysicalDevice> PhysicalDevices() {
  const Instance& instance = GetInstance();
  const auto enumerate = instance.functions.EnumeratePhysicalDevices;
  uint32_t count = 0;
  if (enumerate(instance.handle, &count, nullptr) != VK_SUCCESS) return {};
  std::vector<VkPhysicalDevice> devices(count);
  if (enumerate(instance.handle, &count, devices.data()) < VK_SUCCESS) return {};
  devices.resize(count);
  return devices;
}

std::vector<Device*>* Search() {
  const SegvActionGuard guard;
  auto* devices = new std::vector<Device*>();
  if (!UnknownSwitch().empty() || !GetInstance().problem.empty()) return devices;
  std::vector<Found> found;
  for (VkPhysicalDevice handle : PhysicalDevices()) {
    if (auto properties = DescribeDevice(handle)) found.push_back({handle, *properties});
  }
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return Rank(a.properties.type) < Rank(b.properties.type);
  });
  for (const Found& each : found) {
    devices->push_back(new Device(each.handle, static_cast<int>(devices->size()), each.properties));
  }
  return devices;
}

constexpr const char* kRemedy =
    " Install the Vulkan driver of your GPU, or mesa-vulkan-drivers to compute on the CPU.";

}  // namespace

const std::vector<Device*>& AllDevices() {
  static const std::vector<Device*>* devices = Search();
  return *devices;
}

std::string MissingDevices() {
  if (!AllDevices().empty()) return "";
  if (const std::string wrong = UnknownSwitch(); !wrong.empty()) return wrong;
  const std::string& problem = GetInstance().problem;
  if (!problem.empty()) return "Expected Vulkan on this system but " + problem + "." + kRemedy;
  return std::string("Expected a device of Vulkan 1.2 or later but no driver has one.") + kRemedy;
}

Device& DeviceAt(int index) {
  const std::vector<Device*>& devices = AllDevices();
  if (devices.empty()) ThrowDeviceError(kDeviceUnavailable, MissingDevices());
  if (index < 0 || static_cast<size_t>(index) >= devices.size()) {
    ThrowDeviceError(kDeviceUnavailable, "Expected a Vulkan device from 0 to " +
                                             std::to_string(devices.size() - 1) + " but received " +
                                             std::to_string(index) + ".");
  }
  return *devices[index];
}

}  // namespace node_mlc::vulkan
