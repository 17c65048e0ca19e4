/*!
 * \file fake_vulkan.cc
 * \brief A Vulkan loader that hands all calls on to the system's and fails as it is told to: for
 * what a sound driver on a machine with one device never does.
 *
 * FAKE_VULKAN_REAL is the path of the system's loader, FAKE_VULKAN a list of faults with commas
 * between: "lost=N" (the device is lost at the Nth submission), "memory=N" (the device has N MB),
 * "submit=N" (the Nth submission has no memory), "twice" (each device is there twice, the second
 * time as a GPU), "old" (Vulkan 1.1), "pipeline" (no kernel compiles).
 */
#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "device/vulkan/vulkan_library.h"

using namespace node_mlc::vulkan;  // NOLINT: their names are those of Vulkan's own header

namespace {

using GetInstanceProcAddr = VulkanFunction<AnyFunction, VkInstance, const char*>;

/*! \brief The value of a fault, 1 of one without; 0 where it is not in the list. */
uint64_t Fault(const std::string& name) {
  const char* list = std::getenv("FAKE_VULKAN");
  std::string rest = list == nullptr ? "" : list;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string each = rest.substr(0, comma);
    rest.erase(0, comma + 1);
    if (each == name) return 1;
    if (each.compare(0, name.size() + 1, name + "=") == 0) {
      return std::strtoull(each.c_str() + name.size() + 1, nullptr, 10);
    }
  }
  return 0;
}

/*! \brief The system's functions; those of devices are found when there is one. */
struct Real {
  GetInstanceProcAddr get_instance = nullptr;
  InstanceFunctions vk{};
  DeviceFunctions device{};
};
Real real;

std::atomic<uint64_t> submissions{0};
std::mutex mutex;
std::map<VkDeviceMemory, uint64_t> allocated;

bool IsLost() { return Fault("lost") != 0 && submissions >= Fault("lost"); }

VkResult EnumeratePhysicalDevices(VkInstance instance, uint32_t* count, VkPhysicalDevice* devices) {
  uint32_t found = 0;
  real.vk.EnumeratePhysicalDevices(instance, &found, nullptr);
  std::vector<VkPhysicalDevice> all(found);
  real.vk.EnumeratePhysicalDevices(instance, &found, all.data());
  if (Fault("twice") != 0) all.insert(all.end(), all.begin(), all.begin() + found);
  if (devices != nullptr) std::copy(all.begin(), all.begin() + *count, devices);
  *count = static_cast<uint32_t>(all.size());
  return VK_SUCCESS;
}

void GetPhysicalDeviceProperties2(VkPhysicalDevice device, VkPhysicalDeviceProperties2* to) {
  static std::map<VkPhysicalDevice, int> asked;
  real.vk.GetPhysicalDeviceProperties2(device, to);
  if (Fault("old") != 0) to->properties.apiVersion = 1 << 22 | 1 << 12;
  if (Fault("twice") != 0 && ++asked[device] == 2) {
    to->properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    std::strcpy(to->properties.deviceName, "second");
  }
}

VkResult QueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo* infos, VkFence fence) {
  const uint64_t number = ++submissions;
  if (IsLost()) return VK_ERROR_DEVICE_LOST;
  if (number == Fault("submit")) return VK_ERROR_OUT_OF_HOST_MEMORY;
  return real.device.QueueSubmit(queue, count, infos, fence);
}

VkResult WaitForFences(VkDevice device, uint32_t count, const VkFence* fences, VkBool32 all,
                       uint64_t timeout) {
  if (IsLost()) return VK_ERROR_DEVICE_LOST;
  return real.device.WaitForFences(device, count, fences, all, timeout);
}

VkResult AllocateMemory(VkDevice device, const VkMemoryAllocateInfo* info, Callbacks callbacks,
                        VkDeviceMemory* memory) {
  const std::lock_guard<std::mutex> lock(mutex);
  uint64_t total = info->allocationSize;
  for (const auto& [each, size] : allocated) total += size;
  const uint64_t limit = Fault("memory") << 20;
  if (limit != 0 && total > limit) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  const VkResult result = real.device.AllocateMemory(device, info, callbacks, memory);
  if (result == VK_SUCCESS) allocated[*memory] = info->allocationSize;
  return result;
}

void FreeMemory(VkDevice device, VkDeviceMemory memory, Callbacks callbacks) {
  const std::lock_guard<std::mutex> lock(mutex);
  allocated.erase(memory);
  real.device.FreeMemory(device, memory, callbacks);
}

VkResult CreateComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                const VkComputePipelineCreateInfo* infos, Callbacks callbacks,
                                VkPipeline* pipelines) {
  if (Fault("pipeline") != 0) return VK_ERROR_UNKNOWN;
  return real.device.CreateComputePipelines(device, cache, count, infos, callbacks, pipelines);
}

template <typename Function>
AnyFunction Wrap(Function& to, AnyFunction original, Function wrapper) {
  to = reinterpret_cast<Function>(original);
  return reinterpret_cast<AnyFunction>(wrapper);
}

AnyFunction GetDeviceProcAddr(VkDevice device, const char* name) {
  const AnyFunction original = real.vk.GetDeviceProcAddr(device, name);
  const std::string wanted = name;
  if (wanted == "vkQueueSubmit") return Wrap(real.device.QueueSubmit, original, &QueueSubmit);
  if (wanted == "vkWaitForFences") return Wrap(real.device.WaitForFences, original, &WaitForFences);
  if (wanted == "vkAllocateMemory") {
    return Wrap(real.device.AllocateMemory, original, &AllocateMemory);
  }
  if (wanted == "vkFreeMemory") return Wrap(real.device.FreeMemory, original, &FreeMemory);
  if (wanted == "vkCreateComputePipelines") {
    return Wrap(real.device.CreateComputePipelines, original, &CreateComputePipelines);
  }
  return original;
}

GetInstanceProcAddr RealLoader() {
  const char* path = std::getenv("FAKE_VULKAN_REAL");
  void* library = path == nullptr ? nullptr : dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) std::abort();
  return reinterpret_cast<GetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
}

}  // namespace

extern "C" __attribute__((visibility("default"))) AnyFunction vkGetInstanceProcAddr(
    VkInstance instance, const char* name) {
  if (real.get_instance == nullptr) real.get_instance = RealLoader();
  const AnyFunction original = real.get_instance(instance, name);
  const std::string wanted = name;
  if (wanted == "vkEnumeratePhysicalDevices") {
    return Wrap(real.vk.EnumeratePhysicalDevices, original, &EnumeratePhysicalDevices);
  }
  if (wanted == "vkGetPhysicalDeviceProperties2") {
    return Wrap(real.vk.GetPhysicalDeviceProperties2, original, &GetPhysicalDeviceProperties2);
  }
  if (wanted == "vkGetDeviceProcAddr") {
    return Wrap(real.vk.GetDeviceProcAddr, original, &GetDeviceProcAddr);
  }
  return original;
}
