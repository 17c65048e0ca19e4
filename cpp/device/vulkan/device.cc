/*!
 * \file device/vulkan/device.cc
 */
#include "device/vulkan/device.h"

#include <algorithm>

#include "device/device_error.h"
#include "device/segv_action_guard.h"
#include "device/vulkan/vulkan_error.h"

namespace node_mlc::vulkan {

namespace {

std::string Megabytes(uint64_t bytes) { return std::to_string(bytes >> 20) + " MB"; }

void CheckRange(const BufferRange& range, uint64_t size) {
  const uint64_t available = range.buffer == nullptr ? 0 : range.buffer->size;
  if (range.offset <= available && size <= available - range.offset) return;
  ThrowDeviceError(kDeviceFailure, "Expected a copy within " + std::to_string(available) +
                                       " bytes of device memory but received " +
                                       std::to_string(size) + " bytes at offset " +
                                       std::to_string(range.offset) + ".");
}

}  // namespace

struct Device::Opened {
  Opened(VkPhysicalDevice device, const DeviceProperties& properties)
      : logical(device, properties), pool(logical), stream(logical) {}

  LogicalDevice logical;
  std::mutex mutex;  // for what follows
  MemoryPool pool;
  CommandStream stream;
};

Device::Opened& Device::Open() {
  std::call_once(opening_, [this] {
    const SegvActionGuard guard;
    opened_ = new Opened(physical_, properties_);
  });
  return *opened_;
}

void Device::CheckSize(uint64_t size) const {
  const uint64_t range = properties_.limits.maxStorageBufferRange;
  const uint64_t limit = std::min(properties_.max_allocation, range);
  if (size <= limit) return;
  ThrowDeviceError(kInsufficientMemory, "Expected an allocation of at most " + Megabytes(limit) +
                                            ", the limit of " + properties_.name +
                                            (limit == range ? " for one buffer of a kernel" : "") +
                                            ", but received " + Megabytes(size) +
                                            ". Use a shorter context or a smaller model.");
}

Buffer* Device::Allocate(uint64_t size) {
  CheckSize(size);
  Opened& opened = Open();
  const std::lock_guard<std::mutex> lock(opened.mutex);
  VkResult result = VK_SUCCESS;
  Buffer* buffer = opened.pool.Allocate(size, &result);
  if (buffer == nullptr && result != VK_ERROR_DEVICE_LOST) {
    // Blocks that commands still use are freed with them.
    opened.stream.Finish();
    for (const auto& empty : opened.pool.TakeEmpty()) opened.logical.Destroy(empty->bound);
    buffer = opened.pool.Allocate(size, &result);
  }
  if (buffer != nullptr) return buffer;
  ThrowDeviceError(ResultKind(result),
                   "Expected " + Megabytes(size) + " of memory on " + properties_.name +
                       ", besides " + Megabytes(opened.pool.reserved_bytes()) +
                       " in use, but received " + ResultText(result) +
                       ". Use a shorter context, a smaller model, or end what else uses it.");
}

void Device::Free(Buffer* buffer) noexcept {
  if (buffer == nullptr) return;
  // Open: the buffer came from here.
  const std::lock_guard<std::mutex> lock(opened_->mutex);
  // Shared, because a std::function is copied.
  const std::shared_ptr<MemoryBlock> unused = opened_->pool.Free(buffer);
  if (unused == nullptr) return;
  opened_->stream.Defer([this, unused] { opened_->logical.Destroy(unused->bound); });
}

void Device::Upload(const void* from, const BufferRange& to, uint64_t size) {
  CheckRange(to, size);
  Opened& opened = Open();
  const std::lock_guard<std::mutex> lock(opened.mutex);
  opened.stream.Upload(from, to, size);
}

void Device::Download(const BufferRange& from, void* to, uint64_t size) {
  CheckRange(from, size);
  Opened& opened = Open();
  const std::lock_guard<std::mutex> lock(opened.mutex);
  opened.stream.Download(from, to, size);
}

void Device::Copy(const BufferRange& from, const BufferRange& to, uint64_t size) {
  CheckRange(from, size);
  CheckRange(to, size);
  Opened& opened = Open();
  const std::lock_guard<std::mutex> lock(opened.mutex);
  opened.stream.Copy(from, to, size);
}

Pipeline Device::Build(const std::string& name, const std::string& spirv, uint32_t buffers) {
  return BuildPipeline(Open().logical, name, spirv, buffers);
}

void Device::Run(const Pipeline& pipeline, const Launch& launch) {
  Opened& opened = Open();
  const std::lock_guard<std::mutex> lock(opened.mutex);
  opened.stream.Run(pipeline, launch);
}

void Device::Destroy(const Pipeline& pipeline) noexcept {
  const std::lock_guard<std::mutex> lock(opened_->mutex);
  opened_->stream.Defer([this, pipeline] { DestroyPipeline(opened_->logical, pipeline); });
}

void Device::Finish() {
  Opened& opened = Open();
  const std::lock_guard<std::mutex> lock(opened.mutex);
  opened.stream.Finish();
}

int64_t Device::AvailableMemory() const {
  if (!properties_.memory_budget) return -1;
  VkPhysicalDeviceMemoryProperties2 memory;
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget;
  memory.pNext = &budget;
  GetInstance().functions.GetPhysicalDeviceMemoryProperties2(physical_, &memory);
  uint64_t available = 0;
  for (uint32_t i = 0; i < memory.memoryProperties.memoryHeapCount; ++i) {
    const VkFlags flags = memory.memoryProperties.memoryHeaps[i].flags;
    if ((flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) == 0) continue;
    if (budget.heapBudget[i] > budget.heapUsage[i]) {
      available += budget.heapBudget[i] - budget.heapUsage[i];
    }
  }
  return static_cast<int64_t>(available);
}

}  // namespace node_mlc::vulkan
