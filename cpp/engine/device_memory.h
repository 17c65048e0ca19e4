/*!
 * \file engine/device_memory.h
 * \brief Tensors on any device, and copies between them.
 */
#ifndef NODE_MLC_ENGINE_DEVICE_MEMORY_H_
#define NODE_MLC_ENGINE_DEVICE_MEMORY_H_

#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>

#include <cstdint>

namespace node_mlc {

inline bool IsCpu(DLDevice device) { return device.device_type == kDLCPU; }

/*! \brief A tensor of undefined elements; throws CodedError as the device's runtime does. */
tvm::ffi::Tensor AllocateTensor(const tvm::ffi::Shape& shape, DLDataType dtype, DLDevice device);

/*! \brief Copies `bytes` bytes of host memory to a tensor, from byte `offset` of it on; the memory
 * may be used again afterwards. Throws CodedError. */
void CopyToTensor(const void* from, int64_t bytes, const tvm::ffi::Tensor& to, int64_t offset = 0);

/*! \brief Copies `bytes` bytes of a tensor from byte `offset` on to host memory, when all that was
 * asked of the device before is done. Throws CodedError. */
void CopyFromTensor(const tvm::ffi::Tensor& from, int64_t offset, void* to, int64_t bytes);

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_DEVICE_MEMORY_H_
