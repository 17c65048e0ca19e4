/*!
 * \file device/opencl/opencl_error.cc
 */
#include "device/opencl/opencl_error.h"

#include "device/device_error.h"

namespace node_mlc::opencl {

namespace {

struct NamedStatus {
  cl_int status;
  const char* name;
};

// Those that a call of this runtime may return.
constexpr NamedStatus kNames[] = {
    {-1, "CL_DEVICE_NOT_FOUND"},
    {-2, "CL_DEVICE_NOT_AVAILABLE"},
    {-3, "CL_COMPILER_NOT_AVAILABLE"},
    {-4, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
    {-5, "CL_OUT_OF_RESOURCES"},
    {-6, "CL_OUT_OF_HOST_MEMORY"},
    {-11, "CL_BUILD_PROGRAM_FAILURE"},
    {-14, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
    {-30, "CL_INVALID_VALUE"},
    {-34, "CL_INVALID_CONTEXT"},
    {-36, "CL_INVALID_COMMAND_QUEUE"},
    {-38, "CL_INVALID_MEM_OBJECT"},
    {-42, "CL_INVALID_BINARY"},
    {-44, "CL_INVALID_PROGRAM"},
    {-45, "CL_INVALID_PROGRAM_EXECUTABLE"},
    {-46, "CL_INVALID_KERNEL_NAME"},
    {-48, "CL_INVALID_KERNEL"},
    {-49, "CL_INVALID_ARG_INDEX"},
    {-50, "CL_INVALID_ARG_VALUE"},
    {-51, "CL_INVALID_ARG_SIZE"},
    {-52, "CL_INVALID_KERNEL_ARGS"},
    {-54, "CL_INVALID_WORK_GROUP_SIZE"},
    {-55, "CL_INVALID_WORK_ITEM_SIZE"},
    {-61, "CL_INVALID_BUFFER_SIZE"},
    {-63, "CL_INVALID_GLOBAL_WORK_SIZE"},
    {-1001, "CL_PLATFORM_NOT_FOUND_KHR"},
};

}  // namespace

std::string StatusText(cl_int status) {
  for (const NamedStatus& known : kNames) {
    if (known.status == status) return known.name + (" (" + std::to_string(status) + ")");
  }
  return "status " + std::to_string(status);
}

const char* StatusKind(cl_int status, bool allocating) {
  switch (status) {
    case kMemObjectAllocationFailure:
    case kOutOfHostMemory:
      return kInsufficientMemory;
    case kOutOfResources:
    case kInvalidBufferSize:
      return allocating ? kInsufficientMemory : kDeviceFailure;
    case kDeviceNotAvailable:
    case kInvalidContext:
    case kInvalidCommandQueue:
    case kNvidiaIllegalAccess:
      return kDeviceLost;
    default:
      return kDeviceFailure;
  }
}

void CheckStatus(cl_int status, const char* action) {
  if (status == kSuccess) return;
  const std::string kind = StatusKind(status, false);
  std::string message =
      "Expected OpenCL to " + std::string(action) + " but received " + StatusText(status) + ".";
  if (kind == kDeviceLost) {
    message +=
        " The device does not work any more: end this process, and look at the driver's log.";
  } else if (kind == kInsufficientMemory) {
    message +=
        " The device's memory is full: use a shorter context, a smaller model, or end what else "
        "uses it.";
  }
  ThrowDeviceError(kind.c_str(), message);
}

}  // namespace node_mlc::opencl
