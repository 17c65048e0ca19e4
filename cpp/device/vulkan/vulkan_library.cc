/*!
 * \file device/vulkan/vulkan_library.cc
 */
#include "device/vulkan/vulkan_library.h"

#include <cstring>
#include <vector>

#include "device/device_error.h"
#include "device/dynamic_library.h"
#include "device/vulkan/vulkan_error.h"

namespace node_mlc::vulkan {

namespace {

#if defined(_WIN32)
constexpr auto kFiles = {"vulkan-1.dll"};
#elif defined(__APPLE__)
constexpr auto kFiles = {"libvulkan.1.dylib", "/opt/homebrew/lib/libvulkan.1.dylib",
                         "/usr/local/lib/libvulkan.1.dylib", "libMoltenVK.dylib"};
#else
constexpr auto kFiles = {"libvulkan.so.1", "libvulkan.so"};
#endif

using GetInstanceProcAddr = VulkanFunction<AnyFunction, VkInstance, const char*>;
using CreateInstance =
    VulkanFunction<VkResult, const VkInstanceCreateInfo*, Callbacks, VkInstance*>;
using EnumerateExtensions =
    VulkanFunction<VkResult, const char*, uint32_t*, VkExtensionProperties*>;

constexpr const char* kPortability = "VK_KHR_portability_enumeration";

bool HasPortabilityExtension(GetInstanceProcAddr get) {
  const auto enumerate =
      reinterpret_cast<EnumerateExtensions>(get(nullptr, "vkEnumerateInstanceExtensionProperties"));
  uint32_t count = 0;
  if (enumerate == nullptr || enumerate(nullptr, &count, nullptr) != VK_SUCCESS) return false;
  std::vector<VkExtensionProperties> extensions(count);
  if (enumerate(nullptr, &count, extensions.data()) < VK_SUCCESS) return false;
  extensions.resize(count);
  for (const VkExtensionProperties& extension : extensions) {
    if (std::strcmp(extension.extensionName, kPortability) == 0) return true;
  }
  return false;
}

VkResult MakeInstance(GetInstanceProcAddr get, VkInstance* instance) {
  VkApplicationInfo application;
  application.pApplicationName = "node-mlc";
  application.apiVersion = kApiVersion12;
  VkInstanceCreateInfo info;
  info.pApplicationInfo = &application;
  if (HasPortabilityExtension(get)) {
    info.flags = VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
    info.enabledExtensionCount = 1;
    info.ppEnabledExtensionNames = &kPortability;
  }
  const auto create = reinterpret_cast<CreateInstance>(get(nullptr, "vkCreateInstance"));
  return create == nullptr ? VK_ERROR_INITIALIZATION_FAILED : create(&info, nullptr, instance);
}

std::string BindInstance(GetInstanceProcAddr get, VkInstance instance, InstanceFunctions* to) {
  FunctionBinder bind([=](const char* name) { return get(instance, name); });
  bind(to->EnumeratePhysicalDevices, "vkEnumeratePhysicalDevices");
  bind(to->GetPhysicalDeviceProperties2, "vkGetPhysicalDeviceProperties2");
  bind(to->GetPhysicalDeviceFeatures2, "vkGetPhysicalDeviceFeatures2");
  bind(to->GetPhysicalDeviceMemoryProperties2, "vkGetPhysicalDeviceMemoryProperties2");
  bind(to->GetPhysicalDeviceQueueFamilyProperties, "vkGetPhysicalDeviceQueueFamilyProperties");
  bind(to->EnumerateDeviceExtensionProperties, "vkEnumerateDeviceExtensionProperties");
  bind(to->CreateDevice, "vkCreateDevice");
  bind(to->GetDeviceProcAddr, "vkGetDeviceProcAddr");
  return bind.missing();
}

void OpenInstance(Instance* to) {
  const std::string file = *kFiles.begin();
  void* library = OpenLibrary(kFiles, &to->problem);
  if (library == nullptr) return;
  const auto get =
      reinterpret_cast<GetInstanceProcAddr>(FindFunction(library, "vkGetInstanceProcAddr"));
  if (get == nullptr) {
    to->problem = file + " has no function vkGetInstanceProcAddr";
    return;
  }
  const VkResult result = MakeInstance(get, &to->handle);
  if (result != VK_SUCCESS) {
    to->handle = nullptr;
    to->problem = "its instance cannot be made: " + ResultText(result);
    return;
  }
  const std::string missing = BindInstance(get, to->handle, &to->functions);
  if (!missing.empty()) to->problem = file + " has no function " + missing;
}

}  // namespace

const Instance& GetInstance() {
  // Never freed: tensors that outlive main() still use it.
  static const Instance* instance = [] {
    auto* made = new Instance();
    OpenInstance(made);
    return made;
  }();
  return *instance;
}

DeviceFunctions FunctionsOf(VkDevice device) {
  const auto get = GetInstance().functions.GetDeviceProcAddr;
  DeviceFunctions to{};
  FunctionBinder bind([=](const char* name) { return get(device, name); });
  bind(to.DestroyDevice, "vkDestroyDevice");
  bind(to.GetDeviceQueue, "vkGetDeviceQueue");
  bind(to.QueueSubmit, "vkQueueSubmit");
  bind(to.CreateBuffer, "vkCreateBuffer");
  bind(to.DestroyBuffer, "vkDestroyBuffer");
  bind(to.GetBufferMemoryRequirements, "vkGetBufferMemoryRequirements");
  bind(to.AllocateMemory, "vkAllocateMemory");
  bind(to.FreeMemory, "vkFreeMemory");
  bind(to.BindBufferMemory, "vkBindBufferMemory");
  bind(to.MapMemory, "vkMapMemory");
  bind(to.InvalidateMappedMemoryRanges, "vkInvalidateMappedMemoryRanges");
  bind(to.CreateCommandPool, "vkCreateCommandPool");
  bind(to.AllocateCommandBuffers, "vkAllocateCommandBuffers");
  bind(to.BeginCommandBuffer, "vkBeginCommandBuffer");
  bind(to.EndCommandBuffer, "vkEndCommandBuffer");
  bind(to.CreateFence, "vkCreateFence");
  bind(to.ResetFences, "vkResetFences");
  bind(to.WaitForFences, "vkWaitForFences");
  bind(to.CmdPipelineBarrier, "vkCmdPipelineBarrier");
  bind(to.CmdBindPipeline, "vkCmdBindPipeline");
  bind(to.CmdBindDescriptorSets, "vkCmdBindDescriptorSets");
  bind(to.CmdDispatch, "vkCmdDispatch");
  bind(to.CmdCopyBuffer, "vkCmdCopyBuffer");
  bind(to.CmdUpdateBuffer, "vkCmdUpdateBuffer");
  bind(to.CreateDescriptorSetLayout, "vkCreateDescriptorSetLayout");
  bind(to.DestroyDescriptorSetLayout, "vkDestroyDescriptorSetLayout");
  bind(to.CreateDescriptorPool, "vkCreateDescriptorPool");
  bind(to.ResetDescriptorPool, "vkResetDescriptorPool");
  bind(to.AllocateDescriptorSets, "vkAllocateDescriptorSets");
  bind(to.UpdateDescriptorSets, "vkUpdateDescriptorSets");
  bind(to.CreateShaderModule, "vkCreateShaderModule");
  bind(to.DestroyShaderModule, "vkDestroyShaderModule");
  bind(to.CreatePipelineLayout, "vkCreatePipelineLayout");
  bind(to.DestroyPipelineLayout, "vkDestroyPipelineLayout");
  bind(to.CreatePipelineCache, "vkCreatePipelineCache");
  bind(to.DestroyPipelineCache, "vkDestroyPipelineCache");
  bind(to.GetPipelineCacheData, "vkGetPipelineCacheData");
  bind(to.CreateComputePipelines, "vkCreateComputePipelines");
  bind(to.DestroyPipeline, "vkDestroyPipeline");
  const std::string missing = bind.missing();
  bind(to.CmdPushDescriptorSetKHR, "vkCmdPushDescriptorSetKHR");
  if (!missing.empty()) {
    ThrowDeviceError(kDeviceUnavailable, "Expected a Vulkan driver with the function " + missing +
                                             ": bring the driver up to date.");
  }
  return to;
}

}  // namespace node_mlc::vulkan
