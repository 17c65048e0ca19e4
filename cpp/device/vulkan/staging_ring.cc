/*!
 * \file device/vulkan/staging_ring.cc
 */
#include "device/vulkan/staging_ring.h"

#include <optional>

namespace node_mlc::vulkan {

StagedBytes StagingRing::Stage(uint64_t size) {
  if (buffer_.buffer == nullptr) {
    buffer_ = device_.CreateHostBuffer(kCapacity, VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                                       VK_MEMORY_PROPERTY_HOST_COHERENT_BIT, 0);
  }
  commands_.Open();
  space_.Release(commands_.completed());
  std::optional<uint64_t> offset = space_.Take(size, commands_.open_serial());
  while (!offset.has_value()) {
    const Serial oldest = space_.oldest();
    if (oldest == commands_.open_serial()) commands_.Submit();
    commands_.WaitFor(oldest);
    commands_.Open();
    space_.Release(commands_.completed());
    offset = space_.Take(size, commands_.open_serial());
  }
  return {buffer_.buffer, *offset, static_cast<char*>(buffer_.data) + *offset};
}

}  // namespace node_mlc::vulkan
