/*!
 * \file device/vulkan/vulkan_types.h
 * \brief The part of Vulkan's C interface that the runtime uses, so that building needs no headers.
 *
 * Names, types and values are those of the Vulkan 1.3 specification, for 64-bit systems; members
 * have defaults (test/cpp/vulkan_types_test.cc compares them with Vulkan's own header).
 */
#ifndef NODE_MLC_DEVICE_VULKAN_VULKAN_TYPES_H_
#define NODE_MLC_DEVICE_VULKAN_VULKAN_TYPES_H_

#include <cstddef>
#include <cstdint>

#ifdef _WIN32
#define NODE_MLC_VK_CALL __stdcall
#else
#define NODE_MLC_VK_CALL
#endif

namespace node_mlc::vulkan {

using VkFlags = uint32_t;
using VkBool32 = uint32_t;
using VkDeviceSize = uint64_t;
using VkAccessFlags = VkFlags;
using VkBufferUsageFlags = VkFlags;
using VkMemoryHeapFlags = VkFlags;
using VkMemoryPropertyFlags = VkFlags;
using VkPipelineStageFlags = VkFlags;
using VkQueueFlags = VkFlags;
using VkSampleCountFlags = VkFlags;
using VkShaderStageFlags = VkFlags;
using VkSubgroupFeatureFlags = VkFlags;

using VkInstance = struct VkInstance_T*;
using VkPhysicalDevice = struct VkPhysicalDevice_T*;
using VkDevice = struct VkDevice_T*;
using VkQueue = struct VkQueue_T*;
using VkCommandBuffer = struct VkCommandBuffer_T*;
using VkBuffer = struct VkBuffer_T*;
using VkDeviceMemory = struct VkDeviceMemory_T*;
using VkFence = struct VkFence_T*;
using VkShaderModule = struct VkShaderModule_T*;
using VkPipelineCache = struct VkPipelineCache_T*;
using VkPipelineLayout = struct VkPipelineLayout_T*;
using VkPipeline = struct VkPipeline_T*;
using VkDescriptorSetLayout = struct VkDescriptorSetLayout_T*;
using VkDescriptorPool = struct VkDescriptorPool_T*;
using VkDescriptorSet = struct VkDescriptorSet_T*;
using VkCommandPool = struct VkCommandPool_T*;

constexpr uint32_t kApiVersion12 = 1 << 22 | 2 << 12;
constexpr VkDeviceSize kWholeSize = ~VkDeviceSize{0};
constexpr VkBool32 kTrue = 1;

enum VkResult : int32_t {
  VK_SUCCESS = 0,
  VK_NOT_READY = 1,
  VK_TIMEOUT = 2,
  VK_INCOMPLETE = 5,
  VK_ERROR_OUT_OF_HOST_MEMORY = -1,
  VK_ERROR_OUT_OF_DEVICE_MEMORY = -2,
  VK_ERROR_INITIALIZATION_FAILED = -3,
  VK_ERROR_DEVICE_LOST = -4,
  VK_ERROR_MEMORY_MAP_FAILED = -5,
  VK_ERROR_LAYER_NOT_PRESENT = -6,
  VK_ERROR_EXTENSION_NOT_PRESENT = -7,
  VK_ERROR_FEATURE_NOT_PRESENT = -8,
  VK_ERROR_INCOMPATIBLE_DRIVER = -9,
  VK_ERROR_TOO_MANY_OBJECTS = -10,
  VK_ERROR_FRAGMENTED_POOL = -12,
  VK_ERROR_UNKNOWN = -13,
  VK_ERROR_OUT_OF_POOL_MEMORY = -1000069000,
  VK_ERROR_FRAGMENTATION = -1000161000,
};

enum VkStructureType : int32_t {
  VK_STRUCTURE_TYPE_APPLICATION_INFO = 0,
  VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO = 1,
  VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO = 2,
  VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO = 3,
  VK_STRUCTURE_TYPE_SUBMIT_INFO = 4,
  VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO = 5,
  VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE = 6,
  VK_STRUCTURE_TYPE_FENCE_CREATE_INFO = 8,
  VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO = 12,
  VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO = 16,
  VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO = 17,
  VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO = 18,
  VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO = 29,
  VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO = 30,
  VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO = 32,
  VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO = 33,
  VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO = 34,
  VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET = 35,
  VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO = 39,
  VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO = 40,
  VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO = 42,
  VK_STRUCTURE_TYPE_MEMORY_BARRIER = 46,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2 = 1000059000,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2 = 1000059001,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2 = 1000059006,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PUSH_DESCRIPTOR_PROPERTIES_KHR = 1000080000,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES = 1000082000,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES = 1000083000,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES = 1000094000,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES = 1000168000,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES = 1000196000,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES = 1000225000,
  VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO = 1000225001,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES = 1000225002,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT = 1000237000,
  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES = 1000280000,
};

enum VkPhysicalDeviceType : int32_t {
  VK_PHYSICAL_DEVICE_TYPE_OTHER = 0,
  VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU = 1,
  VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU = 2,
  VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU = 3,
  VK_PHYSICAL_DEVICE_TYPE_CPU = 4,
};

enum VkDescriptorType : int32_t {
  VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER = 6,
  VK_DESCRIPTOR_TYPE_STORAGE_BUFFER = 7,
};

enum VkPipelineBindPoint : int32_t {
  VK_PIPELINE_BIND_POINT_COMPUTE = 1,
};

enum : VkFlags {
  VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR = 0x1,
};

enum : VkFlags {
  VK_QUEUE_GRAPHICS_BIT = 0x1,
  VK_QUEUE_COMPUTE_BIT = 0x2,
};

enum : VkFlags {
  VK_MEMORY_HEAP_DEVICE_LOCAL_BIT = 0x1,
};

enum : VkFlags {
  VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT = 0x1,
  VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT = 0x2,
  VK_MEMORY_PROPERTY_HOST_COHERENT_BIT = 0x4,
  VK_MEMORY_PROPERTY_HOST_CACHED_BIT = 0x8,
};

enum : VkFlags {
  VK_BUFFER_USAGE_TRANSFER_SRC_BIT = 0x1,
  VK_BUFFER_USAGE_TRANSFER_DST_BIT = 0x2,
  VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT = 0x10,
  VK_BUFFER_USAGE_STORAGE_BUFFER_BIT = 0x20,
};

enum : VkFlags {
  VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT = 0x2,
};

enum : VkFlags {
  VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT = 0x1,
};

enum : VkFlags {
  VK_ACCESS_UNIFORM_READ_BIT = 0x8,
  VK_ACCESS_SHADER_READ_BIT = 0x20,
  VK_ACCESS_SHADER_WRITE_BIT = 0x40,
  VK_ACCESS_TRANSFER_READ_BIT = 0x800,
  VK_ACCESS_TRANSFER_WRITE_BIT = 0x1000,
  VK_ACCESS_HOST_READ_BIT = 0x2000,
};

enum : VkFlags {
  VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT = 0x800,
  VK_PIPELINE_STAGE_TRANSFER_BIT = 0x1000,
  VK_PIPELINE_STAGE_HOST_BIT = 0x4000,
};

enum : VkFlags {
  VK_SHADER_STAGE_COMPUTE_BIT = 0x20,
};

enum : VkFlags {
  VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR = 0x1,
};

struct VkApplicationInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  const void* pNext{};
  const char* pApplicationName{};
  uint32_t applicationVersion{};
  const char* pEngineName{};
  uint32_t engineVersion{};
  uint32_t apiVersion{};
};

