/*!
 * \file device/cuda/code_container.h
 * \brief What a compiled library holds for NVIDIA GPUs: the same kernels for several architectures.
 */
#ifndef NODE_MLC_DEVICE_CUDA_CODE_CONTAINER_H_
#define NODE_MLC_DEVICE_CUDA_CODE_CONTAINER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace node_mlc::cuda {

/*! \brief Version of the language that GPUs run, as one number: 90 for 9.0. */
using Capability = int;

/*! \brief "9.0". */
std::string CapabilityText(Capability capability);

/*! \brief What code is for, by the compiler's own names. */
struct Architecture {
  Capability capability;
  /*! \brief Machine code ("sm_90"), or else PTX ("compute_90"), which the driver compiles. */
  bool machine_code;

  std::string Name() const;
};

/*! \brief Reads "sm_90" or "compute_90"; nothing for another form. */
std::optional<Architecture> ParseArchitecture(std::string_view name);

/*! \brief The kernels of a library for one architecture. */
struct DeviceCode {
  Architecture architecture;
  std::string bytes;
};

/*!
 * \brief A container: a mark with the version, the number of entries, each one's name and bytes
 * (with their lengths as little-endian uint64 before them), and a checksum of all that.
 */
std::string EncodeContainer(const std::vector<DeviceCode>& entries);

/*! \brief The entries of a container; throws kDeviceFailure for one that is damaged or foreign. */
std::vector<DeviceCode> DecodeContainer(std::string_view container);

/*!
 * \brief The code for a GPU: machine code of its generation for the highest capability that is not
 * above its own, else PTX that is not above it; null where there is neither.
 *
 * Chips with the processor on board (7.2, 8.7, 10.1, 11.0) do not run machine code of other chips
 * of their generation, and theirs runs on no other ("Binary Compatibility", CUDA C++ Programming
 * Guide).
 */
const DeviceCode* ChooseCode(const std::vector<DeviceCode>& entries, Capability capability);

}  // namespace node_mlc::cuda

#endif  // NODE_MLC_DEVICE_CUDA_CODE_CONTAINER_H_
