/*!
 * \file device/opencl/program.cc
 */
#include "device/opencl/program.h"

#include "device/device_error.h"
#include "device/opencl/opencl_error.h"
#include "device/opencl/opencl_library.h"
#include "device/opencl/program_build.h"

namespace node_mlc::opencl {

namespace {

std::string Times(const size_t (&sizes)[3]) {
  return std::to_string(sizes[0]) + " x " + std::to_string(sizes[1]) + " x " +
         std::to_string(sizes[2]);
}

}  // namespace

Kernel::Kernel(Device& device, cl_program program, const std::string& name)
    : device_(device), name_(name) {
  cl_int status = kSuccess;
  kernel_ = Cl().CreateKernel(program, name.c_str(), &status);
  CheckStatus(status, ("find the kernel " + name + " in its program").c_str());
}

Kernel::~Kernel() { Cl().ReleaseKernel(kernel_); }

void Kernel::Launch(const std::vector<KernelArgument>& arguments, const WorkSize& size) {
  size_t global[3];
  for (int i = 0; i < 3; ++i) global[i] = size.groups[i] * size.items[i];
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    cl_uint index = 0;
    for (const KernelArgument& argument : arguments) {
      const cl_int status = Cl().SetKernelArg(kernel_, index++, argument.size, argument.value);
      if (status != kSuccess) ThrowLaunchError(status, size);
    }
    const cl_int status =
        Cl().EnqueueNDRangeKernel(device_.queue(), kernel_, size.dimensions, nullptr, global,
                                  size.items, 0, nullptr, nullptr);
    if (status != kSuccess) ThrowLaunchError(status, size);
  }
  device_.CountLaunch();
}

void Kernel::ThrowLaunchError(cl_int status, const WorkSize& size) const {
  size_t limit = 0;
  Cl().GetKernelWorkGroupInfo(kernel_, device_.id(), kKernelWorkGroupSize, sizeof limit, &limit,
                              nullptr);
  ThrowDeviceError(StatusKind(status, false),
                   "Expected to launch the kernel " + name_ + " on " + device_.properties().name +
                       " in " + Times(size.groups) + " groups of " + Times(size.items) +
                       " items (at most " + std::to_string(limit) + " a group) but received " +
                       StatusText(status) + ".");
}

Program::Program(Device& device, const std::string& source)
    : device_(device), program_(BuildProgram(device, source)) {}

Program::~Program() {
  kernels_.clear();
  Cl().ReleaseProgram(program_);
}

Kernel& Program::GetKernel(const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<Kernel>& kernel = kernels_[name];
  if (kernel == nullptr) kernel = std::make_unique<Kernel>(device_, program_, name);
  return *kernel;
}

}  // namespace node_mlc::opencl
