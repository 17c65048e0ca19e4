/*!
 * \file device/vulkan/hazard_tracker.cc
 */
#include "device/vulkan/hazard_tracker.h"

#include <algorithm>

namespace node_mlc::vulkan {

bool HazardTracker::Conflicts(const MemoryAccess& access) const {
  return std::any_of(accesses_.begin(), accesses_.end(), [&](const MemoryAccess& earlier) {
    return (access.writes || earlier.writes) && access.memory == earlier.memory &&
           access.begin < earlier.end && earlier.begin < access.end;
  });
}

bool HazardTracker::Add(const std::vector<MemoryAccess>& command) {
  const bool barrier =
      accesses_.size() + command.size() > kLimit ||
      std::any_of(command.begin(), command.end(),
                  [this](const MemoryAccess& access) { return Conflicts(access); });
  if (barrier) accesses_.clear();
  accesses_.insert(accesses_.end(), command.begin(), command.end());
  return barrier;
}

}  // namespace node_mlc::vulkan
