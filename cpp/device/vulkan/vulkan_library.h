/*!
 * \file device/vulkan/vulkan_library.h
 * \brief Vulkan's functions, found in the system's Vulkan loader at run time.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_VULKAN_LIBRARY_H_
#define NODE_MLC_DEVICE_VULKAN_VULKAN_LIBRARY_H_

#include <string>

#include "device/vulkan/vulkan_device_types.h"
#include "device/vulkan/vulkan_types.h"

namespace node_mlc::vulkan {

template <typename Result, typename... Arguments>
using VulkanFunction = Result(NODE_MLC_VK_CALL*)(Arguments...);
using AnyFunction = VulkanFunction<void>;
/*! \brief VkAllocationCallbacks: always null here. */
using Callbacks = const void*;

/*! \brief Functions of the instance, by their names without "vk". Thread safe. */
struct InstanceFunctions {
  template <typename... Arguments>
  using Call = VulkanFunction<VkResult, Arguments...>;
  template <typename... Arguments>
  using Get = VulkanFunction<void, Arguments...>;

  Call<VkInstance, uint32_t*, VkPhysicalDevice*> EnumeratePhysicalDevices;
  Get<VkPhysicalDevice, VkPhysicalDeviceProperties2*> GetPhysicalDeviceProperties2;
  Get<VkPhysicalDevice, VkPhysicalDeviceFeatures2*> GetPhysicalDeviceFeatures2;
  Get<VkPhysicalDevice, VkPhysicalDeviceMemoryProperties2*> GetPhysicalDeviceMemoryProperties2;
  Get<VkPhysicalDevice, uint32_t*, VkQueueFamilyProperties*> GetPhysicalDeviceQueueFamilyProperties;
  Call<VkPhysicalDevice, const char*, uint32_t*, VkExtensionProperties*>
      EnumerateDeviceExtensionProperties;
  Call<VkPhysicalDevice, const VkDeviceCreateInfo*, Callbacks, VkDevice*> CreateDevice;
  VulkanFunction<AnyFunction, VkDevice, const char*> GetDeviceProcAddr;
};

/*! \brief Functions of one device, without the loader in between. Vulkan says what they need
 * locked. */
struct DeviceFunctions {
  template <typename... Arguments>
  using Call = VulkanFunction<VkResult, VkDevice, Arguments...>;
  template <typename Info, typename Handle>
  using Create = Call<const Info*, Callbacks, Handle*>;
  template <typename Handle>
  using Destroy = VulkanFunction<void, VkDevice, Handle, Callbacks>;
  template <typename... Arguments>
  using Get = VulkanFunction<void, VkDevice, Arguments...>;
  template <typename... Arguments>
  using Record = VulkanFunction<void, VkCommandBuffer, Arguments...>;

  VulkanFunction<void, VkDevice, Callbacks> DestroyDevice;
  Get<uint32_t, uint32_t, VkQueue*> GetDeviceQueue;
  VulkanFunction<VkResult, VkQueue, uint32_t, const VkSubmitInfo*, VkFence> QueueSubmit;

  Create<VkBufferCreateInfo, VkBuffer> CreateBuffer;
  Destroy<VkBuffer> DestroyBuffer;
  Get<VkBuffer, VkMemoryRequirements*> GetBufferMemoryRequirements;
  Create<VkMemoryAllocateInfo, VkDeviceMemory> AllocateMemory;
  Destroy<VkDeviceMemory> FreeMemory;
  Call<VkBuffer, VkDeviceMemory, VkDeviceSize> BindBufferMemory;
  Call<VkDeviceMemory, VkDeviceSize, VkDeviceSize, VkFlags, void**> MapMemory;
  Call<uint32_t, const VkMappedMemoryRange*> InvalidateMappedMemoryRanges;

  Create<VkCommandPoolCreateInfo, VkCommandPool> CreateCommandPool;
  Call<const VkCommandBufferAllocateInfo*, VkCommandBuffer*> AllocateCommandBuffers;
  VulkanFunction<VkResult, VkCommandBuffer, const VkCommandBufferBeginInfo*> BeginCommandBuffer;
  VulkanFunction<VkResult, VkCommandBuffer> EndCommandBuffer;
  Create<VkFenceCreateInfo, VkFence> CreateFence;
  Call<uint32_t, const VkFence*> ResetFences;
  Call<uint32_t, const VkFence*, VkBool32, uint64_t> WaitForFences;

  Record<VkPipelineStageFlags, VkPipelineStageFlags, VkFlags, uint32_t, const VkMemoryBarrier*,
         uint32_t, const void*, uint32_t, const void*>
      CmdPipelineBarrier;
  Record<VkPipelineBindPoint, VkPipeline> CmdBindPipeline;
  Record<VkPipelineBindPoint, VkPipelineLayout, uint32_t, uint32_t, const VkDescriptorSet*,
         uint32_t, const uint32_t*>
      CmdBindDescriptorSets;
  Record<uint32_t, uint32_t, uint32_t> CmdDispatch;
  Record<VkBuffer, VkBuffer, uint32_t, const VkBufferCopy*> CmdCopyBuffer;
  Record<VkBuffer, VkDeviceSize, VkDeviceSize, const void*> CmdUpdateBuffer;
  /*! \brief Null without VK_KHR_push_descriptor. */
  Record<VkPipelineBindPoint, VkPipelineLayout, uint32_t, uint32_t, const VkWriteDescriptorSet*>
      CmdPushDescriptorSetKHR;

  Create<VkDescriptorSetLayoutCreateInfo, VkDescriptorSetLayout> CreateDescriptorSetLayout;
  Destroy<VkDescriptorSetLayout> DestroyDescriptorSetLayout;
  Create<VkDescriptorPoolCreateInfo, VkDescriptorPool> CreateDescriptorPool;
  Call<VkDescriptorPool, VkFlags> ResetDescriptorPool;
  Call<const VkDescriptorSetAllocateInfo*, VkDescriptorSet*> AllocateDescriptorSets;
  Get<uint32_t, const VkWriteDescriptorSet*, uint32_t, const void*> UpdateDescriptorSets;

  Create<VkShaderModuleCreateInfo, VkShaderModule> CreateShaderModule;
  Destroy<VkShaderModule> DestroyShaderModule;
  Create<VkPipelineLayoutCreateInfo, VkPipelineLayout> CreatePipelineLayout;
  Destroy<VkPipelineLayout> DestroyPipelineLayout;
  Create<VkPipelineCacheCreateInfo, VkPipelineCache> CreatePipelineCache;
  Destroy<VkPipelineCache> DestroyPipelineCache;
  Call<VkPipelineCache, size_t*, void*> GetPipelineCacheData;
  Call<VkPipelineCache, uint32_t, const VkComputePipelineCreateInfo*, Callbacks, VkPipeline*>
      CreateComputePipelines;
  Destroy<VkPipeline> DestroyPipeline;
};

/*! \brief The one instance of this process, or why there is none. */
struct Instance {
  VkInstance handle = nullptr;
  InstanceFunctions functions{};
  /*! \brief Empty where there is an instance. */
  std::string problem;
};

/*! \brief Makes the instance once in the life of the process. Thread safe, never throws. */
const Instance& GetInstance();

/*!
 * \brief The functions of a device. Only those of extensions may be null; throws kDeviceUnavailable
 * where another one is.
 */
DeviceFunctions FunctionsOf(VkDevice device);

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_VULKAN_LIBRARY_H_
