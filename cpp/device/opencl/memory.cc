/*!
 * \file device/opencl/memory.cc
 */
#include "device/opencl/memory.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "device/device_error.h"
#include "device/opencl/opencl_error.h"
#include "device/opencl/opencl_library.h"

namespace node_mlc::opencl {

namespace {

std::string Megabytes(size_t bytes) { return std::to_string(bytes >> 20) + " MB"; }

void CheckRange(const BufferRange& range, size_t size) {
  if (range.buffer != nullptr && range.offset <= range.buffer->size &&
      size <= range.buffer->size - range.offset) {
    return;
  }
  const size_t available = range.buffer == nullptr ? 0 : range.buffer->size;
  ThrowDeviceError(kDeviceFailure, "Expected a copy within " + std::to_string(available) +
                                       " bytes of device memory but received " +
                                       std::to_string(size) + " bytes at offset " +
                                       std::to_string(range.offset) + ".");
}

}  // namespace

Buffer* Allocate(Device& device, size_t size) {
  const DeviceProperties& properties = device.properties();
  if (size > properties.max_allocation && properties.max_allocation != 0) {
    ThrowDeviceError(kInsufficientMemory,
                     "Expected an allocation of at most " + Megabytes(properties.max_allocation) +
                         ", the limit of " + properties.name + ", but received " + Megabytes(size) +
                         ". Use a shorter context or a smaller model.");
  }
  // A tensor without elements has a buffer too; OpenCL has none of 0 bytes.
  size = std::max<size_t>(size, 1);
  cl_int status = kSuccess;
  cl_mem memory = Cl().CreateBuffer(device.context(), kMemReadWrite, size, nullptr, &status);
  if (status != kSuccess) {
    ThrowDeviceError(StatusKind(status, true),
                     "Expected " + Megabytes(size) + " of memory on " + properties.name +
                         " but received " + StatusText(status) +
                         ". Use a shorter context, a smaller model, or end what else uses it.");
  }
  return new Buffer{memory, size};
}

void Free(Buffer* buffer) {
  if (buffer == nullptr) return;
  // The driver keeps the memory until the commands that use it are done.
  Cl().ReleaseMemObject(buffer->memory);
  delete buffer;
}

void Download(const BufferRange& from, void* to, size_t size) {
  CheckRange(from, size);
  CheckStatus(Cl().EnqueueReadBuffer(from.device->queue(), from.buffer->memory, kTrue, from.offset,
                                     size, to, 0, nullptr, nullptr),
              "copy from the device");
}

void Upload(const void* from, const BufferRange& to, size_t size) {
  CheckRange(to, size);
  to.device->Upload(to.buffer->memory, to.offset, from, size);
}

void Copy(const BufferRange& from, const BufferRange& to, size_t size) {
  CheckRange(from, size);
  CheckRange(to, size);
  if (from.device == to.device) {
    CheckStatus(Cl().EnqueueCopyBuffer(to.device->queue(), from.buffer->memory, to.buffer->memory,
                                       from.offset, to.offset, size, 0, nullptr, nullptr),
                "copy on the device");
    return;
  }
  constexpr size_t kStep = size_t{16} << 20;
  std::vector<char> bytes(std::min(size, kStep));
  for (size_t done = 0; done < size; done += bytes.size()) {
    const size_t step = std::min(bytes.size(), size - done);
    Download({from.device, from.buffer, from.offset + done}, bytes.data(), step);
    Upload(bytes.data(), {to.device, to.buffer, to.offset + done}, step);
  }
}

}  // namespace node_mlc::opencl
