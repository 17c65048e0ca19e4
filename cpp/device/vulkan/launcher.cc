/*!
 * \file device/vulkan/launcher.cc
 */
#include "device/vulkan/launcher.h"

#include <tvm/ffi/cast.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "device/device_error.h"
#include "device/vulkan/device_api.h"
#include "device/vulkan/folded_groups.h"

namespace node_mlc::vulkan {

namespace ffi = tvm::ffi;
using tvm::runtime::FunctionInfo;

namespace {

/*! \brief "paramWriteAccess:[1,0,0]": the generator's note of the parameters that a kernel writes.
 */
constexpr std::string_view kWriteAccess = "paramWriteAccess:";

/*! \brief Reads the note; without one each buffer counts as written. */
std::vector<bool> WrittenBuffers(const FunctionInfo& info, size_t buffers) {
  std::vector<bool> written(buffers, true);
  for (const ffi::String& each : info->launch_param_tags) {
    const std::string tag = each;
    if (tag.compare(0, kWriteAccess.size(), kWriteAccess) != 0) continue;
    size_t next = 0;
    for (const char flag : tag.substr(kWriteAccess.size())) {
      if (next < buffers && (flag == '0' || flag == '1')) written[next++] = flag == '1';
    }
  }
  return written;
}

/*! \brief The tags that say which argument is which size of the launch. */
ffi::Array<ffi::String> LaunchTags(const FunctionInfo& info) {
  ffi::Array<ffi::String> tags;
  for (const ffi::String& each : info->launch_param_tags) {
    const std::string tag = each;
    if (tag.compare(0, kWriteAccess.size(), kWriteAccess) != 0) tags.push_back(each);
  }
  return tags;
}

void CheckScalars(const FunctionInfo& info, size_t buffers) {
  for (size_t i = buffers; i < info->arg_types.size(); ++i) {
    const DLDataType type = info->arg_types[i];
    if (type.bits == 32) continue;
    ThrowDeviceError(kDeviceFailure, "Expected scalars of 32 bits for the kernel " +
                                         std::string(info->name) + " but parameter " +
                                         std::to_string(i) + " has " + std::to_string(type.bits) +
                                         ": compile the model again.");
  }
}

}  // namespace

Launcher::Launcher(ffi::Module module, VulkanModule* self, const FunctionInfo& info)
    : module_(std::move(module)),
      self_(self),
      name_(info->name),
      pipelines_(std::make_shared<Pipelines>(AllDevices().size())) {
  const size_t buffers = tvm::runtime::NumBufferArgs(info->arg_types);
  CheckScalars(info, buffers);
  written_ = WrittenBuffers(info, buffers);
  scalars_ = info->arg_types.size() - buffers;
  launch_.Init(info->arg_types.size(), LaunchTags(info));
}

const Pipeline& Launcher::PipelineOn(Device& device) const {
  std::atomic<const Pipeline*>& known = (*pipelines_)[device.index()];
  const Pipeline* pipeline = known.load(std::memory_order_acquire);
  if (pipeline == nullptr) {
    pipeline = &self_->PipelineFor(device, name_, static_cast<uint32_t>(written_.size()));
    known.store(pipeline, std::memory_order_release);
  }
  return *pipeline;
}

void Launcher::SetGroups(const tvm::runtime::ThreadWorkLoad& load, Launch* launch) const {
  const uint64_t x = load.grid_dim(0);
  if (load.grid_dim(1) > kMostGroups || load.grid_dim(2) != 1 ||
      x > uint64_t{kMostGroups} * kMostGroups) {
    ThrowDeviceError(kDeviceFailure,
                     "Expected at most 65535 x 65535 groups along x, 65535 along y "
                     "and 1 along z for the kernel " +
                         name_ + " but received " + std::to_string(x) + ", " +
                         std::to_string(load.grid_dim(1)) + " and " +
                         std::to_string(load.grid_dim(2)) + ".");
  }
  const FoldedGroups folded = FoldGroups(x);
  launch->groups[0] = folded.x;
  launch->groups[1] = static_cast<uint32_t>(load.grid_dim(1));
  launch->groups[2] = folded.z;
  launch->scalars.push_back(static_cast<uint32_t>(x - 1));
}

void Launcher::operator()(ffi::PackedArgs args, ffi::Any*,
                          tvm::runtime::ArgUnion64* scalars) const {
  Device& device = CurrentDevice();
  const Pipeline& pipeline = PipelineOn(device);
  Launch launch;
  launch.buffers.reserve(written_.size());
  for (size_t i = 0; i < written_.size(); ++i) {
    const auto* buffer = static_cast<const Buffer*>(args[static_cast<int>(i)].cast<void*>());
    if (buffer == nullptr) {
      ThrowDeviceError(kDeviceFailure, "Expected device memory as argument " + std::to_string(i) +
                                           " of the kernel " + name_ + " but received none.");
    }
    launch.buffers.push_back({buffer, written_[i]});
  }
  launch.scalars.reserve(scalars_ + 1);
  for (size_t i = 0; i < scalars_; ++i) launch.scalars.push_back(scalars[i].v_uint32[0]);
  SetGroups(launch_.Extract(args), &launch);
  device.Run(pipeline, launch);
}

}  // namespace node_mlc::vulkan
