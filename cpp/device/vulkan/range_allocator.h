/*!
 * \file device/vulkan/range_allocator.h
 * \brief Ranges of one block of device memory. Knows nothing of a device.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_RANGE_ALLOCATOR_H_
#define NODE_MLC_DEVICE_VULKAN_RANGE_ALLOCATOR_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace node_mlc::vulkan {

/*!
 * \brief Hands out ranges of [0, capacity): the smallest free one that is large enough, the lowest
 * of equals. Neighbouring free ranges are one. Not thread safe.
 */
class RangeAllocator {
 public:
  /*! \brief Offsets and sizes of ranges are multiples of it, which is a power of two. */
  RangeAllocator(uint64_t capacity, uint64_t granularity);

  /*! \brief Offset of a range of at least `size` bytes; nothing where none is free. */
  std::optional<uint64_t> Allocate(uint64_t size);

  /*! \brief Gives back what Allocate(size) has returned. */
  void Free(uint64_t offset, uint64_t size);

  uint64_t capacity() const { return capacity_; }
  uint64_t free_bytes() const { return free_bytes_; }
  bool empty() const { return free_bytes_ == capacity_; }

  /*! \brief `size` rounded up to a multiple of the granularity, which is never 0. */
  uint64_t Rounded(uint64_t size) const;

 private:
  void Insert(uint64_t offset, uint64_t size);
  void Erase(std::map<uint64_t, uint64_t>::iterator range);

  const uint64_t capacity_;
  const uint64_t granularity_;
  uint64_t free_bytes_ = 0;
  std::map<uint64_t, uint64_t> by_offset_;           // offset, size
  std::set<std::pair<uint64_t, uint64_t>> by_size_;  // size, offset
};

/*!
 * \brief Size of the next block of device memory: blocks double, so that a small model takes little
 * and a large one few allocations (drivers allow 4096), and one that would be filled to more than
 * half by one request is of its size.
 * \param request Rounded up to the granularity.
 * \param blocks Blocks that are there already.
 * \param limit The largest allocation of the device.
 */
uint64_t NextBlockSize(uint64_t request, size_t blocks, uint64_t limit);

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_RANGE_ALLOCATOR_H_
