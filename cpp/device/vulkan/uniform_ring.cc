/*!
 * \file device/vulkan/uniform_ring.cc
 */
#include "device/vulkan/uniform_ring.h"

#include <algorithm>
#include <cstring>

namespace node_mlc::vulkan {

UniformRing::UniformRing(const LogicalDevice& device, CommandRing& commands)
    : commands_(commands),
      alignment_(
          std::max<uint64_t>(64, device.properties().limits.minUniformBufferOffsetAlignment)),
      buffer_(device.CreateHostBuffer(kShare * CommandRing::kSlots,
                                      VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT,
                                      VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                                      // Each kernel reads a few bytes: they should be near.
                                      VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT)) {}

uint64_t UniformRing::Add(const void* scalars, uint64_t size) {
  const uint64_t rounded = (size + alignment_ - 1) / alignment_ * alignment_;
  commands_.Open();
  if (slots_[commands_.slot()].serial == commands_.open_serial() &&
      slots_[commands_.slot()].used + rounded > kShare) {
    commands_.Submit();
    commands_.Open();
  }
  Slot& slot = slots_[commands_.slot()];
  if (slot.serial != commands_.open_serial()) slot = {commands_.open_serial(), 0};
  const uint64_t offset = commands_.slot() * kShare + slot.used;
  std::memcpy(static_cast<char*>(buffer_.data) + offset, scalars, size);
  slot.used += rounded;
  return offset;
}

}  // namespace node_mlc::vulkan
