/*!
 * \file opencl_error_test.cc
 * \brief Which of OpenCL's failures are which errors.
 */
#include "device/opencl/opencl_error.h"

#include <tvm/ffi/error.h>

#include <string>

#include "check.h"

using namespace node_mlc::opencl;

namespace {

std::string KindOf(cl_int status) {
  try {
    CheckStatus(status, "do something");
  } catch (const tvm::ffi::Error& error) {
    CHECK(std::string(error.message()).find(StatusText(status)) != std::string::npos);
    return std::string(error.kind());
  }
  return "none";
}

}  // namespace

TEST("OpenCL errors: memory, a lost device and all else have kinds of their own") {
  CHECK_EQUAL(KindOf(kSuccess), "none");
  CHECK_EQUAL(KindOf(kMemObjectAllocationFailure), "ERR_INSUFFICIENT_MEMORY");
  CHECK_EQUAL(KindOf(kOutOfHostMemory), "ERR_INSUFFICIENT_MEMORY");
  CHECK_EQUAL(KindOf(kInvalidCommandQueue), "ERR_DEVICE_LOST");
  CHECK_EQUAL(KindOf(kDeviceNotAvailable), "ERR_DEVICE_LOST");
  CHECK_EQUAL(KindOf(kInvalidWorkGroupSize), "ERR_NATIVE");
  // A kernel that needs more registers than there are; for an allocation it means memory.
  CHECK_EQUAL(KindOf(kOutOfResources), "ERR_NATIVE");
  CHECK_EQUAL(std::string(StatusKind(kOutOfResources, true)), "ERR_INSUFFICIENT_MEMORY");
}

TEST("OpenCL errors: a status has its name and number") {
  CHECK_EQUAL(StatusText(kOutOfResources), "CL_OUT_OF_RESOURCES (-5)");
  CHECK_EQUAL(StatusText(-12345), "status -12345");
}
