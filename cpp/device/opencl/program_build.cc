/*!
 * \file device/opencl/program_build.cc
 */
#include "device/opencl/program_build.h"

#include "device/device_error.h"
#include "device/opencl/opencl_error.h"
#include "device/opencl/opencl_library.h"
#include "device/opencl/program_cache.h"

namespace node_mlc::opencl {

namespace {

// A product may be added without being rounded first, which is what the CPU kernels do too and
// costs no accuracy. Nothing else of "fast maths": kernels depend on infinities (masked scores, the
// running maximum of softmax), on NaN staying NaN, and on sums keeping their order.
constexpr const char* kOptions = "-cl-mad-enable";

std::string BuildLog(Device& device, cl_program program) {
  size_t size = 0;
  Cl().GetProgramBuildInfo(program, device.id(), kProgramBuildLog, 0, nullptr, &size);
  std::string log(size, '\0');
  Cl().GetProgramBuildInfo(program, device.id(), kProgramBuildLog, size, log.data(), nullptr);
  log.resize(log.find_last_not_of(std::string("\n\0", 2)) + 1);
  return log;
}

}  // namespace

cl_program BuildProgram(Device& device, const std::string& source) {
  if (cl_program known = LoadProgram(device, source, kOptions)) return known;
  const char* text = source.data();
  const size_t length = source.size();
  cl_int status = kSuccess;
  cl_program program = Cl().CreateProgramWithSource(device.context(), 1, &text, &length, &status);
  CheckStatus(status, "take the source of a program");
  const cl_device_id id = device.id();
  status = Cl().BuildProgram(program, 1, &id, kOptions, nullptr, nullptr);
  if (status == kSuccess) {
    StoreProgram(device, source, kOptions, program);
    return program;
  }
  const std::string log = BuildLog(device, program);
  Cl().ReleaseProgram(program);
  ThrowDeviceError(StatusKind(status, false),
                   "Expected the compiler of " + device.properties().name +
                       " to take a program but received " + StatusText(status) + ":\n" + log);
}

}  // namespace node_mlc::opencl
