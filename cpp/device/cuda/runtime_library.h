/*!
 * \file device/cuda/runtime_library.h
 * \brief TVM's runtime for CUDA, which needs the driver and NVIDIA's own runtime library.
 */
#ifndef NODE_MLC_DEVICE_CUDA_RUNTIME_LIBRARY_H_
#define NODE_MLC_DEVICE_CUDA_RUNTIME_LIBRARY_H_

#include <string>
#include <vector>

namespace node_mlc::cuda {

/*!
 * \brief Sees to all that TVM's runtime for CUDA needs: the driver (as RequireDriver) and NVIDIA's
 * runtime library, which is loaded from the first of `files` that loads. Throws kDeviceUnavailable
 * with the remedy.
 */
void RequireCudaRuntime(const std::vector<std::string>& files);

/*!
 * \brief Loads TVM's runtime for CUDA, which lies beside this library, once for the process:
 * "cuda" is a device of TVM's from then on. As RequireCudaRuntime; ERR_RUNTIME_MISMATCH where it
 * does not load.
 */
void LoadTvmRuntime(const std::vector<std::string>& files);

}  // namespace node_mlc::cuda

#endif  // NODE_MLC_DEVICE_CUDA_RUNTIME_LIBRARY_H_
