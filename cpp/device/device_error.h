/*!
 * \file device/device_error.h
 * \brief Kinds of the errors that device runtimes raise through TVM's FFI.
 *
 * The kind of such an error is one of the project's codes (lib/errors.ts), under which it is raised
 * again wherever it arrives (support/ffi_error.h).
 */
#ifndef NODE_MLC_DEVICE_DEVICE_ERROR_H_
#define NODE_MLC_DEVICE_DEVICE_ERROR_H_

#include <tvm/ffi/error.h>

#include <string>

namespace node_mlc {

/*! \brief The device has no room for an allocation, or it is larger than one may be. */
constexpr const char* kInsufficientMemory = "ERR_INSUFFICIENT_MEMORY";
/*! \brief No driver, no such device, or a device that cannot be opened. */
constexpr const char* kDeviceUnavailable = "ERR_DEVICE_UNAVAILABLE";
/*! \brief The device was reset or unplugged: nothing on it can be used any more. */
constexpr const char* kDeviceLost = "ERR_DEVICE_LOST";
/*! \brief The driver refused the source of a kernel, or a launch. */
constexpr const char* kDeviceFailure = "ERR_NATIVE";

[[noreturn]] inline void ThrowDeviceError(const char* kind, const std::string& message) {
  throw tvm::ffi::Error(kind, message, std::string());
}

}  // namespace node_mlc

#endif  // NODE_MLC_DEVICE_DEVICE_ERROR_H_
