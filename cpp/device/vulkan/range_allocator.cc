/*!
 * \file device/vulkan/range_allocator.cc
 */
#include "device/vulkan/range_allocator.h"

#include <algorithm>
#include <iterator>

namespace node_mlc::vulkan {

RangeAllocator::RangeAllocator(uint64_t capacity, uint64_t granularity)
    : capacity_(capacity / granularity * granularity), granularity_(granularity) {
  if (capacity_ > 0) Insert(0, capacity_);
}

uint64_t RangeAllocator::Rounded(uint64_t size) const {
  const uint64_t at_least_one = std::max<uint64_t>(size, 1);
  return (at_least_one + granularity_ - 1) & ~(granularity_ - 1);
}

std::optional<uint64_t> RangeAllocator::Allocate(uint64_t size) {
  // Also keeps Rounded() from overflowing.
  if (size > capacity_) return std::nullopt;
  const uint64_t needed = Rounded(size);
  const auto smallest = by_size_.lower_bound({needed, 0});
  if (smallest == by_size_.end()) return std::nullopt;
  const auto [found, offset] = *smallest;
  Erase(by_offset_.find(offset));
  if (found > needed) Insert(offset + needed, found - needed);
  return offset;
}

void RangeAllocator::Free(uint64_t offset, uint64_t size) {
  uint64_t begin = offset;
  uint64_t end = offset + Rounded(size);
  const auto next = by_offset_.lower_bound(begin);
  if (next != by_offset_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == begin) {
      begin = before->first;
      Erase(before);
    }
  }
  const auto after = by_offset_.find(end);
  if (after != by_offset_.end()) {
    end += after->second;
    Erase(after);
  }
  Insert(begin, end - begin);
}

void RangeAllocator::Insert(uint64_t offset, uint64_t size) {
  by_offset_.emplace(offset, size);
  by_size_.emplace(size, offset);
  free_bytes_ += size;
}

void RangeAllocator::Erase(std::map<uint64_t, uint64_t>::iterator range) {
  free_bytes_ -= range->second;
  by_size_.erase({range->second, range->first});
  by_offset_.erase(range);
}

uint64_t NextBlockSize(uint64_t request, size_t blocks, uint64_t limit) {
  constexpr uint64_t kFirst = uint64_t{16} << 20;
  constexpr size_t kDoublings = 4;
  const uint64_t size = std::min(kFirst << std::min(blocks, kDoublings), limit);
  return request > size / 2 ? request : size;
}

}  // namespace node_mlc::vulkan
