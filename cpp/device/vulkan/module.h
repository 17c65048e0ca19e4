/*!
 * \file device/vulkan/module.h
 * \brief The Vulkan part of a compiled model: SPIR-V and what its kernels take.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_MODULE_H_
#define NODE_MLC_DEVICE_VULKAN_MODULE_H_

#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "device/vulkan/device.h"
#include "device/vulkan/pipeline.h"
#include "runtime/metadata.h"

namespace node_mlc::vulkan {

using FunctionInfos = tvm::ffi::Map<tvm::ffi::String, tvm::runtime::FunctionInfo>;
using KernelCodes = tvm::ffi::Map<tvm::ffi::String, tvm::ffi::Bytes>;
/*! \brief By format ("wgsl"), the text of all kernels. */
using KernelSources = tvm::ffi::Map<tvm::ffi::String, tvm::ffi::String>;

/*!
 * \brief A TVM module of kind "webgpu".
 *
 * Serialised: the map of FunctionInfo, the map of codes, as TVM writes WGSL; here the codes are
 * SPIR-V. A kernel is built for a device when it first runs there. Thread safe.
 */
class VulkanModule final : public tvm::ffi::ModuleObj {
 public:
  VulkanModule(FunctionInfos functions, KernelCodes codes, KernelSources sources)
      : functions_(std::move(functions)), codes_(std::move(codes)), sources_(std::move(sources)) {}
  ~VulkanModule();

  /*! \brief What code generation calls: converts WGSL to SPIR-V; throws as CompileWgsl(). */
  static tvm::ffi::Module Create(const KernelCodes& wgsl, const tvm::ffi::String& format,
                                 const FunctionInfos& functions, const KernelSources& sources);
  /*! \brief Reads what SaveToBytes() has written; WGSL that TVM has written is converted. */
  static tvm::ffi::Module Load(const tvm::ffi::Bytes& bytes);

  const char* kind() const final { return "webgpu"; }
  int GetPropertyMask() const final {
    return tvm::ffi::Module::kBinarySerializable | tvm::ffi::Module::kRunnable;
  }
  tvm::ffi::Optional<tvm::ffi::Function> GetFunction(const tvm::ffi::String& name) final;
  bool ImplementsFunction(const tvm::ffi::String& name) final {
    return functions_.count(name) != 0;
  }
  tvm::ffi::Bytes SaveToBytes() const final;
  /*! \brief WGSL of all kernels; empty after Load(). */
  tvm::ffi::String InspectSource(const tvm::ffi::String& format) const final;

  /*! \brief The pipeline of a kernel, built for the device if it is not yet. */
  const Pipeline& PipelineFor(Device& device, const std::string& name, uint32_t buffers);

 private:
  const FunctionInfos functions_;
  const KernelCodes codes_;
  const KernelSources sources_;
  std::mutex mutex_;
  // Pipelines do not move: launchers point to them.
  std::map<std::pair<Device*, std::string>, Pipeline> pipelines_;
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_MODULE_H_
