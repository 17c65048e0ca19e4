/*!
 * \file device/vulkan/device_properties.h
 * \brief What a driver says of a device.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_DEVICE_PROPERTIES_H_
#define NODE_MLC_DEVICE_VULKAN_DEVICE_PROPERTIES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "device/vulkan/vulkan_device_types.h"

namespace node_mlc::vulkan {

/*! \brief How many invocations run in step, and whether a kernel may choose. */
struct SubgroupSizes {
  uint32_t usual = 0;
  /*! \brief Equal where a kernel cannot choose. */
  uint32_t least = 0;
  uint32_t most = 0;
  /*! \brief Compute shaders may use basic, vote, arithmetic, ballot and shuffle operations. */
  bool operations = false;
};

/*! \brief A usable device. Sizes are in bytes. */
struct DeviceProperties {
  std::string name;
  std::string vendor;
  /*! \brief "llvmpipe Mesa 22.3.6 (LLVM 15.0.6)". */
  std::string driver;
  /*! \brief "Vulkan 1.3.230". */
  std::string version;
  /*! \brief Tells apart devices and drivers whose compiled kernels differ. */
  std::string cache_key;
  VkPhysicalDeviceType type = VK_PHYSICAL_DEVICE_TYPE_OTHER;
  uint32_t vendor_id = 0;
  uint32_t device_id = 0;
  uint8_t cache_uuid[16]{};
  uint32_t queue_family = 0;
  VkPhysicalDeviceLimits limits{};
  VkPhysicalDeviceMemoryProperties memory{};
  uint64_t max_allocation = 0;
  SubgroupSizes subgroups;
  /*! \brief 0 without VK_KHR_push_descriptor. */
  uint32_t max_push_descriptors = 0;
  bool float16 = false;
  bool float64 = false;
  bool int64 = false;
  bool integer_dot_product = false;
  bool memory_budget = false;
  bool portability_subset = false;

  /*! \brief Memory of its own; of all heaps where it has none. */
  uint64_t memory_size() const;
};

/*!
 * \brief Asks the driver. Nothing where the device cannot compute or is older than Vulkan 1.2.
 *
 * The environment variable NODE_MLC_VULKAN_DISABLE names extensions and features, with commas
 * between, that are taken as missing, against drivers in which one is broken.
 */
std::optional<DeviceProperties> DescribeDevice(VkPhysicalDevice device);

/*! \brief What is wrong with NODE_MLC_VULKAN_DISABLE; empty where nothing is. */
std::string UnknownSwitch();

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_DEVICE_PROPERTIES_H_
