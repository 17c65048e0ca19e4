/*!
 * \file device/vulkan/memory_pool.cc
 */
#include "device/vulkan/memory_pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace node_mlc::vulkan {

namespace {

// At least the alignment of tensors on any device; Vulkan allows bindings at most 256.
constexpr uint64_t kLeastGranularity = 256;

}  // namespace

MemoryPool::MemoryPool(const LogicalDevice& device)
    : device_(device),
      granularity_(std::max<uint64_t>(
          kLeastGranularity, device.properties().limits.minStorageBufferOffsetAlignment)) {}

Buffer* MemoryPool::Allocate(uint64_t size, VkResult* result) {
  for (const auto& block : blocks_) {
    if (const auto offset = block->ranges.Allocate(size)) {
      return new Buffer{block.get(), *offset, size};
    }
  }
  MemoryBlock* block = AddBlock(size, result);
  if (block == nullptr) return nullptr;
  return new Buffer{block, *block->ranges.Allocate(size), size};
}

std::unique_ptr<MemoryBlock> MemoryPool::Free(Buffer* buffer) {
  MemoryBlock* block = buffer->block;
  block->ranges.Free(buffer->offset, buffer->size);
  delete buffer;
  if (!block->ranges.empty()) return nullptr;
  // One empty block stays: a tensor that comes and goes must not take memory from the driver each
  // time.
  const auto empty = std::count_if(blocks_.begin(), blocks_.end(),
                                   [](const auto& other) { return other->ranges.empty(); });
  if (empty < 2) return nullptr;
  const auto found = std::find_if(blocks_.begin(), blocks_.end(),
                                  [&](const auto& other) { return other.get() == block; });
  std::unique_ptr<MemoryBlock> unused = std::move(*found);
  blocks_.erase(found);
  return unused;
}

std::vector<std::unique_ptr<MemoryBlock>> MemoryPool::TakeEmpty() {
  const auto first = std::stable_partition(
      blocks_.begin(), blocks_.end(), [](const auto& block) { return !block->ranges.empty(); });
  std::vector<std::unique_ptr<MemoryBlock>> empty(std::make_move_iterator(first),
                                                  std::make_move_iterator(blocks_.end()));
  blocks_.erase(first, blocks_.end());
  return empty;
}

uint64_t MemoryPool::reserved_bytes() const {
  uint64_t total = 0;
  for (const auto& block : blocks_) total += block->ranges.capacity();
  return total;
}

MemoryBlock* MemoryPool::AddBlock(uint64_t request, VkResult* result) {
  const uint64_t needed = (std::max<uint64_t>(request, 1) + granularity_ - 1) & ~(granularity_ - 1);
  uint64_t size = NextBlockSize(needed, blocks_.size(), device_.properties().max_allocation);
  std::optional<BoundBuffer> bound = CreateBlock(size, result);
  if (!bound.has_value() && size != needed && *result != VK_ERROR_DEVICE_LOST) {
    size = needed;
    bound = CreateBlock(size, result);
  }
  if (!bound.has_value()) return nullptr;
  blocks_.push_back(std::make_unique<MemoryBlock>(*bound, size, granularity_));
  return blocks_.back().get();
}

std::optional<BoundBuffer> MemoryPool::CreateBlock(uint64_t size, VkResult* result) const {
  constexpr VkBufferUsageFlags kUsage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                        VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                        VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  auto made = device_.CreateBuffer(size, kUsage, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0, result);
  // A processor's own GPU calls a part of the memory its own, but can use all of it.
  const bool shares = device_.properties().type == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
  if (!made.has_value() && shares) made = device_.CreateBuffer(size, kUsage, 0, 0, result);
  return made;
}

}  // namespace node_mlc::vulkan