struct VkInstanceCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  const VkApplicationInfo* pApplicationInfo{};
  uint32_t enabledLayerCount{};
  const char* const* ppEnabledLayerNames{};
  uint32_t enabledExtensionCount{};
  const char* const* ppEnabledExtensionNames{};
};

struct VkDeviceQueueCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  uint32_t queueFamilyIndex{};
  uint32_t queueCount{};
  const float* pQueuePriorities{};
};

struct VkDeviceCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  uint32_t queueCreateInfoCount{};
  const VkDeviceQueueCreateInfo* pQueueCreateInfos{};
  uint32_t enabledLayerCount{};
  const char* const* ppEnabledLayerNames{};
  uint32_t enabledExtensionCount{};
  const char* const* ppEnabledExtensionNames{};
  const struct VkPhysicalDeviceFeatures* pEnabledFeatures{};
};

struct VkBufferCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  VkDeviceSize size{};
  VkBufferUsageFlags usage{};
  int32_t sharingMode{};
  uint32_t queueFamilyIndexCount{};
  const uint32_t* pQueueFamilyIndices{};
};

struct VkMemoryRequirements {
  VkDeviceSize size{};
  VkDeviceSize alignment{};
  uint32_t memoryTypeBits{};
};

struct VkMemoryAllocateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  const void* pNext{};
  VkDeviceSize allocationSize{};
  uint32_t memoryTypeIndex{};
};

