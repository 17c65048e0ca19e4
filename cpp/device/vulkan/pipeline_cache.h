/*!
 * \file device/vulkan/pipeline_cache.h
 * \brief Compiled kernels on disk: a driver takes seconds to compile those of a model.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_PIPELINE_CACHE_H_
#define NODE_MLC_DEVICE_VULKAN_PIPELINE_CACHE_H_

#include <cstdint>
#include <string>

#include "device/vulkan/logical_device.h"

namespace node_mlc::vulkan {

/*! \brief How many kernels of this process came from where. */
struct ProgramCounts {
  uint64_t built = 0;
  uint64_t loaded = 0;
};

/*! \brief Chooses the folder for the whole process (UTF-8; empty for none); there is none until
 * then. */
void SetProgramCache(const std::string& folder);

ProgramCounts CountPrograms();

/*!
 * \brief Vulkan's cache object for one kernel, with what the disk has of it. Every driver sees its
 * own data only; damaged files, and those of another driver, are as none.
 */
class KernelCache {
 public:
  /*! \param key The kernel: its code and what else the result depends on. */
  KernelCache(const LogicalDevice& device, const std::string& key);
  ~KernelCache();
  KernelCache(const KernelCache&) = delete;
  KernelCache& operator=(const KernelCache&) = delete;

  /*! \brief Null where the driver has no room for one: kernels are built without. */
  VkPipelineCache handle() const { return handle_; }

  /*! \brief To be called when the kernel is built: counts it, and keeps what is new. Never fails.
   */
  void Store();

 private:
  const LogicalDevice& device_;
  const std::string key_;
  bool loaded_ = false;
  VkPipelineCache handle_ = nullptr;
};

/*! \brief Whether the data are of this device and driver, by the header that Vulkan prescribes. */
bool IsCacheOf(const DeviceProperties& device, const std::string& data);

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_PIPELINE_CACHE_H_
