/*!
 * \file device/vulkan/ring_space.cc
 */
#include "device/vulkan/ring_space.h"

namespace node_mlc::vulkan {

std::optional<uint64_t> RingSpace::Take(uint64_t size, Serial user) {
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

}  // namespace node_mlc::vulkan
