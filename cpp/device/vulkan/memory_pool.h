/*!
 * \file device/vulkan/memory_pool.h
 * \brief Memory of tensors: ranges of a few large blocks.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_MEMORY_POOL_H_
#define NODE_MLC_DEVICE_VULKAN_MEMORY_POOL_H_

#include <memory>
#include <optional>
#include <vector>

#include "device/vulkan/logical_device.h"
#include "device/vulkan/range_allocator.h"

namespace node_mlc::vulkan {

/*! \brief A block of device memory, with one VkBuffer over all of it. */
struct MemoryBlock {
  MemoryBlock(const BoundBuffer& bound, uint64_t size, uint64_t granularity)
      : bound(bound), ranges(size, granularity) {}

  const BoundBuffer bound;
  RangeAllocator ranges;
};

/*! \brief What the data pointer of a tensor on a Vulkan device points to. */
struct Buffer {
  MemoryBlock* block;
  uint64_t offset;
  /*! \brief As asked for; the range is larger by less than the granularity. */
  uint64_t size;

  VkBuffer handle() const { return block->bound.buffer; }
};

/*! \brief Not thread safe: the device locks. */
class MemoryPool {
 public:
  explicit MemoryPool(const LogicalDevice& device);

  /*! \brief `size` bytes; nothing where the device's memory is full, and why. */
  Buffer* Allocate(uint64_t size, VkResult* result);

  /*!
   * \brief Gives a range back; later commands may use it at once, since commands run in order. A
   * block that is empty now may be left over: the caller destroys it when its commands are done.
   */
  std::unique_ptr<MemoryBlock> Free(Buffer* buffer);

  /*! \brief Takes the empty blocks out; the caller destroys them when their commands are done. */
  std::vector<std::unique_ptr<MemoryBlock>> TakeEmpty();

  /*! \brief Bytes of all blocks. */
  uint64_t reserved_bytes() const;

 private:
  MemoryBlock* AddBlock(uint64_t request, VkResult* result);
  std::optional<BoundBuffer> CreateBlock(uint64_t size, VkResult* result) const;

  const LogicalDevice& device_;
  const uint64_t granularity_;
  std::vector<std::unique_ptr<MemoryBlock>> blocks_;
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_MEMORY_POOL_H_
