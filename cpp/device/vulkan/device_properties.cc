/*!
 * \file device/vulkan/device_properties.cc
 */
#include "device/vulkan/device_properties.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>
#include <vector>

#include "device/vulkan/vulkan_library.h"

namespace node_mlc::vulkan {

namespace {

using Names = std::set<std::string>;

constexpr const char* kSwitches = "NODE_MLC_VULKAN_DISABLE";

/*! \brief What a user may switch off. */
const Names& KnownSwitches() {
  static const Names names = {"VK_KHR_push_descriptor", "VK_KHR_shader_integer_dot_product",
                              "VK_EXT_memory_budget",   "VK_EXT_subgroup_size_control",
                              "shaderFloat16",          "subgroups"};
  return names;
}

Names SwitchedOff() {
  const char* list = std::getenv(kSwitches);
  Names names;
  std::string rest = list == nullptr ? "" : list;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    names.insert(rest.substr(0, comma));
    rest.erase(0, comma + 1);
  }
  return names;
}

/*! \brief Names of the extensions of a device, less those that the user has switched off. */
Names ExtensionsOf(VkPhysicalDevice device, const Names& off) {
  const auto enumerate = GetInstance().functions.EnumerateDeviceExtensionProperties;
  uint32_t count = 0;
  if (enumerate(device, nullptr, &count, nullptr) != VK_SUCCESS) return {};
  std::vector<VkExtensionProperties> extensions(count);
  if (enumerate(device, nullptr, &count, extensions.data()) < VK_SUCCESS) return {};
  extensions.resize(count);
  Names names;
  for (const VkExtensionProperties& extension : extensions) {
    if (off.count(extension.extensionName) == 0) names.insert(extension.extensionName);
  }
  return names;
}

/*! \brief A family that only computes if there is one: graphics work does not hold it up. */
std::optional<uint32_t> ComputeFamily(VkPhysicalDevice device) {
  const auto get = GetInstance().functions.GetPhysicalDeviceQueueFamilyProperties;
  uint32_t count = 0;
  get(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  get(device, &count, families.data());
  std::optional<uint32_t> found;
  for (uint32_t i = 0; i < count; ++i) {
    const VkQueueFlags flags = families[i].queueFlags;
    if ((flags & VK_QUEUE_COMPUTE_BIT) == 0) continue;
    if (!found.has_value() || (flags & VK_QUEUE_GRAPHICS_BIT) == 0) found = i;
    if ((flags & VK_QUEUE_GRAPHICS_BIT) == 0) break;
  }
  return found;
}

std::string VersionText(uint32_t version) {
  return "Vulkan " + std::to_string(version >> 22) + "." + std::to_string(version >> 12 & 0x3ff) +
         "." + std::to_string(version & 0xfff);
}

std::string VendorName(uint32_t id) {
  switch (id) {
    case 0x1002:
      return "AMD";
    case 0x1010:
      return "Imagination Technologies";
    case 0x106B:
      return "Apple";
    case 0x10DE:
      return "NVIDIA";
    case 0x13B5:
      return "Arm";
    case 0x14E4:
      return "Broadcom";
    case 0x5143:
      return "Qualcomm";
    case 0x8086:
      return "Intel";
    case 0x10005:
      return "Mesa";
    default:
      return std::to_string(id);
  }
}

constexpr VkFlags kSubgroupOperations = 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x20;

/*! \brief The chain of structures that the driver fills. */
struct PropertyChain {
  explicit PropertyChain(bool push_descriptors) {
    all.pNext = &subgroup;
    subgroup.pNext = &sizes;
    sizes.pNext = &maintenance;
    maintenance.pNext = &driver;
    if (push_descriptors) driver.pNext = &push;
  }

  VkPhysicalDeviceProperties2 all;
  VkPhysicalDeviceSubgroupProperties subgroup;
  VkPhysicalDeviceSubgroupSizeControlProperties sizes;
  VkPhysicalDeviceMaintenance3Properties maintenance;
  VkPhysicalDeviceDriverProperties driver;
  VkPhysicalDevicePushDescriptorPropertiesKHR push;
};

void SetIdentity(const PropertyChain& from, DeviceProperties* to) {
  const VkPhysicalDeviceProperties& base = from.all.properties;
  to->name = base.deviceName;
  to->vendor = VendorName(base.vendorID);
  to->driver = std::string(from.driver.driverName) + " " + from.driver.driverInfo;
  to->version = VersionText(base.apiVersion);
  to->type = base.deviceType;
  to->vendor_id = base.vendorID;
  to->device_id = base.deviceID;
  std::memcpy(to->cache_uuid, base.pipelineCacheUUID, sizeof to->cache_uuid);
  const std::string uuid(reinterpret_cast<const char*>(to->cache_uuid), sizeof to->cache_uuid);
  to->cache_key = to->name + "\n" + to->driver + "\n" + std::to_string(base.driverVersion) + "\n" +
                  std::to_string(base.vendorID) + ":" + std::to_string(base.deviceID) + "\n" + uuid;
}

void SetFeatures(VkPhysicalDevice device, const Names& extensions, const Names& off,
                 const PropertyChain& properties, DeviceProperties* to) {
  VkPhysicalDeviceFeatures2 all;
  VkPhysicalDevice16BitStorageFeatures storage;
  VkPhysicalDeviceShaderFloat16Int8Features float16;
  VkPhysicalDeviceSubgroupSizeControlFeatures subgroup_size;
  VkPhysicalDeviceShaderIntegerDotProductFeatures dot_product;
  all.pNext = &storage;
  storage.pNext = &float16;
  float16.pNext = &subgroup_size;
  subgroup_size.pNext = &dot_product;
  GetInstance().functions.GetPhysicalDeviceFeatures2(device, &all);
  to->float16 =
      float16.shaderFloat16 && storage.storageBuffer16BitAccess && off.count("shaderFloat16") == 0;
  to->float64 = all.features.shaderFloat64;
  to->int64 = all.features.shaderInt64;
  to->integer_dot_product = extensions.count("VK_KHR_shader_integer_dot_product") != 0 &&
                            dot_product.shaderIntegerDotProduct;
  to->memory_budget = extensions.count("VK_EXT_memory_budget") != 0;
  to->portability_subset = extensions.count("VK_KHR_portability_subset") != 0;
  SubgroupSizes& sizes = to->subgroups;
  sizes.usual = sizes.least = sizes.most = properties.subgroup.subgroupSize;
  const bool chooses = extensions.count("VK_EXT_subgroup_size_control") != 0 &&
                       subgroup_size.subgroupSizeControl &&
                       (properties.sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT);
  if (chooses) {
    sizes.least = properties.sizes.minSubgroupSize;
    sizes.most = properties.sizes.maxSubgroupSize;
  }
  const VkFlags operations = properties.subgroup.supportedOperations;
  sizes.operations = (operations & kSubgroupOperations) == kSubgroupOperations &&
                     (properties.subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 &&
                     off.count("subgroups") == 0;
}

}  // namespace

uint64_t DeviceProperties::memory_size() const {
  uint64_t own = 0;
  uint64_t total = 0;
  for (uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
    const VkMemoryHeap& heap = memory.memoryHeaps[i];
    total += heap.size;
    if ((heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0) own += heap.size;
  }
  return own > 0 ? own : total;
}

std::string UnknownSwitch() {
  std::string known;
  for (const std::string& name : KnownSwitches()) known += (known.empty() ? "" : ", ") + name;
  for (const std::string& name : SwitchedOff()) {
    if (KnownSwitches().count(name) != 0) continue;
    return std::string("Expected the environment variable ") + kSwitches +
           " to have names out of " + known + ", with commas between, but received \"" + name +
           "\".";
  }
  return "";
}

std::optional<DeviceProperties> DescribeDevice(VkPhysicalDevice device) {
  const Names off = SwitchedOff();
  const Names extensions = ExtensionsOf(device, off);
  const bool push_descriptors = extensions.count("VK_KHR_push_descriptor") != 0;
  const InstanceFunctions& functions = GetInstance().functions;
  PropertyChain chain(push_descriptors);
  functions.GetPhysicalDeviceProperties2(device, &chain.all);
  const std::optional<uint32_t> family = ComputeFamily(device);
  if (!family.has_value() || chain.all.properties.apiVersion < kApiVersion12) return std::nullopt;
  DeviceProperties result;
  SetIdentity(chain, &result);
  SetFeatures(device, extensions, off, chain, &result);
  VkPhysicalDeviceMemoryProperties2 memory;
  functions.GetPhysicalDeviceMemoryProperties2(device, &memory);
  result.memory = memory.memoryProperties;
  result.limits = chain.all.properties.limits;
  result.max_allocation = chain.maintenance.maxMemoryAllocationSize;
  result.max_push_descriptors = push_descriptors ? chain.push.maxPushDescriptors : 0;
  result.queue_family = *family;
  return result;
}

}  // namespace node_mlc::vulkan
