/*!
 * \file device/vulkan/staging_ring.cc
 */
#include "device/vulkan/staging_ring.h"

namespace node_mlc::vulkan {

std::optional<uint64_t> RingSpace::Take(uint64_t size, Serial user) {
  // Offsets of copies are best aligned.
  constexpr uint64_t kAlignment = 64;
  uint64_t begin = (end_ + kAlignment - 1) & ~(kAlignment - 1);
  if (begin % capacity_ + size > capacity_) begin += capacity_ - begin % capacity_;
  if (begin + size - begin_ > capacity_) return std::nullopt;
  end_ = begin + size;
  taken_.emplace_back(user, end_);
  return begin % capacity_;
}

void RingSpace::Release(Serial completed) {
  while (!taken_.empty() && taken_.front().first <= completed) {
    begin_ = taken_.front().second;
    taken_.pop_front();
  }
  // Nothing is in use: start at the front, so that a large part fits in one piece.
  if (taken_.empty()) begin_ = end_ = 0;
}

StagedBytes StagingRing::Stage(uint64_t size) {
  if (buffer_.buffer == nullptr) {
    buffer_ = device_.CreateHostBuffer(kCapacity, VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                                       VK_MEMORY_PROPERTY_HOST_COHERENT_BIT, 0);
  }
  space_.Release(commands_.completed());
  std::optional<uint64_t> offset = space_.Take(size, commands_.open_serial());
  while (!offset.has_value()) {
    if (space_.oldest() == commands_.open_serial()) commands_.Submit();
    commands_.WaitFor(space_.oldest());
    space_.Release(commands_.completed());
    offset = space_.Take(size, commands_.open_serial());
  }
  return {buffer_.buffer, *offset, static_cast<char*>(buffer_.data) + *offset};
}

}  // namespace node_mlc::vulkan
