/*!
 * \file device/vulkan/logical_device.cc
 */
#include "device/vulkan/logical_device.h"

#include <vector>

#include "device/device_error.h"
#include "device/vulkan/vulkan_error.h"

namespace node_mlc::vulkan {

namespace {

std::vector<const char*> Extensions(const DeviceProperties& properties) {
  std::vector<const char*> names;
  if (properties.max_push_descriptors > 0) names.push_back("VK_KHR_push_descriptor");
  if (properties.integer_dot_product) names.push_back("VK_KHR_shader_integer_dot_product");
  if (properties.memory_budget) names.push_back("VK_EXT_memory_budget");
  if (properties.portability_subset) names.push_back("VK_KHR_portability_subset");
  if (properties.subgroups.least != properties.subgroups.most) {
    names.push_back("VK_EXT_subgroup_size_control");
  }
  return names;
}

/*! \brief The features that kernels use, as far as the device has them. */
struct FeatureChain {
  explicit FeatureChain(const DeviceProperties& properties) {
    Add(&storage);
    Add(&float16);
    if (properties.subgroups.least != properties.subgroups.most) Add(&subgroup_size);
    if (properties.integer_dot_product) Add(&dot_product);
    all.features.shaderInt64 = properties.int64;
    all.features.shaderFloat64 = properties.float64;
    storage.storageBuffer16BitAccess = properties.float16;
    float16.shaderFloat16 = properties.float16;
    subgroup_size.subgroupSizeControl = kTrue;
    dot_product.shaderIntegerDotProduct = kTrue;
  }
  FeatureChain(const FeatureChain&) = delete;
  FeatureChain& operator=(const FeatureChain&) = delete;

  template <typename Structure>
  void Add(Structure* structure) {
    structure->pNext = all.pNext;
    all.pNext = structure;
  }

  VkPhysicalDeviceFeatures2 all;
  VkPhysicalDevice16BitStorageFeatures storage;
  VkPhysicalDeviceShaderFloat16Int8Features float16;
  VkPhysicalDeviceSubgroupSizeControlFeatures subgroup_size;
  VkPhysicalDeviceShaderIntegerDotProductFeatures dot_product;
};

}  // namespace

LogicalDevice::LogicalDevice(VkPhysicalDevice device, const DeviceProperties& properties)
    : properties_(properties) {
  const FeatureChain features(properties);
  const std::vector<const char*> extensions = Extensions(properties);
  const float priority = 1;
  VkDeviceQueueCreateInfo queue;
  queue.queueFamilyIndex = properties.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo info;
  info.pNext = &features.all;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  const VkResult result = GetInstance().functions.CreateDevice(device, &info, nullptr, &handle_);
  if (result != VK_SUCCESS) {
    ThrowDeviceError(kDeviceUnavailable, "Expected to open the Vulkan device " + properties.name +
                                             " but received " + ResultText(result) +
                                             ". Is its driver whole, and may this user use it?");
  }
  functions_ = FunctionsOf(handle_);
  functions_.GetDeviceQueue(handle_, properties.queue_family, 0, &queue_);
}

std::optional<BoundBuffer> LogicalDevice::CreateBuffer(uint64_t size, VkBufferUsageFlags usage,
                                                       VkMemoryPropertyFlags required,
                                                       VkMemoryPropertyFlags preferred,
                                                       VkResult* result) const {
  VkBufferCreateInfo info;
  info.size = size;
  info.usage = usage;
  BoundBuffer made;
  *result = functions_.CreateBuffer(handle_, &info, nullptr, &made.buffer);
  if (*result != VK_SUCCESS) return std::nullopt;
  *result = BindMemory(size, required, preferred, &made);
  if (*result == VK_SUCCESS) return made;
  Destroy(made);
  return std::nullopt;
}

BoundBuffer LogicalDevice::CreateHostBuffer(uint64_t size, VkBufferUsageFlags usage,
                                            VkMemoryPropertyFlags required,
                                            VkMemoryPropertyFlags preferred) const {
  VkResult result = VK_SUCCESS;
  const auto made =
      CreateBuffer(size, usage, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | required, preferred, &result);
  CheckResult(result, "allocate memory for copies");
  return *made;
}

VkResult LogicalDevice::BindMemory(uint64_t size, VkMemoryPropertyFlags required,
                                   VkMemoryPropertyFlags preferred, BoundBuffer* to) const {
  VkMemoryRequirements needs;
  functions_.GetBufferMemoryRequirements(handle_, to->buffer, &needs);
  VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  const VkPhysicalDeviceMemoryProperties& memory = properties_.memory;
  for (const VkMemoryPropertyFlags wanted : {required | preferred, required}) {
    for (uint32_t type = 0; type < memory.memoryTypeCount; ++type) {
      const VkMemoryPropertyFlags flags = memory.memoryTypes[type].propertyFlags;
      if ((needs.memoryTypeBits >> type & 1) == 0 || (flags & wanted) != wanted) continue;
      VkMemoryAllocateInfo info;
      info.allocationSize = needs.size;
      info.memoryTypeIndex = type;
      result = functions_.AllocateMemory(handle_, &info, nullptr, &to->memory);
      if (result == VK_SUCCESS) {
        to->coherent = (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0;
        return Bind(to, (required & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0);
      }
      to->memory = nullptr;
      if (result == VK_ERROR_DEVICE_LOST) return result;
    }
    if (preferred == 0) break;
  }
  return result;
}

VkResult LogicalDevice::Bind(BoundBuffer* to, bool map) const {
  const VkResult result = functions_.BindBufferMemory(handle_, to->buffer, to->memory, 0);
  if (result != VK_SUCCESS || !map) return result;
  return functions_.MapMemory(handle_, to->memory, 0, kWholeSize, 0, &to->data);
}

void LogicalDevice::Destroy(const BoundBuffer& buffer) const {
  functions_.DestroyBuffer(handle_, buffer.buffer, nullptr);
  if (buffer.memory != nullptr) functions_.FreeMemory(handle_, buffer.memory, nullptr);
}

}  // namespace node_mlc::vulkan
