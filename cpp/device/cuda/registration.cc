/*!
 * \file device/cuda/registration.cc
 * \brief What loading this library adds to TVM's table of global functions.
 */
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/variant.h>
#include <tvm/ffi/reflection/registry.h>

#include "device/cuda/code_container.h"
#include "device/cuda/driver.h"
#include "device/cuda/nvrtc.h"
#include "device/cuda/runtime_library.h"
#include "device/device_error.h"

namespace node_mlc::cuda {

namespace ffi = tvm::ffi;

namespace {

using Description = ffi::Map<ffi::String, ffi::Any>;
using Texts = ffi::Array<ffi::String>;

/*! \brief Least capabilities of what kernels may use (CUDA C++ Programming Guide). */
constexpr Capability kHalfArithmetic = 53;
constexpr Capability kIntegerDotProduct = 61;

std::vector<std::string> Strings(const Texts& texts) {
  return std::vector<std::string>(texts.begin(), texts.end());
}

Description FeaturesOf(const DeviceProperties& device) {
  Description features;
  features.Set("fp16", device.capability >= kHalfArithmetic);
  features.Set("fp64", true);
  features.Set("subgroups", true);
  features.Set("integerDotProduct", device.capability >= kIntegerDotProduct);
  features.Set("unifiedMemory", device.integrated);
  return features;
}

Description Describe(const DeviceProperties& device, int64_t index) {
  const auto memory = static_cast<int64_t>(device.memory);
  Description result;
  result.Set("index", index);
  result.Set("kind", ffi::String("gpu"));
  result.Set("name", ffi::String(device.name));
  result.Set("vendor", ffi::String("NVIDIA Corporation"));
  result.Set("platform", ffi::String("NVIDIA CUDA"));
  result.Set("driver", ffi::String(DriverVersion()));
  result.Set("version", ffi::String("compute capability " + CapabilityText(device.capability)));
  result.Set("memoryBytes", memory);
  result.Set("maxAllocationBytes", memory);
  result.Set("sharedMemoryBytes", device.shared_memory);
  result.Set("maxThreadsPerBlock", device.max_threads);
  result.Set("computeUnits", device.multiprocessors);
  result.Set("features", FeaturesOf(device));
  return result;
}

ffi::Array<Description> ListDevices(const Texts& cudart) {
  RequireCudaRuntime(Strings(cudart));
  ffi::Array<Description> result;
  for (const DeviceProperties& device : AllDevices()) {
    result.push_back(Describe(device, static_cast<int64_t>(result.size())));
  }
  return result;
}

ffi::Bytes Compile(const ffi::String& source, const Texts& architectures, const Texts& nvrtc) {
  return ffi::Bytes(EncodeContainer(CompileCuda(source, Strings(architectures), Strings(nvrtc))));
}

std::string NamesOf(const std::vector<DeviceCode>& entries) {
  std::string names;
  for (const DeviceCode& entry : entries) {
    names += (names.empty() ? "" : ", ") + entry.architecture.Name();
  }
  return names.empty() ? "nothing" : names;
}

/*! \brief Bytes of any value: TVM's runtime has them as a String. */
using Code = ffi::Variant<ffi::String, ffi::Bytes>;

std::string BytesOf(const Code& code) {
  if (const auto text = code.as<ffi::String>()) return std::string(text->data(), text->size());
  const auto bytes = code.get<ffi::Bytes>();
  return std::string(bytes.data(), bytes.size());
}

/*! \brief Of a container the code for the GPU that the calling thread has chosen. */
ffi::Bytes Choose(const Code& code) {
  const std::vector<DeviceCode> entries = DecodeContainer(BytesOf(code));
  const DeviceProperties& device = AllDevices().at(CurrentDevice());
  const DeviceCode* chosen = ChooseCode(entries, device.capability);
  if (chosen == nullptr) {
    const std::string own = Architecture{device.capability, true}.Name();
    ThrowDeviceError(kDeviceUnavailable,
                     "Expected kernels that a " + device.name + " runs (" + own +
                         ") but the compiled library has " + NamesOf(entries) +
                         ": compile the model with the target cuda:" + own + ".");
  }
  return ffi::Bytes(chosen->bytes);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef()
      // TVM asks it for what a stored module holds as code of the format "cuda".
      .def("tvm_callback_cuda_compile", Choose)
      .def("node_mlc.cuda.compile", Compile)
      .def("node_mlc.cuda.list_devices", ListDevices)
      .def("node_mlc.cuda.load_runtime",
           [](const Texts& cudart) { LoadTvmRuntime(Strings(cudart)); });
}

}  // namespace

}  // namespace node_mlc::cuda
