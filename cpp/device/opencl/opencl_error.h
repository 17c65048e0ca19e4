/*!
 * \file device/opencl/opencl_error.h
 * \brief OpenCL's status codes as ffi errors.
 */
#ifndef NODE_MLC_DEVICE_OPENCL_OPENCL_ERROR_H_
#define NODE_MLC_DEVICE_OPENCL_OPENCL_ERROR_H_

#include <string>

#include "device/opencl/opencl_types.h"

namespace node_mlc::opencl {

/*! \brief "CL_OUT_OF_RESOURCES (-5)". */
std::string StatusText(cl_int status);

/*!
 * \brief The kind of the error that a failed call becomes (device/device_error.h).
 * \param allocating Whether the call allocates: then "out of resources" means memory.
 */
const char* StatusKind(cl_int status, bool allocating);

/*! \brief Throws where a call has failed; `action` completes "OpenCL could not ...". */
void CheckStatus(cl_int status, const char* action);

}  // namespace node_mlc::opencl

#endif  // NODE_MLC_DEVICE_OPENCL_OPENCL_ERROR_H_
