/*!
 * \file device/vulkan/launcher.h
 * \brief Calls of a kernel as launches.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_LAUNCHER_H_
#define NODE_MLC_DEVICE_VULKAN_LAUNCHER_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "device/vulkan/module.h"
#include "runtime/pack_args.h"
#include "runtime/thread_storage_scope.h"

namespace node_mlc::vulkan {

/*!
 * \brief The function object of one kernel of a module: buffers first, then 32-bit scalars, then
 * the sizes of the launch.
 */
class Launcher {
 public:
  Launcher(tvm::ffi::Module module, VulkanModule* self, const tvm::runtime::FunctionInfo& info);

  /*! \brief Runs on the device that the calling thread has chosen. */
  void operator()(tvm::ffi::PackedArgs args, tvm::ffi::Any*,
                  tvm::runtime::ArgUnion64* scalars) const;

 private:
  /*! \brief By device; set when it first runs there. */
  using Pipelines = std::vector<std::atomic<const Pipeline*>>;

  const Pipeline& PipelineOn(Device& device) const;
  void SetGroups(const tvm::runtime::ThreadWorkLoad& load, Launch* launch) const;

  const tvm::ffi::Module module_;  // keeps `self_` alive
  VulkanModule* const self_;
  const std::string name_;
  // Shared, because the function that holds this object is copied.
  const std::shared_ptr<Pipelines> pipelines_;
  /*! \brief Of each buffer, whether the kernel writes to it. */
  std::vector<bool> written_;
  size_t scalars_ = 0;
  tvm::runtime::LaunchParamConfig launch_;
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_LAUNCHER_H_
