/*!
 * \file device/vulkan/uniform_ring.h
 * \brief Memory from which kernels read their scalars.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_UNIFORM_RING_H_
#define NODE_MLC_DEVICE_VULKAN_UNIFORM_RING_H_

#include <array>

#include "device/vulkan/command_ring.h"

namespace node_mlc::vulkan {

/*! \brief Each command buffer of the ring has its share, used again when it is recorded anew. Not
 * thread safe. */
class UniformRing {
 public:
  UniformRing(const LogicalDevice& device, CommandRing& commands);

  VkBuffer buffer() const { return buffer_.buffer; }

  /*!
   * \brief Copies scalars for a launch that is recorded next, and returns their offset. Submits
   * where the open command buffer's share is full: call it before the launch's other commands.
   */
  uint64_t Add(const void* scalars, uint64_t size);

 private:
  struct Slot {
    Serial serial = 0;
    uint64_t used = 0;
  };

  static constexpr uint64_t kShare = uint64_t{256} << 10;

  CommandRing& commands_;
  const uint64_t alignment_;
  const BoundBuffer buffer_;
  std::array<Slot, CommandRing::kSlots> slots_;
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_UNIFORM_RING_H_
