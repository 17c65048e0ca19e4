/*!
 * \file device/vulkan/device.h
 * \brief The Vulkan devices of this machine.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_DEVICE_H_
#define NODE_MLC_DEVICE_VULKAN_DEVICE_H_

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "device/vulkan/command_stream.h"
#include "device/vulkan/logical_device.h"
#include "device/vulkan/memory_pool.h"
#include "device/vulkan/pipeline.h"

namespace node_mlc::vulkan {

/*!
 * \brief A device with its one queue, which all threads share. Thread safe.
 *
 * Commands run in the order of the calls, whichever thread made them; only copies to the host and
 * Finish() wait for the device. The first use opens it, or throws kDeviceUnavailable.
 */
class Device {
 public:
  Device(VkPhysicalDevice physical, int index, DeviceProperties properties)
      : physical_(physical), index_(index), properties_(std::move(properties)) {}

  const DeviceProperties& properties() const { return properties_; }
  /*! \brief Its place in AllDevices(). */
  int index() const { return index_; }

  /*!
   * \brief Memory of `size` bytes; throws kInsufficientMemory where the device is full, or where
   * a kernel could not reach all of it (`maxStorageBufferRange`).
   */
  Buffer* Allocate(uint64_t size);
  /*! \brief Commands that use the buffer may still run. Never throws. */
  void Free(Buffer* buffer) noexcept;

  void Upload(const void* from, const BufferRange& to, uint64_t size);
  void Download(const BufferRange& from, void* to, uint64_t size);
  void Copy(const BufferRange& from, const BufferRange& to, uint64_t size);

  Pipeline Build(const std::string& name, const std::string& spirv, uint32_t buffers);
  void Run(const Pipeline& pipeline, const Launch& launch);
  /*! \brief Launches of the pipeline may still run. Never throws. */
  void Destroy(const Pipeline& pipeline) noexcept;

  void Finish();

  /*! \brief Bytes that a new allocation can have, by the driver's estimate; -1 if it has none. */
  int64_t AvailableMemory() const;

 private:
  struct Opened;

  Opened& Open();
  void CheckSize(uint64_t size) const;

  const VkPhysicalDevice physical_;
  const int index_;
  const DeviceProperties properties_;
  std::once_flag opening_;
  // Never freed, as the device itself: see LogicalDevice.
  Opened* opened_ = nullptr;
};

/*!
 * \brief All usable devices: GPUs with memory of their own, other GPUs, then CPUs, each in the
 * drivers' order.
 *
 * Found once in the life of the process and never freed. Thread safe.
 */
const std::vector<Device*>& AllDevices();

/*! \brief The device of this index; throws kDeviceUnavailable with the remedy. */
Device& DeviceAt(int index);

/*! \brief Why there is no device, or empty. */
std::string MissingDevices();

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_DEVICE_H_