struct VkMappedMemoryRange {
  VkStructureType sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE;
  const void* pNext{};
  VkDeviceMemory memory{};
  VkDeviceSize offset{};
  VkDeviceSize size{};
};

struct VkCommandPoolCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  uint32_t queueFamilyIndex{};
};

struct VkCommandBufferAllocateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  const void* pNext{};
  VkCommandPool commandPool{};
  int32_t level{};
  uint32_t commandBufferCount{};
};

struct VkCommandBufferBeginInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  const void* pNext{};
  VkFlags flags{};
  const void* pInheritanceInfo{};
};

struct VkFenceCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
};

struct VkSubmitInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  const void* pNext{};
  uint32_t waitSemaphoreCount{};
  const void* pWaitSemaphores{};
  const void* pWaitDstStageMask{};
  uint32_t commandBufferCount{};
  const VkCommandBuffer* pCommandBuffers{};
  uint32_t signalSemaphoreCount{};
  const void* pSignalSemaphores{};
};

struct VkMemoryBarrier {
  VkStructureType sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  const void* pNext{};
  VkAccessFlags srcAccessMask{};
  VkAccessFlags dstAccessMask{};
};

struct VkBufferCopy {
  VkDeviceSize srcOffset{};
  VkDeviceSize dstOffset{};
  VkDeviceSize size{};
};

struct VkDescriptorSetLayoutBinding {
  uint32_t binding{};
  VkDescriptorType descriptorType{};
  uint32_t descriptorCount{};
  VkShaderStageFlags stageFlags{};
  const void* pImmutableSamplers{};
};

struct VkDescriptorSetLayoutCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  uint32_t bindingCount{};
  const VkDescriptorSetLayoutBinding* pBindings{};
};

struct VkPipelineLayoutCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  uint32_t setLayoutCount{};
  const VkDescriptorSetLayout* pSetLayouts{};
  uint32_t pushConstantRangeCount{};
  const void* pPushConstantRanges{};
};

struct VkDescriptorPoolSize {
  VkDescriptorType type{};
  uint32_t descriptorCount{};
};

struct VkDescriptorPoolCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  uint32_t maxSets{};
  uint32_t poolSizeCount{};
  const VkDescriptorPoolSize* pPoolSizes{};
};

struct VkDescriptorSetAllocateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
  const void* pNext{};
  VkDescriptorPool descriptorPool{};
  uint32_t descriptorSetCount{};
  const VkDescriptorSetLayout* pSetLayouts{};
};

struct VkDescriptorBufferInfo {
  VkBuffer buffer{};
  VkDeviceSize offset{};
  VkDeviceSize range{};
};

struct VkWriteDescriptorSet {
  VkStructureType sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
  const void* pNext{};
  VkDescriptorSet dstSet{};
  uint32_t dstBinding{};
  uint32_t dstArrayElement{};
  uint32_t descriptorCount{};
  VkDescriptorType descriptorType{};
  const void* pImageInfo{};
  const VkDescriptorBufferInfo* pBufferInfo{};
  const void* pTexelBufferView{};
};

struct VkShaderModuleCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  size_t codeSize{};
  const uint32_t* pCode{};
};

struct VkPipelineShaderStageCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  VkShaderStageFlags stage{};
  VkShaderModule module{};
  const char* pName{};
  const void* pSpecializationInfo{};
};

struct VkPipelineShaderStageRequiredSubgroupSizeCreateInfo {
  VkStructureType sType =
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO;
  void* pNext{};
  uint32_t requiredSubgroupSize{};
};

struct VkComputePipelineCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  VkPipelineShaderStageCreateInfo stage{};
  VkPipelineLayout layout{};
  VkPipeline basePipelineHandle{};
  int32_t basePipelineIndex{};
};

struct VkPipelineCacheCreateInfo {
  VkStructureType sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
  const void* pNext{};
  VkFlags flags{};
  size_t initialDataSize{};
  const void* pInitialData{};
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_VULKAN_TYPES_H_
