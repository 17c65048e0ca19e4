/*!
 * \file device/vulkan/descriptor_pools.cc
 */
#include "device/vulkan/descriptor_pools.h"

#include <algorithm>

#include "device/vulkan/vulkan_error.h"

namespace node_mlc::vulkan {

namespace {

constexpr uint32_t kSets = 128;
constexpr uint32_t kBuffersOfSet = 8;

}  // namespace

VkDescriptorSet DescriptorPools::Allocate(const Pipeline& pipeline) {
  const DeviceFunctions& vk = device_.functions();
  Slot& slot = slots_[commands_.slot()];
  if (slot.serial != commands_.open_serial()) {
    // The ring has waited for the commands that used them.
    for (size_t i = 0; i < std::min(slot.used + 1, slot.pools.size()); ++i) {
      CheckResult(vk.ResetDescriptorPool(device_.handle(), slot.pools[i], 0), "empty a pool");
    }
    slot.serial = commands_.open_serial();
    slot.used = 0;
  }
  for (;; ++slot.used) {
    const bool last = slot.used == slot.pools.size();
    if (last) slot.pools.push_back(AddPool(pipeline.buffers));
    VkDescriptorSetAllocateInfo info;
    info.descriptorPool = slot.pools[slot.used];
    info.descriptorSetCount = 1;
    info.pSetLayouts = &pipeline.set_layout;
    VkDescriptorSet set;
    const VkResult result = vk.AllocateDescriptorSets(device_.handle(), &info, &set);
    if (result == VK_SUCCESS) return set;
    const bool full = result == VK_ERROR_OUT_OF_POOL_MEMORY || result == VK_ERROR_FRAGMENTED_POOL;
    if (last || !full) CheckResult(result, "make a descriptor set");
  }
}

VkDescriptorPool DescriptorPools::AddPool(uint32_t buffers) {
  const VkDescriptorPoolSize sizes[] = {
      {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, kSets * std::max(kBuffersOfSet, buffers)},
      {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, kSets},
  };
  VkDescriptorPoolCreateInfo info;
  info.maxSets = kSets;
  info.poolSizeCount = 2;
  info.pPoolSizes = sizes;
  VkDescriptorPool pool;
  CheckResult(device_.functions().CreateDescriptorPool(device_.handle(), &info, nullptr, &pool),
              "make a pool of descriptors");
  return pool;
}

}  // namespace node_mlc::vulkan
