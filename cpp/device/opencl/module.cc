/*!
 * \file device/opencl/module.cc
 */
#include "device/opencl/module.h"

#include <tvm/ffi/cast.h>

#include <atomic>
#include <utility>
#include <vector>

#include "device/byte_stream.h"
#include "device/device_error.h"
#include "device/opencl/device_api.h"
#include "device/opencl/memory.h"
#include "runtime/pack_args.h"
#include "runtime/thread_storage_scope.h"

namespace node_mlc::opencl {

namespace ffi = tvm::ffi;
using tvm::runtime::FunctionInfo;

namespace {

/*! \brief A kernel as a function of TVM: how its arguments and the size of its work are passed. */
class Launcher {
 public:
  Launcher(ffi::Module module, OpenClModule* self, const FunctionInfo& info)
      : module_(std::move(module)),
        self_(self),
        name_(info->name),
        kernels_(std::make_shared<Kernels>(AllDevices().size())) {
    for (const DLDataType type : info->arg_types) {
      sizes_.push_back(type.code == kDLOpaqueHandle ? 0 : type.bits / 8);
    }
    launch_.Init(sizes_.size(), info->launch_param_tags);
  }

  void operator()(ffi::PackedArgs arguments, ffi::Any*, void** values) const {
    Device& device = CurrentDevice();
    const tvm::runtime::ThreadWorkLoad load = launch_.Extract(arguments);
    WorkSize size{static_cast<unsigned>(launch_.work_dim()), {}, {}};
    for (size_t i = 0; i < 3; ++i) {
      size.groups[i] = load.grid_dim(i);
      size.items[i] = load.block_dim(i);
    }
    if (load.dyn_shmem_size != 0) {
      ThrowDeviceError(kDeviceFailure, "Expected the kernel " + name_ +
                                           " to use no dynamic shared memory, which OpenCL C has "
                                           "none of: compile the model again.");
    }
    KernelOn(device).Launch(Arguments(values), size);
  }

 private:
  /*! \brief By device; set when it is first launched there. */
  using Kernels = std::vector<std::atomic<Kernel*>>;

  Kernel& KernelOn(Device& device) const {
    std::atomic<Kernel*>& known = (*kernels_)[device.index()];
    Kernel* kernel = known.load(std::memory_order_acquire);
    if (kernel == nullptr) {
      kernel = &self_->KernelFor(device, name_);
      known.store(kernel, std::memory_order_release);
    }
    return *kernel;
  }

  /*! \brief Buffers (size 0 here) are passed as their memory objects, all else as it is. */
  std::vector<KernelArgument> Arguments(void** values) const {
    std::vector<KernelArgument> arguments;
    arguments.reserve(sizes_.size());
    for (size_t i = 0; i < sizes_.size(); ++i) {
      if (sizes_[i] != 0) {
        arguments.push_back({values[i], sizes_[i]});
        continue;
      }
      const auto* buffer = *static_cast<const Buffer* const*>(values[i]);
      arguments.push_back({buffer == nullptr ? nullptr : &buffer->memory, sizeof(cl_mem)});
    }
    return arguments;
  }

  const ffi::Module module_;  // keeps `self_` alive
  OpenClModule* const self_;
  const std::string name_;
  // Shared, because the function that holds this object is copied.
  const std::shared_ptr<Kernels> kernels_;
  std::vector<size_t> sizes_;
  tvm::runtime::LaunchParamConfig launch_;
};

}  // namespace

ffi::Module OpenClModule::Load(const ffi::Bytes& bytes) {
  ByteReader reader(std::string_view(bytes.data(), bytes.size()));
  ffi::String format;
  FunctionInfos functions;
  ffi::Bytes source;
  if (!reader.Read(&format) || !reader.Read(&functions) || !reader.Read(&source)) {
    ThrowDeviceError(kDeviceFailure,
                     "Expected an OpenCL module of " + std::to_string(bytes.size()) +
                         " bytes but it ends too early: the compiled library is damaged.");
  }
  return ffi::Module(ffi::make_object<OpenClModule>(format, functions, source));
}

ffi::Bytes OpenClModule::SaveToBytes() const {
  ByteWriter writer;
  writer.Write(format_);
  writer.Write(functions_);
  writer.Write(source_);
  return ffi::Bytes(writer.Take());
}

ffi::String OpenClModule::InspectSource(const ffi::String&) const {
  return ffi::String(source_.data(), source_.size());
}

ffi::Optional<ffi::Function> OpenClModule::GetFunction(const ffi::String& name) {
  const auto info = functions_.Get(name);
  if (!info.has_value()) return std::nullopt;
  return tvm::runtime::PackFuncVoidAddr(Launcher(ffi::GetRef<ffi::Module>(this), this, *info),
                                        (*info)->arg_types, (*info)->arg_extra_tags);
}

Kernel& OpenClModule::KernelFor(Device& device, const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<Program>& program = programs_[&device];
  if (program == nullptr) {
    program = std::make_unique<Program>(device, std::string(source_.data(), source_.size()));
  }
  return program->GetKernel(name);
}

}  // namespace node_mlc::opencl
