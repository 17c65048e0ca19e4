/*!
 * \file device/vulkan/command_ring.h
 * \brief Command buffers that are recorded, submitted and used again in turn.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_COMMAND_RING_H_
#define NODE_MLC_DEVICE_VULKAN_COMMAND_RING_H_

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "device/vulkan/logical_device.h"
#include "device/vulkan/ring_space.h"

namespace node_mlc::vulkan {

/*!
 * \brief Commands of one queue, which run in the order of recording. Not thread safe.
 *
 * Members throw what Vulkan reports; once the device is lost, all but Defer() throw kDeviceLost.
 */
class CommandRing {
 public:
  static constexpr size_t kSlots = 4;

  explicit CommandRing(const LogicalDevice& device);

  /*! \brief The command buffer that is being recorded; waits for one that the device has done. */
  VkCommandBuffer Open();

  /*! \brief Place of that command buffer in the ring; each has its share of other resources. */
  size_t slot() const { return open_serial() % kSlots; }

  /*! \brief The serial that commands recorded now are submitted with. */
  Serial open_serial() const { return submitted_ + 1; }
  /*! \brief What is known to be done; waiting brings it up to date. */
  Serial completed() const { return completed_; }
  /*! \brief Whether the device has had nothing to do since the last wait. */
  bool idle() const { return completed_ == submitted_; }

  /*! \brief Hands what is recorded to the device. */
  void Submit();

  /*! \brief Waits until everything up to the serial, which is submitted, is done. */
  void WaitFor(Serial serial);

  /*! \brief Submits, and waits for everything. */
  void Finish();

  /*! \brief Calls `destroy`, which must not throw, when no command recorded so far uses it any
   * more. */
  void Defer(std::function<void()> destroy);

 private:
  struct Slot {
    VkCommandBuffer commands = nullptr;
    VkFence fence = nullptr;
  };

  /*! \brief Throws where the result is an error; a device that is lost stays so. */
  void Check(VkResult result, const char* action);
  void DestroyDeferred();

  const LogicalDevice& device_;
  std::array<Slot, kSlots> slots_;
  Serial submitted_ = 0;
  Serial completed_ = 0;
  bool recording_ = false;
  bool lost_ = false;
  std::deque<std::pair<Serial, std::function<void()>>> deferred_;
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_COMMAND_RING_H_
