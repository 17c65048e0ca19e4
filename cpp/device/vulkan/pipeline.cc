/*!
 * \file device/vulkan/pipeline.cc
 */
#include "device/vulkan/pipeline.h"

#include <memory>
#include <optional>
#include <vector>

#include "device/device_error.h"
#include "device/vulkan/pipeline_cache.h"
#include "device/vulkan/shader.h"
#include "device/vulkan/vulkan_error.h"

namespace node_mlc::vulkan {

namespace {

/*! \brief TVM's kernels for subgroups are written for this many threads in step. */
constexpr uint32_t kSubgroupSize = 32;

[[noreturn]] void Refuse(const DeviceProperties& device, const std::string& kernel,
                         const std::string& needs, const std::string& has) {
  ThrowDeviceError(kDeviceFailure, "Expected a device with " + needs + " for the kernel " + kernel +
                                       " but " + device.name + " has " + has +
                                       ". Use a model that was compiled for this device.");
}

void CheckLimits(const DeviceProperties& device, const std::string& kernel,
                 const ShaderNeeds& needs) {
  const VkPhysicalDeviceLimits& limits = device.limits;
  uint64_t threads = 1;
  for (int axis = 0; axis < 3; ++axis) {
    const uint32_t most = limits.maxComputeWorkGroupSize[axis];
    if (needs.threads[axis] > most) {
      Refuse(device, kernel, std::to_string(needs.threads[axis]) + " threads along one axis",
             std::to_string(most));
    }
    threads *= needs.threads[axis];
  }
  if (threads > limits.maxComputeWorkGroupInvocations) {
    Refuse(device, kernel, std::to_string(threads) + " threads in a group",
           std::to_string(limits.maxComputeWorkGroupInvocations));
  }
  if (needs.shared_memory > limits.maxComputeSharedMemorySize) {
    Refuse(device, kernel, std::to_string(needs.shared_memory) + " bytes of shared memory",
           std::to_string(limits.maxComputeSharedMemorySize));
  }
}

void CheckFeatures(const DeviceProperties& device, const std::string& kernel,
                   const ShaderNeeds& needs) {
  if (needs.float16 && !device.float16) Refuse(device, kernel, "16-bit floats", "none");
  if (needs.float64 && !device.float64) Refuse(device, kernel, "64-bit floats", "none");
  if (needs.int64 && !device.int64) Refuse(device, kernel, "64-bit integers", "none");
  if (needs.integer_dot_product && !device.integer_dot_product) {
    Refuse(device, kernel, "products of packed integers", "none");
  }
  const SubgroupSizes& sizes = device.subgroups;
  const bool fits = sizes.operations && sizes.least <= kSubgroupSize && kSubgroupSize <= sizes.most;
  if (needs.subgroups && !fits) {
    Refuse(device, kernel, "subgroups of " + std::to_string(kSubgroupSize),
           sizes.operations ? "subgroups of " + std::to_string(sizes.usual) : "none");
  }
}

void CheckBindings(const DeviceProperties& device, const std::string& kernel, uint32_t buffers) {
  const uint32_t most = device.limits.maxPerStageDescriptorStorageBuffers;
  if (buffers > most) {
    Refuse(device, kernel, std::to_string(buffers) + " buffers in a kernel", std::to_string(most));
  }
}

void CreateLayouts(const LogicalDevice& device, Pipeline* to) {
  std::vector<VkDescriptorSetLayoutBinding> bindings(to->buffers + 1);
  for (uint32_t i = 0; i <= to->buffers; ++i) {
    bindings[i].binding = i;
    bindings[i].descriptorType =
        i < to->buffers ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER : VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
    bindings[i].descriptorCount = 1;
    bindings[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
  }
  VkDescriptorSetLayoutCreateInfo set_info;
  if (to->pushes) set_info.flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR;
  set_info.bindingCount = static_cast<uint32_t>(bindings.size());
  set_info.pBindings = bindings.data();
  const DeviceFunctions& vk = device.functions();
  CheckResult(vk.CreateDescriptorSetLayout(device.handle(), &set_info, nullptr, &to->set_layout),
              "make the layout of a kernel's arguments");
  VkPipelineLayoutCreateInfo info;
  info.setLayoutCount = 1;
  info.pSetLayouts = &to->set_layout;
  CheckResult(vk.CreatePipelineLayout(device.handle(), &info, nullptr, &to->layout),
              "make the layout of a kernel");
}

/*! \brief The module of a shader while its pipeline is built. */
class ShaderModule {
 public:
  ShaderModule(const LogicalDevice& device, const std::string& spirv) : device_(device) {
    VkShaderModuleCreateInfo info;
    info.codeSize = spirv.size();
    // The memory of a string is aligned for any scalar.
    info.pCode = reinterpret_cast<const uint32_t*>(spirv.data());
    CheckResult(device.functions().CreateShaderModule(device.handle(), &info, nullptr, &handle_),
                "read the code of a kernel");
  }
  ~ShaderModule() { device_.functions().DestroyShaderModule(device_.handle(), handle_, nullptr); }
  ShaderModule(const ShaderModule&) = delete;
  ShaderModule& operator=(const ShaderModule&) = delete;

  VkShaderModule handle() const { return handle_; }

 private:
  const LogicalDevice& device_;
  VkShaderModule handle_ = nullptr;
};

void CreatePipeline(const LogicalDevice& device, const std::string& name, const std::string& spirv,
                    bool subgroups, Pipeline* to) {
  const ShaderModule module(device, spirv);
  VkComputePipelineCreateInfo info;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module.handle();
  info.stage.pName = name.c_str();
  info.layout = to->layout;
  const SubgroupSizes& sizes = device.properties().subgroups;
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo size;
  size.requiredSubgroupSize = kSubgroupSize;
  if (subgroups && sizes.least != sizes.most) info.stage.pNext = &size;
  KernelCache cache(device, name + "\n" + spirv);
  const VkResult result = device.functions().CreateComputePipelines(device.handle(), cache.handle(),
                                                                    1, &info, nullptr, &to->handle);
  if (result != VK_SUCCESS) {
    to->handle = nullptr;
    ThrowDeviceError(ResultKind(result), "Expected the driver of " + device.properties().name +
                                             " to compile the kernel " + name + " but received " +
                                             ResultText(result) + ".");
  }
  cache.Store();
}

}  // namespace

Pipeline BuildPipeline(const LogicalDevice& device, const std::string& name,
                       const std::string& spirv, uint32_t buffers) {
  const std::optional<ShaderNeeds> needs = ReadShaderNeeds(spirv);
  if (!needs.has_value() || needs->entry_point != name) {
    ThrowDeviceError(kDeviceFailure,
                     "Expected SPIR-V for the kernel " + name +
                         " but it is damaged, or another kernel's: compile the model again.");
  }
  CheckLimits(device.properties(), name, *needs);
  CheckFeatures(device.properties(), name, *needs);
  CheckBindings(device.properties(), name, buffers);
  Pipeline pipeline;
  pipeline.buffers = buffers;
  pipeline.pushes = buffers + 1 <= device.properties().max_push_descriptors;
  try {
    CreateLayouts(device, &pipeline);
    CreatePipeline(device, name, spirv, needs->subgroups, &pipeline);
  } catch (...) {
    DestroyPipeline(device, pipeline);
    throw;
  }
  return pipeline;
}

void DestroyPipeline(const LogicalDevice& device, const Pipeline& pipeline) {
  const DeviceFunctions& vk = device.functions();
  vk.DestroyPipeline(device.handle(), pipeline.handle, nullptr);
  vk.DestroyPipelineLayout(device.handle(), pipeline.layout, nullptr);
  vk.DestroyDescriptorSetLayout(device.handle(), pipeline.set_layout, nullptr);
}

}  // namespace node_mlc::vulkan
