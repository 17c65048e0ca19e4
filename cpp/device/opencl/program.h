/*!
 * \file device/opencl/program.h
 * \brief The kernels of a module, compiled for one device.
 */
#ifndef NODE_MLC_DEVICE_OPENCL_PROGRAM_H_
#define NODE_MLC_DEVICE_OPENCL_PROGRAM_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device/opencl/device.h"

namespace node_mlc::opencl {

/*! \brief An argument of a kernel: where its value is, and its bytes. */
struct KernelArgument {
  const void* value;
  size_t size;
};

/*! \brief Work-groups, and work-items in each of them, in `dimensions` dimensions. */
struct WorkSize {
  unsigned dimensions;
  size_t groups[3];
  size_t items[3];
};

/*! \brief A kernel of a program. Thread safe. */
class Kernel {
 public:
  Kernel(Device& device, cl_program program, const std::string& name);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  /*! \brief Enqueues a launch. */
  void Launch(const std::vector<KernelArgument>& arguments, const WorkSize& size);

 private:
  [[noreturn]] void ThrowLaunchError(cl_int status, const WorkSize& size) const;

  Device& device_;
  const std::string name_;
  cl_kernel kernel_ = nullptr;
  // clSetKernelArg() and the launch that uses the arguments belong together.
  std::mutex mutex_;
};

/*! \brief A program built for a device. Thread safe. */
class Program {
 public:
  /*! \brief Builds `source`; throws kDeviceFailure with the driver's log where it is refused. */
  Program(Device& device, const std::string& source);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /*! \brief The kernel of this name; throws kDeviceFailure where the program has none. */
  Kernel& GetKernel(const std::string& name);

 private:
  Device& device_;
  cl_program program_ = nullptr;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Kernel>> kernels_;
};

}  // namespace node_mlc::opencl

#endif  // NODE_MLC_DEVICE_OPENCL_PROGRAM_H_
