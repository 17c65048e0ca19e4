/*!
 * \file device/vulkan/module.cc
 */
#include "device/vulkan/module.h"

#include <tvm/ffi/cast.h>

#include "device/byte_stream.h"
#include "device/device_error.h"
#include "device/vulkan/launcher.h"
#include "device/vulkan/shader.h"
#include "device/vulkan/wgsl_compiler.h"

namespace node_mlc::vulkan {

namespace ffi = tvm::ffi;

namespace {

std::string TextOf(const ffi::Bytes& bytes) { return std::string(bytes.data(), bytes.size()); }

/*! \brief SPIR-V as it is, WGSL converted. */
KernelCodes ToSpirv(const KernelCodes& codes) {
  KernelCodes result;
  for (const auto& [name, bytes] : codes) {
    const std::string code = TextOf(bytes);
    result.Set(name, IsSpirv(code) ? bytes : ffi::Bytes(CompileWgsl(name, code)));
  }
  return result;
}

}  // namespace

VulkanModule::~VulkanModule() {
  for (const auto& [key, pipeline] : pipelines_) key.first->Destroy(pipeline);
}

ffi::Module VulkanModule::Create(const KernelCodes& wgsl, const ffi::String&,
                                 const FunctionInfos& functions, const KernelSources& sources) {
  return ffi::Module(ffi::make_object<VulkanModule>(functions, ToSpirv(wgsl), sources));
}

ffi::Module VulkanModule::Load(const ffi::Bytes& bytes) {
  ByteReader reader(std::string_view(bytes.data(), bytes.size()));
  FunctionInfos functions;
  KernelCodes codes;
  if (!reader.Read(&functions) || !reader.Read(&codes)) {
    ThrowDeviceError(kDeviceFailure,
                     "Expected a Vulkan module of " + std::to_string(bytes.size()) +
                         " bytes but it ends too early: the compiled library is damaged.");
  }
  return ffi::Module(ffi::make_object<VulkanModule>(functions, ToSpirv(codes), KernelSources()));
}

ffi::Bytes VulkanModule::SaveToBytes() const {
  ByteWriter writer;
  writer.Write(functions_);
  writer.Write(codes_);
  return ffi::Bytes(writer.Take());
}

ffi::String VulkanModule::InspectSource(const ffi::String&) const {
  std::string all;
  for (const auto& [format, source] : sources_) all += source;
  return all;
}

ffi::Optional<ffi::Function> VulkanModule::GetFunction(const ffi::String& name) {
  const auto info = functions_.Get(name);
  if (!info.has_value()) return std::nullopt;
  return tvm::runtime::PackFuncNonBufferArg(Launcher(ffi::GetRef<ffi::Module>(this), this, *info),
                                            (*info)->arg_types);
}

const Pipeline& VulkanModule::PipelineFor(Device& device, const std::string& name,
                                          uint32_t buffers) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto key = std::make_pair(&device, name);
  const auto known = pipelines_.find(key);
  if (known != pipelines_.end()) return known->second;
  const auto code = codes_.Get(name);
  if (!code.has_value()) {
    ThrowDeviceError(kDeviceFailure, "Expected code for the kernel " + name +
                                         " but there is none: the compiled library is damaged.");
  }
  const Pipeline pipeline = device.Build(name, TextOf(*code), buffers);
  return pipelines_.emplace(key, pipeline).first->second;
}

}  // namespace node_mlc::vulkan
