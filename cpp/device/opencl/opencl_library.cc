/*!
 * \file device/opencl/opencl_library.cc
 */
#include "device/opencl/opencl_library.h"

#include "device/dynamic_library.h"

namespace node_mlc::opencl {

namespace {

#if defined(_WIN32)
constexpr const char* kFiles[] = {"OpenCL.dll"};
#elif defined(__APPLE__)
constexpr const char* kFiles[] = {"/System/Library/Frameworks/OpenCL.framework/OpenCL"};
#else
constexpr const char* kFiles[] = {"libOpenCL.so.1", "libOpenCL.so"};
#endif

std::string BindAll(void* library, Library* to) {
  FunctionBinder bind{library, ""};
  bind(to->GetPlatformIDs, "clGetPlatformIDs");
  bind(to->GetPlatformInfo, "clGetPlatformInfo");
  bind(to->GetDeviceIDs, "clGetDeviceIDs");
  bind(to->GetDeviceInfo, "clGetDeviceInfo");
  bind(to->CreateContext, "clCreateContext");
  bind(to->CreateCommandQueue, "clCreateCommandQueue");
  bind(to->CreateBuffer, "clCreateBuffer");
  bind(to->ReleaseMemObject, "clReleaseMemObject");
  bind(to->EnqueueReadBuffer, "clEnqueueReadBuffer");
  bind(to->EnqueueWriteBuffer, "clEnqueueWriteBuffer");
  bind(to->EnqueueCopyBuffer, "clEnqueueCopyBuffer");
  bind(to->EnqueueNDRangeKernel, "clEnqueueNDRangeKernel");
  bind(to->Finish, "clFinish");
  bind(to->Flush, "clFlush");
  bind(to->GetEventInfo, "clGetEventInfo");
  bind(to->ReleaseEvent, "clReleaseEvent");
  bind(to->CreateProgramWithSource, "clCreateProgramWithSource");
  bind(to->CreateProgramWithBinary, "clCreateProgramWithBinary");
  bind(to->BuildProgram, "clBuildProgram");
  bind(to->GetProgramInfo, "clGetProgramInfo");
  bind(to->GetProgramBuildInfo, "clGetProgramBuildInfo");
  bind(to->ReleaseProgram, "clReleaseProgram");
  bind(to->CreateKernel, "clCreateKernel");
  bind(to->SetKernelArg, "clSetKernelArg");
  bind(to->GetKernelWorkGroupInfo, "clGetKernelWorkGroupInfo");
  bind(to->ReleaseKernel, "clReleaseKernel");
  return bind.missing;
}

LibrarySearch* Search() {
  auto* search = new LibrarySearch();
  void* library = nullptr;
  std::string problem;
  for (const char* file : kFiles) {
    std::string own_problem;
    if (library == nullptr) library = OpenLibrary(file, &own_problem);
    // Of the first name: it is the one to install.
    if (problem.empty()) problem = own_problem;
  }
  if (library == nullptr) {
    search->problem = std::string(kFiles[0]) + " does not load (" + problem + ")";
    return search;
  }
  const std::string missing = BindAll(library, &search->library);
  if (!missing.empty()) search->problem = std::string(kFiles[0]) + " has no function " + missing;
  return search;
}

}  // namespace

const LibrarySearch& FindLibrary() {
  // Never freed: engines that outlive main() may still call it.
  static const LibrarySearch* search = Search();
  return *search;
}

}  // namespace node_mlc::opencl
