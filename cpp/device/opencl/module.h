/*!
 * \file device/opencl/module.h
 * \brief The OpenCL part of a compiled model: source text and what its kernels take.
 */
#ifndef NODE_MLC_DEVICE_OPENCL_MODULE_H_
#define NODE_MLC_DEVICE_OPENCL_MODULE_H_

#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "device/opencl/program.h"
#include "runtime/metadata.h"

namespace node_mlc::opencl {

using FunctionInfos = tvm::ffi::Map<tvm::ffi::String, tvm::runtime::FunctionInfo>;

/*!
 * \brief A TVM module of kind "opencl".
 *
 * The program is built for a device when the first of its kernels runs there. Serialised: format
 * ("cl"), the map of FunctionInfo, the source. Thread safe.
 */
class OpenClModule final : public tvm::ffi::ModuleObj {
 public:
  OpenClModule(tvm::ffi::String format, FunctionInfos functions, tvm::ffi::Bytes source)
      : format_(std::move(format)), functions_(std::move(functions)), source_(std::move(source)) {}

  /*! \brief Reads what SaveToBytes() or TVM's code generation has written. */
  static tvm::ffi::Module Load(const tvm::ffi::Bytes& bytes);

  const char* kind() const final { return "opencl"; }
  int GetPropertyMask() const final {
    return tvm::ffi::Module::kBinarySerializable | tvm::ffi::Module::kRunnable;
  }
  tvm::ffi::Optional<tvm::ffi::Function> GetFunction(const tvm::ffi::String& name) final;
  bool ImplementsFunction(const tvm::ffi::String& name) final {
    return functions_.count(name) != 0;
  }
  tvm::ffi::Bytes SaveToBytes() const final;
  tvm::ffi::String InspectSource(const tvm::ffi::String& format) const final;

  /*! \brief The kernel, built for the device if it is not yet. */
  Kernel& KernelFor(Device& device, const std::string& name);

 private:
  const tvm::ffi::String format_;
  const FunctionInfos functions_;
  const tvm::ffi::Bytes source_;
  std::mutex mutex_;
  std::map<Device*, std::unique_ptr<Program>> programs_;
};

}  // namespace node_mlc::opencl

#endif  // NODE_MLC_DEVICE_OPENCL_MODULE_H_
