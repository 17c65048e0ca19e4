/*!
 * \file vulkan_types_test.cc
 * \brief Our declarations of Vulkan's interface against Vulkan's own header, where that is
 * installed (Debian: libvulkan-dev): compiling this file is the test.
 */
#if __has_include(<vulkan/vulkan_core.h>)

#include "device/vulkan/vulkan_types.h"

#include <vulkan/vulkan_core.h>

#include <cstddef>

#include "device/vulkan/vulkan_device_types.h"

namespace ours = node_mlc::vulkan;

#define SAME_VALUE(name) \
  static_assert(static_cast<long long>(ours::name) == static_cast<long long>(::name), #name)
#define SAME_SIZE(type)                                                                         \
  static_assert(sizeof(ours::type) == sizeof(::type) && alignof(ours::type) == alignof(::type), \
                #type)
#define SAME_PLACE(type, member)                                            \
  static_assert(offsetof(ours::type, member) == offsetof(::type, member) && \
                    sizeof(ours::type::member) == sizeof(::type::member),   \
                #type "::" #member)
#define SAME_STRUCTURE(type, value) \
  SAME_SIZE(type);                  \
  SAME_PLACE(type, pNext);          \
  SAME_VALUE(value);                \
  static_assert(ours::type().sType == ours::value, #type)

static_assert(ours::kApiVersion12 == VK_API_VERSION_1_2, "the version asked for");
static_assert(ours::kWholeSize == VK_WHOLE_SIZE && ours::kTrue == VK_TRUE, "constants");

SAME_STRUCTURE(VkApplicationInfo, VK_STRUCTURE_TYPE_APPLICATION_INFO);
SAME_STRUCTURE(VkInstanceCreateInfo, VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
SAME_SIZE(VkExtensionProperties);
SAME_SIZE(VkPhysicalDeviceFeatures);
SAME_SIZE(VkPhysicalDeviceLimits);
SAME_SIZE(VkPhysicalDeviceSparseProperties);
SAME_SIZE(VkPhysicalDeviceProperties);
SAME_STRUCTURE(VkPhysicalDeviceProperties2, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
SAME_STRUCTURE(VkPhysicalDeviceSubgroupProperties,
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
SAME_STRUCTURE(VkPhysicalDeviceMaintenance3Properties,
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES);
SAME_SIZE(VkConformanceVersion);
SAME_STRUCTURE(VkPhysicalDeviceDriverProperties,
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
SAME_STRUCTURE(VkPhysicalDeviceSubgroupSizeControlProperties,
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES);
SAME_STRUCTURE(VkPhysicalDevicePushDescriptorPropertiesKHR,
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PUSH_DESCRIPTOR_PROPERTIES_KHR);
SAME_STRUCTURE(VkPhysicalDeviceFeatures2, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
SAME_STRUCTURE(VkPhysicalDevice16BitStorageFeatures,
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES);
SAME_STRUCTURE(VkPhysicalDeviceShaderFloat16Int8Features,
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES);
SAME_STRUCTURE(VkPhysicalDeviceSubgroupSizeControlFeatures,
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES);
SAME_STRUCTURE(VkPhysicalDeviceShaderIntegerDotProductFeatures,
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES);
SAME_SIZE(VkMemoryType);
SAME_SIZE(VkMemoryHeap);
SAME_SIZE(VkPhysicalDeviceMemoryProperties);
SAME_STRUCTURE(VkPhysicalDeviceMemoryProperties2,
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2);
SAME_STRUCTURE(VkPhysicalDeviceMemoryBudgetPropertiesEXT,
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
SAME_SIZE(VkExtent3D);
SAME_SIZE(VkQueueFamilyProperties);
SAME_STRUCTURE(VkDeviceQueueCreateInfo, VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
SAME_STRUCTURE(VkDeviceCreateInfo, VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
SAME_STRUCTURE(VkBufferCreateInfo, VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
SAME_SIZE(VkMemoryRequirements);
SAME_STRUCTURE(VkMemoryAllocateInfo, VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO);
SAME_STRUCTURE(VkMappedMemoryRange, VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE);
SAME_STRUCTURE(VkCommandPoolCreateInfo, VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
SAME_STRUCTURE(VkCommandBufferAllocateInfo, VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
SAME_STRUCTURE(VkCommandBufferBeginInfo, VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
SAME_STRUCTURE(VkFenceCreateInfo, VK_STRUCTURE_TYPE_FENCE_CREATE_INFO);
SAME_STRUCTURE(VkSubmitInfo, VK_STRUCTURE_TYPE_SUBMIT_INFO);
SAME_STRUCTURE(VkMemoryBarrier, VK_STRUCTURE_TYPE_MEMORY_BARRIER);
SAME_SIZE(VkBufferCopy);
SAME_SIZE(VkDescriptorSetLayoutBinding);
SAME_STRUCTURE(VkDescriptorSetLayoutCreateInfo,
               VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
SAME_STRUCTURE(VkPipelineLayoutCreateInfo, VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
SAME_SIZE(VkDescriptorPoolSize);
SAME_STRUCTURE(VkDescriptorPoolCreateInfo, VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO);
SAME_STRUCTURE(VkDescriptorSetAllocateInfo, VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO);
SAME_SIZE(VkDescriptorBufferInfo);
SAME_STRUCTURE(VkWriteDescriptorSet, VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET);
SAME_STRUCTURE(VkShaderModuleCreateInfo, VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
SAME_STRUCTURE(VkPipelineShaderStageCreateInfo,
               VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO);
SAME_SIZE(VkPipelineShaderStageRequiredSubgroupSizeCreateInfo);
SAME_STRUCTURE(VkComputePipelineCreateInfo, VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
SAME_STRUCTURE(VkPipelineCacheCreateInfo, VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO);

SAME_PLACE(VkApplicationInfo, pApplicationName);
SAME_PLACE(VkApplicationInfo, apiVersion);
SAME_PLACE(VkInstanceCreateInfo, flags);
SAME_PLACE(VkInstanceCreateInfo, pApplicationInfo);
SAME_PLACE(VkInstanceCreateInfo, enabledExtensionCount);
SAME_PLACE(VkInstanceCreateInfo, ppEnabledExtensionNames);
SAME_PLACE(VkExtensionProperties, extensionName);
SAME_PLACE(VkPhysicalDeviceFeatures, shaderFloat64);
SAME_PLACE(VkPhysicalDeviceFeatures, shaderInt64);
SAME_PLACE(VkPhysicalDeviceLimits, maxStorageBufferRange);
SAME_PLACE(VkPhysicalDeviceLimits, maxComputeSharedMemorySize);
SAME_PLACE(VkPhysicalDeviceLimits, maxComputeWorkGroupInvocations);
SAME_PLACE(VkPhysicalDeviceLimits, maxComputeWorkGroupSize);
SAME_PLACE(VkPhysicalDeviceLimits, minUniformBufferOffsetAlignment);
SAME_PLACE(VkPhysicalDeviceLimits, minStorageBufferOffsetAlignment);
SAME_PLACE(VkPhysicalDeviceProperties, apiVersion);
SAME_PLACE(VkPhysicalDeviceProperties, driverVersion);
SAME_PLACE(VkPhysicalDeviceProperties, vendorID);
SAME_PLACE(VkPhysicalDeviceProperties, deviceID);
SAME_PLACE(VkPhysicalDeviceProperties, deviceType);
SAME_PLACE(VkPhysicalDeviceProperties, deviceName);
SAME_PLACE(VkPhysicalDeviceProperties, pipelineCacheUUID);
SAME_PLACE(VkPhysicalDeviceProperties, limits);
SAME_PLACE(VkPhysicalDeviceProperties2, properties);
SAME_PLACE(VkPhysicalDeviceSubgroupProperties, subgroupSize);
SAME_PLACE(VkPhysicalDeviceSubgroupProperties, supportedStages);
SAME_PLACE(VkPhysicalDeviceMaintenance3Properties, maxMemoryAllocationSize);
SAME_PLACE(VkPhysicalDeviceDriverProperties, driverName);
SAME_PLACE(VkPhysicalDeviceDriverProperties, driverInfo);
SAME_PLACE(VkPhysicalDeviceSubgroupSizeControlProperties, minSubgroupSize);
SAME_PLACE(VkPhysicalDeviceSubgroupSizeControlProperties, maxSubgroupSize);
SAME_PLACE(VkPhysicalDeviceSubgroupSizeControlProperties, requiredSubgroupSizeStages);
SAME_PLACE(VkPhysicalDevicePushDescriptorPropertiesKHR, maxPushDescriptors);
SAME_PLACE(VkPhysicalDeviceFeatures2, features);
SAME_PLACE(VkPhysicalDevice16BitStorageFeatures, storageBuffer16BitAccess);
SAME_PLACE(VkPhysicalDeviceSubgroupSizeControlFeatures, subgroupSizeControl);
SAME_PLACE(VkPhysicalDeviceShaderIntegerDotProductFeatures, shaderIntegerDotProduct);
SAME_PLACE(VkMemoryHeap, size);
SAME_PLACE(VkMemoryHeap, flags);
SAME_PLACE(VkPhysicalDeviceMemoryProperties, memoryTypeCount);
SAME_PLACE(VkPhysicalDeviceMemoryProperties, memoryHeapCount);
SAME_PLACE(VkPhysicalDeviceMemoryProperties2, memoryProperties);
SAME_PLACE(VkPhysicalDeviceMemoryBudgetPropertiesEXT, heapBudget);
SAME_PLACE(VkPhysicalDeviceMemoryBudgetPropertiesEXT, heapUsage);
SAME_PLACE(VkQueueFamilyProperties, queueCount);
SAME_PLACE(VkDeviceQueueCreateInfo, flags);
SAME_PLACE(VkDeviceQueueCreateInfo, queueFamilyIndex);
SAME_PLACE(VkDeviceQueueCreateInfo, queueCount);
SAME_PLACE(VkDeviceQueueCreateInfo, pQueuePriorities);
SAME_PLACE(VkDeviceCreateInfo, flags);
SAME_PLACE(VkDeviceCreateInfo, queueCreateInfoCount);
SAME_PLACE(VkDeviceCreateInfo, pQueueCreateInfos);
SAME_PLACE(VkDeviceCreateInfo, enabledExtensionCount);
SAME_PLACE(VkDeviceCreateInfo, ppEnabledExtensionNames);
SAME_PLACE(VkBufferCreateInfo, flags);
SAME_PLACE(VkBufferCreateInfo, size);
SAME_PLACE(VkBufferCreateInfo, usage);
SAME_PLACE(VkMemoryRequirements, size);
SAME_PLACE(VkMemoryRequirements, memoryTypeBits);
SAME_PLACE(VkMemoryAllocateInfo, allocationSize);
SAME_PLACE(VkMemoryAllocateInfo, memoryTypeIndex);
SAME_PLACE(VkMappedMemoryRange, memory);
SAME_PLACE(VkMappedMemoryRange, offset);
SAME_PLACE(VkMappedMemoryRange, size);
SAME_PLACE(VkCommandPoolCreateInfo, flags);
SAME_PLACE(VkCommandPoolCreateInfo, queueFamilyIndex);
SAME_PLACE(VkCommandBufferAllocateInfo, commandPool);
SAME_PLACE(VkCommandBufferAllocateInfo, commandBufferCount);
SAME_PLACE(VkCommandBufferBeginInfo, flags);
SAME_PLACE(VkFenceCreateInfo, flags);
SAME_PLACE(VkSubmitInfo, commandBufferCount);
SAME_PLACE(VkSubmitInfo, pCommandBuffers);
SAME_PLACE(VkMemoryBarrier, srcAccessMask);
SAME_PLACE(VkMemoryBarrier, dstAccessMask);
SAME_PLACE(VkBufferCopy, size);
SAME_PLACE(VkDescriptorSetLayoutBinding, binding);
SAME_PLACE(VkDescriptorSetLayoutBinding, descriptorType);
SAME_PLACE(VkDescriptorSetLayoutBinding, descriptorCount);
SAME_PLACE(VkDescriptorSetLayoutBinding, stageFlags);
SAME_PLACE(VkDescriptorSetLayoutCreateInfo, flags);
SAME_PLACE(VkDescriptorSetLayoutCreateInfo, bindingCount);
SAME_PLACE(VkDescriptorSetLayoutCreateInfo, pBindings);
SAME_PLACE(VkPipelineLayoutCreateInfo, flags);
SAME_PLACE(VkPipelineLayoutCreateInfo, setLayoutCount);
SAME_PLACE(VkPipelineLayoutCreateInfo, pSetLayouts);
SAME_PLACE(VkDescriptorPoolSize, type);
SAME_PLACE(VkDescriptorPoolSize, descriptorCount);
SAME_PLACE(VkDescriptorPoolCreateInfo, flags);
SAME_PLACE(VkDescriptorPoolCreateInfo, maxSets);
SAME_PLACE(VkDescriptorPoolCreateInfo, poolSizeCount);
SAME_PLACE(VkDescriptorPoolCreateInfo, pPoolSizes);
SAME_PLACE(VkDescriptorSetAllocateInfo, descriptorPool);
SAME_PLACE(VkDescriptorSetAllocateInfo, descriptorSetCount);
SAME_PLACE(VkDescriptorSetAllocateInfo, pSetLayouts);
SAME_PLACE(VkDescriptorBufferInfo, buffer);
SAME_PLACE(VkDescriptorBufferInfo, offset);
SAME_PLACE(VkWriteDescriptorSet, dstSet);
SAME_PLACE(VkWriteDescriptorSet, dstBinding);
SAME_PLACE(VkWriteDescriptorSet, descriptorCount);
SAME_PLACE(VkWriteDescriptorSet, descriptorType);
SAME_PLACE(VkWriteDescriptorSet, pBufferInfo);
SAME_PLACE(VkShaderModuleCreateInfo, flags);
SAME_PLACE(VkShaderModuleCreateInfo, codeSize);
SAME_PLACE(VkShaderModuleCreateInfo, pCode);
SAME_PLACE(VkPipelineShaderStageCreateInfo, flags);
SAME_PLACE(VkPipelineShaderStageCreateInfo, stage);
SAME_PLACE(VkPipelineShaderStageCreateInfo, module);
SAME_PLACE(VkPipelineShaderStageCreateInfo, pName);
SAME_PLACE(VkPipelineShaderStageRequiredSubgroupSizeCreateInfo, requiredSubgroupSize);
SAME_PLACE(VkComputePipelineCreateInfo, flags);
SAME_PLACE(VkComputePipelineCreateInfo, stage);
SAME_PLACE(VkComputePipelineCreateInfo, layout);
SAME_PLACE(VkPipelineCacheCreateInfo, flags);
SAME_PLACE(VkPipelineCacheCreateInfo, initialDataSize);
SAME_PLACE(VkPipelineCacheCreateInfo, pInitialData);

SAME_VALUE(VK_SUCCESS);
SAME_VALUE(VK_NOT_READY);
SAME_VALUE(VK_TIMEOUT);
SAME_VALUE(VK_INCOMPLETE);
SAME_VALUE(VK_ERROR_OUT_OF_HOST_MEMORY);
SAME_VALUE(VK_ERROR_OUT_OF_DEVICE_MEMORY);
SAME_VALUE(VK_ERROR_INITIALIZATION_FAILED);
SAME_VALUE(VK_ERROR_DEVICE_LOST);
SAME_VALUE(VK_ERROR_MEMORY_MAP_FAILED);
SAME_VALUE(VK_ERROR_LAYER_NOT_PRESENT);
SAME_VALUE(VK_ERROR_EXTENSION_NOT_PRESENT);
SAME_VALUE(VK_ERROR_FEATURE_NOT_PRESENT);
SAME_VALUE(VK_ERROR_INCOMPATIBLE_DRIVER);
SAME_VALUE(VK_ERROR_TOO_MANY_OBJECTS);
SAME_VALUE(VK_ERROR_FRAGMENTED_POOL);
SAME_VALUE(VK_ERROR_UNKNOWN);
SAME_VALUE(VK_ERROR_OUT_OF_POOL_MEMORY);
SAME_VALUE(VK_ERROR_FRAGMENTATION);
SAME_VALUE(VK_PHYSICAL_DEVICE_TYPE_OTHER);
SAME_VALUE(VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU);
SAME_VALUE(VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU);
SAME_VALUE(VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU);
SAME_VALUE(VK_PHYSICAL_DEVICE_TYPE_CPU);
SAME_VALUE(VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER);
SAME_VALUE(VK_DESCRIPTOR_TYPE_STORAGE_BUFFER);
SAME_VALUE(VK_PIPELINE_BIND_POINT_COMPUTE);
SAME_VALUE(VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR);
SAME_VALUE(VK_QUEUE_GRAPHICS_BIT);
SAME_VALUE(VK_QUEUE_COMPUTE_BIT);
SAME_VALUE(VK_MEMORY_HEAP_DEVICE_LOCAL_BIT);
SAME_VALUE(VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
SAME_VALUE(VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT);
SAME_VALUE(VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
SAME_VALUE(VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
SAME_VALUE(VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
SAME_VALUE(VK_BUFFER_USAGE_TRANSFER_DST_BIT);
SAME_VALUE(VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
SAME_VALUE(VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
SAME_VALUE(VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT);
SAME_VALUE(VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT);
SAME_VALUE(VK_ACCESS_UNIFORM_READ_BIT);
SAME_VALUE(VK_ACCESS_SHADER_READ_BIT);
SAME_VALUE(VK_ACCESS_SHADER_WRITE_BIT);
SAME_VALUE(VK_ACCESS_TRANSFER_READ_BIT);
SAME_VALUE(VK_ACCESS_TRANSFER_WRITE_BIT);
SAME_VALUE(VK_ACCESS_HOST_READ_BIT);
SAME_VALUE(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT);
SAME_VALUE(VK_PIPELINE_STAGE_TRANSFER_BIT);
SAME_VALUE(VK_PIPELINE_STAGE_HOST_BIT);
SAME_VALUE(VK_SHADER_STAGE_COMPUTE_BIT);
SAME_VALUE(VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR);

#endif
