/*!
 * \file device/opencl/opencl_library.h
 * \brief OpenCL's functions, found in the system's libOpenCL at run time.
 */
#ifndef NODE_MLC_DEVICE_OPENCL_OPENCL_LIBRARY_H_
#define NODE_MLC_DEVICE_OPENCL_OPENCL_LIBRARY_H_

#include <string>

#include "device/opencl/opencl_types.h"

namespace node_mlc::opencl {

/*! \brief The functions, by their names without "cl". Thread safe, as OpenCL's are. */
struct Library {
  template <typename... Arguments>
  using Call = cl_int(NODE_MLC_CL_CALL*)(Arguments...);
  template <typename Result, typename... Arguments>
  using Create = Result(NODE_MLC_CL_CALL*)(Arguments...);
  using BuildCallback = void(NODE_MLC_CL_CALL*)(cl_program, void*);
  using ContextCallback = void(NODE_MLC_CL_CALL*)(const char*, const void*, size_t, void*);

  Call<cl_uint, cl_platform_id*, cl_uint*> GetPlatformIDs;
  Call<cl_platform_id, cl_uint, size_t, void*, size_t*> GetPlatformInfo;
  Call<cl_platform_id, cl_bitfield, cl_uint, cl_device_id*, cl_uint*> GetDeviceIDs;
  Call<cl_device_id, cl_uint, size_t, void*, size_t*> GetDeviceInfo;
  Create<cl_context, const cl_property*, cl_uint, const cl_device_id*, ContextCallback, void*,
         cl_int*>
      CreateContext;
  Create<cl_command_queue, cl_context, cl_device_id, cl_bitfield, cl_int*> CreateCommandQueue;
  Create<cl_mem, cl_context, cl_bitfield, size_t, void*, cl_int*> CreateBuffer;
  Call<cl_mem> ReleaseMemObject;
  Call<cl_command_queue, cl_mem, cl_bool, size_t, size_t, void*, cl_uint, const cl_event*,
       cl_event*>
      EnqueueReadBuffer;
  Call<cl_command_queue, cl_mem, cl_bool, size_t, size_t, const void*, cl_uint, const cl_event*,
       cl_event*>
      EnqueueWriteBuffer;
  Call<cl_command_queue, cl_mem, cl_mem, size_t, size_t, size_t, cl_uint, const cl_event*,
       cl_event*>
      EnqueueCopyBuffer;
  Call<cl_command_queue, cl_kernel, cl_uint, const size_t*, const size_t*, const size_t*, cl_uint,
       const cl_event*, cl_event*>
      EnqueueNDRangeKernel;
  Call<cl_command_queue> Finish;
  Call<cl_command_queue> Flush;
  Call<cl_event, cl_uint, size_t, void*, size_t*> GetEventInfo;
  Call<cl_event> ReleaseEvent;
  Create<cl_program, cl_context, cl_uint, const char**, const size_t*, cl_int*>
      CreateProgramWithSource;
  Create<cl_program, cl_context, cl_uint, const cl_device_id*, const size_t*, const unsigned char**,
         cl_int*, cl_int*>
      CreateProgramWithBinary;
  Call<cl_program, cl_uint, const cl_device_id*, const char*, BuildCallback, void*> BuildProgram;
  Call<cl_program, cl_uint, size_t, void*, size_t*> GetProgramInfo;
  Call<cl_program, cl_device_id, cl_uint, size_t, void*, size_t*> GetProgramBuildInfo;
  Call<cl_program> ReleaseProgram;
  Create<cl_kernel, cl_program, const char*, cl_int*> CreateKernel;
  Call<cl_kernel, cl_uint, size_t, const void*> SetKernelArg;
  Call<cl_kernel, cl_device_id, cl_uint, size_t, void*, size_t*> GetKernelWorkGroupInfo;
  Call<cl_kernel> ReleaseKernel;
};

/*! \brief The system's OpenCL, or why there is none. */
struct LibrarySearch {
  Library library{};
  /*! \brief Empty where the library was found. */
  std::string problem;
};

/*! \brief Looks for the library once in the life of the process. Thread safe, never throws. */
const LibrarySearch& FindLibrary();

/*! \brief The functions; only after FindLibrary() has found them. */
inline const Library& Cl() { return FindLibrary().library; }

}  // namespace node_mlc::opencl

#endif  // NODE_MLC_DEVICE_OPENCL_OPENCL_LIBRARY_H_
