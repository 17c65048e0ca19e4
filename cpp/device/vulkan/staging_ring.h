/*!
 * \file device/vulkan/staging_ring.h
 * \brief Memory of the host through which uploads reach the device.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_STAGING_RING_H_
#define NODE_MLC_DEVICE_VULKAN_STAGING_RING_H_

#include "device/vulkan/command_ring.h"
#include "device/vulkan/ring_space.h"

namespace node_mlc::vulkan {

/*! \brief A part of the ring that the host fills before the commands are submitted. */
struct StagedBytes {
  VkBuffer buffer;
  uint64_t offset;
  void* data;
};

/*! \brief Allocated when first used. Not thread safe. */
class StagingRing {
 public:
  static constexpr uint64_t kCapacity = uint64_t{32} << 20;
  /*! \brief The most that one call of Stage() gives: the device copies one part while the next is
   * filled. */
  static constexpr uint64_t kLargestPart = kCapacity / 4;

  StagingRing(const LogicalDevice& device, CommandRing& commands)
      : device_(device), commands_(commands), space_(kCapacity) {}

  /*! \brief Bytes for the commands that are being recorded; submits and waits where the ring is
   * full. */
  StagedBytes Stage(uint64_t size);

 private:
  const LogicalDevice& device_;
  CommandRing& commands_;
  RingSpace space_;
  BoundBuffer buffer_;
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_STAGING_RING_H_
