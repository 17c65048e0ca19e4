/*!
 * \file device/opencl/memory.h
 * \brief Memory of OpenCL devices, and copies from and to it.
 */
#ifndef NODE_MLC_DEVICE_OPENCL_MEMORY_H_
#define NODE_MLC_DEVICE_OPENCL_MEMORY_H_

#include <cstddef>

#include "device/opencl/device.h"

namespace node_mlc::opencl {

/*! \brief What the data pointer of a tensor on an OpenCL device points to. */
struct Buffer {
  cl_mem memory;
  size_t size;
};

/*! \brief A part of a buffer, which is on a device. */
struct BufferRange {
  Device* device;
  const Buffer* buffer;
  size_t offset;
};

/*!
 * \brief Allocates `size` bytes; throws kInsufficientMemory. A driver may take the memory only when
 * it is first used: the same error then comes from a copy or a launch.
 */
Buffer* Allocate(Device& device, size_t size);

/*! \brief Frees a buffer when the commands enqueued so far are done with it; nullptr is nothing. */
void Free(Buffer* buffer);

/*! \brief Waits for what is enqueued, and copies to the host. */
void Download(const BufferRange& from, void* to, size_t size);

/*! \brief Copies from the host; the host's memory may be reused at once. */
void Upload(const void* from, const BufferRange& to, size_t size);

/*! \brief Enqueues a copy on one device; goes through the host, waiting, between two. */
void Copy(const BufferRange& from, const BufferRange& to, size_t size);

}  // namespace node_mlc::opencl

#endif  // NODE_MLC_DEVICE_OPENCL_MEMORY_H_
