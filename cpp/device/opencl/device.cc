/*!
 * \file device/opencl/device.cc
 */
#include "device/opencl/device.h"

#include "device/device_error.h"
#include "device/opencl/opencl_error.h"
#include "device/opencl/opencl_library.h"

namespace node_mlc::opencl {

namespace {

// Some drivers only begin to work when the queue is flushed; the calls of a step should not all be
// enqueued before the device gets the first.
constexpr unsigned kLaunchesPerFlush = 16;

}  // namespace

bool DeviceProperties::HasExtension(const std::string& name) const {
  return (" " + extensions).find(" " + name + " ") != std::string::npos;
}

void Device::Open() {
  cl_int status = kSuccess;
  context_ = Cl().CreateContext(nullptr, 1, &id_, nullptr, nullptr, &status);
  if (status == kSuccess) queue_ = Cl().CreateCommandQueue(context_, id_, 0, &status);
  if (status != kSuccess) {
    ThrowDeviceError(kDeviceUnavailable, "Expected to open the OpenCL device " + properties_.name +
                                             " but received " + StatusText(status) +
                                             ". Is its driver whole, and may this user use it?");
  }
}

cl_context Device::context() {
  std::call_once(opened_, [this] { Open(); });
  return context_;
}

cl_command_queue Device::queue() {
  std::call_once(opened_, [this] { Open(); });
  return queue_;
}

void Device::Upload(cl_mem to, size_t offset, const void* from, size_t size) {
  if (uploads_.Enqueue(queue(), to, offset, from, size)) return;
  CheckStatus(Cl().EnqueueWriteBuffer(queue(), to, kTrue, offset, size, from, 0, nullptr, nullptr),
              "copy to the device");
}

void Device::CountLaunch() {
  if (launches_.fetch_add(1, std::memory_order_relaxed) % kLaunchesPerFlush == 0) {
    CheckStatus(Cl().Flush(queue()), "begin the kernels in its queue");
  }
}

void Device::Finish() {
  CheckStatus(Cl().Finish(queue()), "end the kernels in its queue");
  uploads_.Reclaim();
}

}  // namespace node_mlc::opencl
