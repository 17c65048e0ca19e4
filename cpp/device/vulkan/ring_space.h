/*!
 * \file device/vulkan/ring_space.h
 * \brief Bytes that are used again in turn. Knows nothing of a device.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_RING_SPACE_H_
#define NODE_MLC_DEVICE_VULKAN_RING_SPACE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace node_mlc::vulkan {

/*!
 * \brief Counts submissions of commands from 1; what was submitted with a serial is done when the
 * device has completed that serial.
 */
using Serial = uint64_t;

/*! \brief A ring of bytes, each free again when the commands that use it are done. */
class RingSpace {
 public:
  explicit RingSpace(uint64_t capacity) : capacity_(capacity) {}

  /*!
   * \brief Offset, a multiple of 64, of `size` bytes in one piece; nothing where commands that are
   * not yet done use them. At most half of the capacity always fits in the end.
   */
  std::optional<uint64_t> Take(uint64_t size, Serial user);

  /*! \brief Frees what users up to the serial have taken. */
  void Release(Serial completed);

  /*! \brief The oldest user whose bytes are still taken; 0 without one. */
  Serial oldest() const { return taken_.empty() ? 0 : taken_.front().first; }

 private:
  const uint64_t capacity_;
  // Positions only grow; the offset is the remainder by the capacity.
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  std::deque<std::pair<Serial, uint64_t>> taken_;  // user, end of what it took
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_RING_SPACE_H_
