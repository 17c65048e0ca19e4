/*!
 * \file device/vulkan/descriptor_pools.h
 * \brief Descriptor sets for devices or kernels whose descriptors cannot be pushed.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_DESCRIPTOR_POOLS_H_
#define NODE_MLC_DEVICE_VULKAN_DESCRIPTOR_POOLS_H_

#include <array>
#include <vector>

#include "device/vulkan/command_ring.h"
#include "device/vulkan/pipeline.h"

namespace node_mlc::vulkan {

/*! \brief Pools of each command buffer of the ring, emptied when it is recorded anew. Not thread
 * safe. */
class DescriptorPools {
 public:
  DescriptorPools(const LogicalDevice& device, const CommandRing& commands)
      : device_(device), commands_(commands) {}

  /*! \brief A set for a launch in the open command buffer. */
  VkDescriptorSet Allocate(const Pipeline& pipeline);

 private:
  struct Slot {
    Serial serial = 0;
    size_t used = 0;  // pools that are full, or in use
    std::vector<VkDescriptorPool> pools;
  };

  VkDescriptorPool AddPool(uint32_t buffers);

  const LogicalDevice& device_;
  const CommandRing& commands_;
  std::array<Slot, CommandRing::kSlots> slots_;
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_DESCRIPTOR_POOLS_H_
