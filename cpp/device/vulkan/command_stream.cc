/*!
 * \file device/vulkan/command_stream.cc
 */
#include "device/vulkan/command_stream.h"

#include <algorithm>
#include <cstring>

#include "device/vulkan/vulkan_error.h"

namespace node_mlc::vulkan {

namespace {

// A device that has nothing to do should begin soon; one that has should not be asked often.
constexpr unsigned kFirstBatch = 16;
constexpr unsigned kBatch = 64;
/*! \brief What vkCmdUpdateBuffer takes at most. */
constexpr uint64_t kLargestUpdate = 65536;
constexpr uint64_t kReadback = uint64_t{8} << 20;

constexpr VkPipelineStageFlags kStages =
    VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
constexpr VkAccessFlags kWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
constexpr VkAccessFlags kReads = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT;

MemoryAccess AccessOf(const BufferRange& range, uint64_t size, bool writes) {
  return {range.buffer->block, range.begin(), range.begin() + size, writes};
}

}  // namespace

CommandStream::CommandStream(const LogicalDevice& device)
    : device_(device),
      commands_(device),
      uniforms_(device, commands_),
      staging_(device, commands_),
      descriptors_(device, commands_) {}

void CommandStream::Order(const std::vector<MemoryAccess>& accesses) {
  const VkCommandBuffer commands = commands_.Open();
  if (!hazards_.Add(accesses)) return;
  VkMemoryBarrier barrier;
  barrier.srcAccessMask = kWrites;
  barrier.dstAccessMask = kReads | kWrites;
  device_.functions().CmdPipelineBarrier(commands, kStages, kStages, 0, 1, &barrier, 0, nullptr, 0,
                                         nullptr);
}

void CommandStream::CountCommand() {
  if (batch_ != commands_.open_serial()) {
    batch_ = commands_.open_serial();
    recorded_ = 0;
  }
  if (++recorded_ >= (commands_.idle() ? kFirstBatch : kBatch)) commands_.Submit();
}

void CommandStream::Run(const Pipeline& pipeline, const Launch& launch) {
  const uint64_t uniforms =
      uniforms_.Add(launch.scalars.data(), launch.scalars.size() * sizeof(uint32_t));
  std::vector<MemoryAccess> accesses;
  accesses.reserve(launch.buffers.size());
  for (const BufferArgument& argument : launch.buffers) {
    accesses.push_back(AccessOf({argument.buffer, 0}, argument.buffer->size, argument.written));
  }
  Order(accesses);
  Bind(pipeline, launch, uniforms);
  const DeviceFunctions& vk = device_.functions();
  vk.CmdDispatch(commands_.Open(), launch.groups[0], launch.groups[1], launch.groups[2]);
  CountCommand();
}

void CommandStream::Bind(const Pipeline& pipeline, const Launch& launch, uint64_t uniforms) {
  const size_t count = launch.buffers.size() + 1;
  std::vector<VkDescriptorBufferInfo> infos(count);
  std::vector<VkWriteDescriptorSet> writes(count);
  for (size_t i = 0; i < launch.buffers.size(); ++i) {
    const Buffer& buffer = *launch.buffers[i].buffer;
    // Kernels read whole words.
    infos[i] = {buffer.handle(), buffer.offset, std::max<uint64_t>(4, (buffer.size + 3) & ~3ull)};
  }
  infos.back() = {uniforms_.buffer(), uniforms, launch.scalars.size() * sizeof(uint32_t)};
  for (size_t i = 0; i < count; ++i) {
    writes[i].dstBinding = static_cast<uint32_t>(i);
    writes[i].descriptorCount = 1;
    writes[i].descriptorType =
        i + 1 < count ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER : VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
    writes[i].pBufferInfo = &infos[i];
  }
  const DeviceFunctions& vk = device_.functions();
  const VkCommandBuffer commands = commands_.Open();
  const auto written = static_cast<uint32_t>(count);
  vk.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle);
  if (pipeline.pushes) {
    vk.CmdPushDescriptorSetKHR(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout, 0,
                               written, writes.data());
    return;
  }
  const VkDescriptorSet set = descriptors_.Allocate(pipeline);
  for (VkWriteDescriptorSet& write : writes) write.dstSet = set;
  vk.UpdateDescriptorSets(device_.handle(), written, writes.data(), 0, nullptr);
  vk.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout, 0, 1, &set, 0,
                           nullptr);
}

void CommandStream::Copy(const BufferRange& from, const BufferRange& to, uint64_t size) {
  Order({AccessOf(from, size, false), AccessOf(to, size, true)});
  const VkBufferCopy region{from.begin(), to.begin(), size};
  device_.functions().CmdCopyBuffer(commands_.Open(), from.buffer->handle(), to.buffer->handle(), 1,
                                    &region);
  CountCommand();
}

void CommandStream::Upload(const void* from, const BufferRange& to, uint64_t size) {
  if (size <= kLargestUpdate && size % 4 == 0 && to.begin() % 4 == 0) {
    Order({AccessOf(to, size, true)});
    device_.functions().CmdUpdateBuffer(commands_.Open(), to.buffer->handle(), to.begin(), size,
                                        from);
    return CountCommand();
  }
  const auto* bytes = static_cast<const char*>(from);
  for (uint64_t done = 0; done < size; done += StagingRing::kLargestPart) {
    UploadPart(bytes + done, {to.buffer, to.offset + done},
               std::min(size - done, StagingRing::kLargestPart));
  }
}

void CommandStream::UploadPart(const char* from, const BufferRange& to, uint64_t size) {
  const StagedBytes staged = staging_.Stage(size);
  std::memcpy(staged.data, from, size);
  Order({AccessOf(to, size, true)});
  const VkBufferCopy region{staged.offset, to.begin(), size};
  device_.functions().CmdCopyBuffer(commands_.Open(), staged.buffer, to.buffer->handle(), 1,
                                    &region);
  // A large part begins at once, while the host fills the next one.
  if (size == StagingRing::kLargestPart) {
    commands_.Submit();
  } else {
    CountCommand();
  }
}

void CommandStream::Download(const BufferRange& from, void* to, uint64_t size) {
  auto* bytes = static_cast<char*>(to);
  for (uint64_t done = 0; done < size; done += kReadback) {
    DownloadPart({from.buffer, from.offset + done}, bytes + done, std::min(size - done, kReadback));
  }
}

void CommandStream::DownloadPart(const BufferRange& from, char* to, uint64_t size) {
  const DeviceFunctions& vk = device_.functions();
  if (readback_.buffer == nullptr) {
    readback_ = device_.CreateHostBuffer(kReadback, VK_BUFFER_USAGE_TRANSFER_DST_BIT, 0,
                                         VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
  }
  Order({AccessOf(from, size, false)});
  const VkCommandBuffer commands = commands_.Open();
  const VkBufferCopy region{from.begin(), 0, size};
  vk.CmdCopyBuffer(commands, from.buffer->handle(), readback_.buffer, 1, &region);
  VkMemoryBarrier barrier;
  barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                        &barrier, 0, nullptr, 0, nullptr);
  commands_.Finish();
  if (!readback_.coherent) {
    VkMappedMemoryRange range;
    range.memory = readback_.memory;
    range.size = kWholeSize;
    CheckResult(vk.InvalidateMappedMemoryRanges(device_.handle(), 1, &range), "read memory");
  }
  std::memcpy(to, readback_.data, size);
}

}  // namespace node_mlc::vulkan
