/*!
 * \file device/vulkan/vulkan_error.h
 * \brief Vulkan's results as errors of the runtime.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_VULKAN_ERROR_H_
#define NODE_MLC_DEVICE_VULKAN_VULKAN_ERROR_H_

#include <string>

#include "device/vulkan/vulkan_types.h"

namespace node_mlc::vulkan {

/*! \brief "VK_ERROR_DEVICE_LOST (-4)". */
std::string ResultText(VkResult result);

/*! \brief The kind (device/device_error.h) of a result that is an error. */
const char* ResultKind(VkResult result);

/*!
 * \brief Throws where the result is an error.
 * \param action What Vulkan was to do: "submit commands".
 */
void CheckResult(VkResult result, const char* action);

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_VULKAN_ERROR_H_
