/*!
 * \file device/vulkan/folded_groups.h
 * \brief Launches of more groups along one axis than a device takes.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_FOLDED_GROUPS_H_
#define NODE_MLC_DEVICE_VULKAN_FOLDED_GROUPS_H_

#include <cstdint>

namespace node_mlc::vulkan {

/*! \brief Every device has at least this many groups along each axis. */
constexpr uint32_t kMostGroups = 65535;

/*! \brief Groups along two axes. */
struct FoldedGroups {
  uint32_t x;
  uint32_t z;
};

/*!
 * \brief Splits 1 to 65535^2 groups along x: a kernel's index is z * (groups along x) + x, and it
 * leaves out what is beyond `groups`, which are less than z of them.
 */
constexpr FoldedGroups FoldGroups(uint64_t groups) {
  const uint64_t z = (groups + kMostGroups - 1) / kMostGroups;
  return {static_cast<uint32_t>((groups + z - 1) / z), static_cast<uint32_t>(z)};
}

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_FOLDED_GROUPS_H_
