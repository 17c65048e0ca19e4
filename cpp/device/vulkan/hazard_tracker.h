/*!
 * \file device/vulkan/hazard_tracker.h
 * \brief Which commands must wait for earlier ones. Knows nothing of a device.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_HAZARD_TRACKER_H_
#define NODE_MLC_DEVICE_VULKAN_HAZARD_TRACKER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace node_mlc::vulkan {

/*! \brief Bytes [begin, end) of a memory that a command reads, or reads and writes. */
struct MemoryAccess {
  const void* memory;
  uint64_t begin;
  uint64_t end;
  bool writes;
};

/*!
 * \brief Remembers what commands have touched since the last barrier: commands of which none writes
 * what another one touches may run side by side.
 */
class HazardTracker {
 public:
  /*!
   * \brief Adds the accesses of the next command; true where a barrier must come before it, which
   * is then taken as made.
   */
  bool Add(const std::vector<MemoryAccess>& command);

  size_t size() const { return accesses_.size(); }

 private:
  bool Conflicts(const MemoryAccess& access) const;

  // A barrier costs less than comparing with more than these.
  static constexpr size_t kLimit = 96;
  std::vector<MemoryAccess> accesses_;
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_HAZARD_TRACKER_H_
