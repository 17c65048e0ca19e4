/*!
 * \file device/vulkan/pipeline.h
 * \brief A kernel made ready for a device.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_PIPELINE_H_
#define NODE_MLC_DEVICE_VULKAN_PIPELINE_H_

#include <string>

#include "device/vulkan/logical_device.h"

namespace node_mlc::vulkan {

/*!
 * \brief Bindings 0 to n-1 are storage buffers, binding n is the uniform buffer of the scalars.
 */
struct Pipeline {
  VkPipeline handle = nullptr;
  VkPipelineLayout layout = nullptr;
  VkDescriptorSetLayout set_layout = nullptr;
  uint32_t buffers = 0;
  /*! \brief Its descriptors are pushed, not taken from a pool. */
  bool pushes = false;
};

/*!
 * \brief Builds the pipeline, or takes it from the cache on disk. Thread safe.
 * \param spirv Whose entry point is `name`.
 * \param buffers Number of storage buffers.
 * Throws kDeviceFailure where the device lacks what the kernel needs, with the remedy.
 */
Pipeline BuildPipeline(const LogicalDevice& device, const std::string& name,
                       const std::string& spirv, uint32_t buffers);

void DestroyPipeline(const LogicalDevice& device, const Pipeline& pipeline);

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_PIPELINE_H_
