/*!
 * \file device/vulkan/command_stream.h
 * \brief Launches and copies in the order of the calls.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_COMMAND_STREAM_H_
#define NODE_MLC_DEVICE_VULKAN_COMMAND_STREAM_H_

#include <vector>

#include "device/vulkan/command_ring.h"
#include "device/vulkan/descriptor_pools.h"
#include "device/vulkan/hazard_tracker.h"
#include "device/vulkan/memory_pool.h"
#include "device/vulkan/pipeline.h"
#include "device/vulkan/staging_ring.h"
#include "device/vulkan/uniform_ring.h"

namespace node_mlc::vulkan {

/*! \brief A storage buffer of a launch. */
struct BufferArgument {
  const Buffer* buffer;
  bool written;
};

/*! \brief Bytes of a tensor's memory from `offset`. */
struct BufferRange {
  const Buffer* buffer;
  uint64_t offset;

  uint64_t begin() const { return buffer->offset + offset; }
};

/*! \brief One launch of a kernel. */
struct Launch {
  std::vector<BufferArgument> buffers;
  /*! \brief What the uniform buffer holds. */
  std::vector<uint32_t> scalars;
  uint32_t groups[3];
};

/*! \brief Not thread safe: the device locks. */
class CommandStream {
 public:
  explicit CommandStream(const LogicalDevice& device);

  void Run(const Pipeline& pipeline, const Launch& launch);
  void Copy(const BufferRange& from, const BufferRange& to, uint64_t size);
  /*! \brief Host memory may be reused when it returns. */
  void Upload(const void* from, const BufferRange& to, uint64_t size);
  /*! \brief Waits for everything recorded so far. */
  void Download(const BufferRange& from, void* to, uint64_t size);
  void Finish() { commands_.Finish(); }
  void Defer(std::function<void()> destroy) { commands_.Defer(std::move(destroy)); }

 private:
  void Order(const std::vector<MemoryAccess>& accesses);
  void Bind(const Pipeline& pipeline, const Launch& launch, uint64_t uniforms);
  void CountCommand();
  void UploadPart(const char* from, const BufferRange& to, uint64_t size);
  void DownloadPart(const BufferRange& from, char* to, uint64_t size);

  const LogicalDevice& device_;
  CommandRing commands_;
  UniformRing uniforms_;
  StagingRing staging_;
  DescriptorPools descriptors_;
  HazardTracker hazards_;
  BoundBuffer readback_;
  // Commands of the batch with this serial.
  unsigned recorded_ = 0;
  Serial batch_ = 0;
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_COMMAND_STREAM_H_
