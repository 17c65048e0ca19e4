/*!
 * \file device/vulkan/logical_device.h
 * \brief A device that has been opened: its handle, its functions, its one queue.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_LOGICAL_DEVICE_H_
#define NODE_MLC_DEVICE_VULKAN_LOGICAL_DEVICE_H_

#include <optional>

#include "device/vulkan/device_properties.h"
#include "device/vulkan/vulkan_library.h"

namespace node_mlc::vulkan {

/*! \brief A buffer with memory of its own. */
struct BoundBuffer {
  VkBuffer buffer = nullptr;
  VkDeviceMemory memory = nullptr;
  /*! \brief Set for memory of the host's. */
  void* data = nullptr;
  bool coherent = false;
};

/*! \brief Never destroyed: drivers have gone by the time static objects are destroyed at exit. */
class LogicalDevice {
 public:
  /*! \brief Opens the device; throws kDeviceUnavailable. */
  LogicalDevice(VkPhysicalDevice device, const DeviceProperties& properties);

  VkDevice handle() const { return handle_; }
  VkQueue queue() const { return queue_; }
  const DeviceFunctions& functions() const { return functions_; }
  const DeviceProperties& properties() const { return properties_; }

  /*!
   * \brief A buffer in memory with the properties `required`, of the types that have `preferred` as
   * well if possible; mapped where it is visible to the host. Nothing is left where it fails: the
   * result is then set, and no buffer comes back.
   */
  std::optional<BoundBuffer> CreateBuffer(uint64_t size, VkBufferUsageFlags usage,
                                          VkMemoryPropertyFlags required,
                                          VkMemoryPropertyFlags preferred, VkResult* result) const;

  /*! \brief As above for memory that is visible to the host; throws kInsufficientMemory. */
  BoundBuffer CreateHostBuffer(uint64_t size, VkBufferUsageFlags usage,
                               VkMemoryPropertyFlags required,
                               VkMemoryPropertyFlags preferred) const;

  void Destroy(const BoundBuffer& buffer) const;

 private:
  VkResult BindMemory(uint64_t size, VkMemoryPropertyFlags required,
                      VkMemoryPropertyFlags preferred, BoundBuffer* to) const;
  VkResult Bind(BoundBuffer* to, bool map) const;

  const DeviceProperties& properties_;
  VkDevice handle_ = nullptr;
  VkQueue queue_ = nullptr;
  DeviceFunctions functions_{};
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_LOGICAL_DEVICE_H_
