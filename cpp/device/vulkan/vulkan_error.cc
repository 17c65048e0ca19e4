/*!
 * \file device/vulkan/vulkan_error.cc
 */
#include "device/vulkan/vulkan_error.h"

#include "device/device_error.h"

namespace node_mlc::vulkan {

namespace {

struct NamedResult {
  VkResult result;
  const char* name;
};

// Those that a call of this runtime may return.
constexpr NamedResult kNames[] = {
    {VK_NOT_READY, "VK_NOT_READY"},
    {VK_TIMEOUT, "VK_TIMEOUT"},
    {VK_INCOMPLETE, "VK_INCOMPLETE"},
    {VK_ERROR_OUT_OF_HOST_MEMORY, "VK_ERROR_OUT_OF_HOST_MEMORY"},
    {VK_ERROR_OUT_OF_DEVICE_MEMORY, "VK_ERROR_OUT_OF_DEVICE_MEMORY"},
    {VK_ERROR_INITIALIZATION_FAILED, "VK_ERROR_INITIALIZATION_FAILED"},
    {VK_ERROR_DEVICE_LOST, "VK_ERROR_DEVICE_LOST"},
    {VK_ERROR_MEMORY_MAP_FAILED, "VK_ERROR_MEMORY_MAP_FAILED"},
    {VK_ERROR_LAYER_NOT_PRESENT, "VK_ERROR_LAYER_NOT_PRESENT"},
    {VK_ERROR_EXTENSION_NOT_PRESENT, "VK_ERROR_EXTENSION_NOT_PRESENT"},
    {VK_ERROR_FEATURE_NOT_PRESENT, "VK_ERROR_FEATURE_NOT_PRESENT"},
    {VK_ERROR_INCOMPATIBLE_DRIVER, "VK_ERROR_INCOMPATIBLE_DRIVER"},
    {VK_ERROR_TOO_MANY_OBJECTS, "VK_ERROR_TOO_MANY_OBJECTS"},
    {VK_ERROR_FRAGMENTED_POOL, "VK_ERROR_FRAGMENTED_POOL"},
    {VK_ERROR_UNKNOWN, "VK_ERROR_UNKNOWN"},
    {VK_ERROR_OUT_OF_POOL_MEMORY, "VK_ERROR_OUT_OF_POOL_MEMORY"},
    {VK_ERROR_FRAGMENTATION, "VK_ERROR_FRAGMENTATION"},
};

const char* Remedy(const std::string& kind) {
  if (kind == kDeviceLost) {
    return " The device does not work any more: end this process, and look at the driver's log.";
  }
  if (kind == kInsufficientMemory) {
    return " The memory is full: use a shorter context, a smaller model, or end what else uses it.";
  }
  return "";
}

}  // namespace

std::string ResultText(VkResult result) {
  for (const NamedResult& known : kNames) {
    if (known.result == result) return known.name + (" (" + std::to_string(result) + ")");
  }
  return "result " + std::to_string(result);
}

const char* ResultKind(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_TOO_MANY_OBJECTS:
    case VK_ERROR_MEMORY_MAP_FAILED:
      return kInsufficientMemory;
    case VK_ERROR_DEVICE_LOST:
      return kDeviceLost;
    case VK_ERROR_INITIALIZATION_FAILED:
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return kDeviceUnavailable;
    default:
      return kDeviceFailure;
  }
}

void CheckResult(VkResult result, const char* action) {
  if (result == VK_SUCCESS) return;
  const char* kind = ResultKind(result);
  ThrowDeviceError(kind, "Expected Vulkan to " + std::string(action) + " but received " +
                             ResultText(result) + "." + Remedy(kind));
}

}  // namespace node_mlc::vulkan
