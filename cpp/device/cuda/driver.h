/*!
 * \file device/cuda/driver.h
 * \brief NVIDIA's driver: its functions, found at run time, and the GPUs that it knows.
 */
#ifndef NODE_MLC_DEVICE_CUDA_DRIVER_H_
#define NODE_MLC_DEVICE_CUDA_DRIVER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "device/cuda/code_container.h"

namespace node_mlc::cuda {

/*! \brief One GPU. Sizes are in bytes. */
struct DeviceProperties {
  std::string name;
  Capability capability = 0;
  uint64_t memory = 0;
  int64_t shared_memory = 0;
  int64_t max_threads = 0;
  int64_t multiprocessors = 0;
  /*! \brief It works in the memory of the processor. */
  bool integrated = false;
};

/*!
 * \brief Opens the driver once for the process; throws kDeviceUnavailable with the remedy where
 * there is none, none that works, one for an older CUDA than 13, or no GPU. Thread safe.
 */
void RequireDriver();

/*! \brief The GPUs, as CUDA_VISIBLE_DEVICES lets the process see them. As RequireDriver. */
const std::vector<DeviceProperties>& AllDevices();

/*! \brief The CUDA that the driver is for, "13.0". As RequireDriver. */
std::string DriverVersion();

/*! \brief Number of the GPU that the calling thread has chosen, 0 where it has chosen none. */
int CurrentDevice();

}  // namespace node_mlc::cuda

#endif  // NODE_MLC_DEVICE_CUDA_DRIVER_H_
