/*!
 * \file device/vulkan/staging_ring.h
 * \brief Memory of the host through which uploads reach the device.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_STAGING_RING_H_
#define NODE_MLC_DEVICE_VULKAN_STAGING_RING_H_

#include <deque>
#include <optional>
#include <utility>

#include "device/vulkan/command_ring.h"

namespace node_mlc::vulkan {

/*! \brief A ring of bytes: each is used again when the commands that read it are done. Knows
 * nothing of a device. */
class RingSpace {
 public:
  explicit RingSpace(uint64_t capacity) : capacity_(capacity) {}

  /*! \brief Offset of `size` bytes in one piece; nothing where commands not yet done use them. */
  std::optional<uint64_t> Take(uint64_t size, Serial user);

  /*! \brief Frees what users up to the serial have taken. */
  void Release(Serial completed);

  /*! \brief The oldest user whose bytes are still taken; 0 without one. */
  Serial oldest() const { return taken_.empty() ? 0 : taken_.front().first; }

 private:
  const uint64_t capacity_;
  // Positions only grow; the offset is the remainder by the capacity.
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  std::deque<std::pair<Serial, uint64_t>> taken_;  // user, end of what it took
};

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
