/*!
 * \file device/cuda/nvrtc.h
 * \brief CUDA C++ to code for GPUs by NVRTC, NVIDIA's compiler library: needs no GPU and no driver.
 */
#ifndef NODE_MLC_DEVICE_CUDA_NVRTC_H_
#define NODE_MLC_DEVICE_CUDA_NVRTC_H_

#include <string>
#include <vector>

#include "device/cuda/code_container.h"

namespace node_mlc::cuda {

/*!
 * \brief Compiles one source for each architecture.
 * \param files Where NVRTC may be, in the order to try; the first one that loads is kept for the
 * life of the process.
 *
 * Throws ERR_COMPILER_NOT_FOUND where none loads; ERR_INVALID_ARGUMENT for an architecture that
 * this NVRTC does not know; ERR_COMPILE with the compiler's log where it refuses the source.
 */
std::vector<DeviceCode> CompileCuda(const std::string& source,
                                    const std::vector<std::string>& architectures,
                                    const std::vector<std::string>& files);

}  // namespace node_mlc::cuda

#endif  // NODE_MLC_DEVICE_CUDA_NVRTC_H_
