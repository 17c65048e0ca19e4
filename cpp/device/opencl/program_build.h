/*!
 * \file device/opencl/program_build.h
 * \brief From source text to a program, by the driver's compiler or from the cache.
 */
#ifndef NODE_MLC_DEVICE_OPENCL_PROGRAM_BUILD_H_
#define NODE_MLC_DEVICE_OPENCL_PROGRAM_BUILD_H_

#include <string>

#include "device/opencl/device.h"

namespace node_mlc::opencl {

/*!
 * \brief A program built for the device, which the caller releases.
 *
 * Throws kDeviceFailure with the compiler's log where the source is refused. Thread safe.
 */
cl_program BuildProgram(Device& device, const std::string& source);

}  // namespace node_mlc::opencl

#endif  // NODE_MLC_DEVICE_OPENCL_PROGRAM_BUILD_H_
