/*!
 * \file device/opencl/opencl_types.h
 * \brief The part of OpenCL's C interface that the runtime uses, so that building needs no headers.
 *
 * Types and values are those of the OpenCL 1.2 specification.
 */
#ifndef NODE_MLC_DEVICE_OPENCL_OPENCL_TYPES_H_
#define NODE_MLC_DEVICE_OPENCL_OPENCL_TYPES_H_

#include <cstddef>
#include <cstdint>

#ifdef _WIN32
#define NODE_MLC_CL_CALL __stdcall
#else
#define NODE_MLC_CL_CALL
#endif

namespace node_mlc::opencl {

using cl_int = int32_t;
using cl_uint = uint32_t;
using cl_ulong = uint64_t;
using cl_bool = cl_uint;
using cl_bitfield = cl_ulong;
using cl_property = intptr_t;
using cl_platform_id = struct OpaquePlatform*;
using cl_device_id = struct OpaqueDevice*;
using cl_context = struct OpaqueContext*;
using cl_command_queue = struct OpaqueQueue*;
using cl_mem = struct OpaqueMemory*;
using cl_program = struct OpaqueProgram*;
using cl_kernel = struct OpaqueKernel*;
using cl_event = struct OpaqueEvent*;

constexpr cl_bool kFalse = 0;
constexpr cl_bool kTrue = 1;

/*! \brief Status of a call; others only have a name, in opencl_error.cc. */
enum Status : cl_int {
  kSuccess = 0,
  kDeviceNotAvailable = -2,
  kMemObjectAllocationFailure = -4,
  kOutOfResources = -5,
  kOutOfHostMemory = -6,
  kBuildProgramFailure = -11,
  kInvalidContext = -34,
  kInvalidCommandQueue = -36,
  kInvalidWorkGroupSize = -54,
  kInvalidBufferSize = -61,
  /*! \brief No driver is registered (an extension of the ICD loader). */
  kPlatformNotFound = -1001,
  /*! \brief What NVIDIA's driver says after a kernel has touched memory that is not its own. */
  kNvidiaIllegalAccess = -9999,
};

enum DeviceType : cl_bitfield {
  kTypeCpu = 1 << 1,
  kTypeGpu = 1 << 2,
  kTypeAccelerator = 1 << 3,
};

enum PlatformInfo : cl_uint { kPlatformVersion = 0x0901, kPlatformName = 0x0902 };

enum DeviceInfo : cl_uint {
  kInfoType = 0x1000,
  kInfoMaxComputeUnits = 0x1002,
  kInfoMaxWorkGroupSize = 0x1004,
  kInfoMaxWorkItemSizes = 0x1005,
  kInfoMaxClockFrequency = 0x100C,
  kInfoMaxAllocation = 0x1010,
  kInfoGlobalCacheSize = 0x101E,
  kInfoGlobalMemorySize = 0x101F,
  kInfoLocalMemorySize = 0x1023,
  kInfoAvailable = 0x1027,
  kInfoCompilerAvailable = 0x1028,
  kInfoName = 0x102B,
  kInfoVendor = 0x102C,
  kInfoDriverVersion = 0x102D,
  kInfoVersion = 0x102F,
  kInfoExtensions = 0x1030,
  kInfoUnifiedMemory = 0x1035,
  kInfoImagePitchAlignment = 0x104A,
};

constexpr cl_bitfield kMemReadWrite = 1 << 0;
constexpr cl_uint kProgramBinarySizes = 0x1165;
constexpr cl_uint kProgramBinaries = 0x1166;
constexpr cl_uint kProgramBuildLog = 0x1183;
constexpr cl_uint kKernelWorkGroupSize = 0x11B0;
constexpr cl_uint kEventExecutionStatus = 0x11D3;
/*! \brief The execution status of a command that is done; negative ones are errors. */
constexpr cl_int kComplete = 0;

}  // namespace node_mlc::opencl

#endif  // NODE_MLC_DEVICE_OPENCL_OPENCL_TYPES_H_
