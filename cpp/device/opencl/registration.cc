/*!
 * \file device/opencl/registration.cc
 * \brief What loading this library adds to TVM's table of global functions.
 */
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/reflection/registry.h>

#include "device/device_error.h"
#include "device/opencl/device_api.h"
#include "device/opencl/module.h"
#include "device/opencl/program_cache.h"
#include "device/queue_timer.h"

namespace node_mlc::opencl {

namespace ffi = tvm::ffi;

namespace {

using Description = ffi::Map<ffi::String, ffi::Any>;

const char* KindName(cl_bitfield type) {
  if ((type & kTypeGpu) != 0) return "gpu";
  return (type & kTypeCpu) != 0 ? "cpu" : "accelerator";
}

Description FeaturesOf(const DeviceProperties& device) {
  Description features;
  features.Set("fp16", device.HasExtension("cl_khr_fp16"));
  features.Set("fp64", device.HasExtension("cl_khr_fp64"));
  features.Set("subgroups", device.HasExtension("cl_khr_subgroups") ||
                                device.HasExtension("cl_intel_subgroups"));
  features.Set("integerDotProduct", device.HasExtension("cl_khr_integer_dot_product"));
  features.Set("unifiedMemory", device.unified_memory);
  return features;
}

Description Describe(const DeviceProperties& device, int64_t index) {
  Description result;
  result.Set("index", index);
  result.Set("kind", ffi::String(KindName(device.type)));
  result.Set("name", ffi::String(device.name));
  result.Set("vendor", ffi::String(device.vendor));
  result.Set("platform", ffi::String(device.platform));
  result.Set("driver", ffi::String(device.driver));
  result.Set("version", ffi::String(device.version));
  result.Set("memoryBytes", static_cast<int64_t>(device.memory));
  result.Set("maxAllocationBytes", static_cast<int64_t>(device.max_allocation));
  result.Set("sharedMemoryBytes", static_cast<int64_t>(device.local_memory));
  result.Set("maxThreadsPerBlock", static_cast<int64_t>(device.max_work_group));
  result.Set("computeUnits", static_cast<int64_t>(device.compute_units));
  result.Set("features", FeaturesOf(device));
  return result;
}

/*! \brief One map a device; throws kDeviceUnavailable with the remedy where there is none. */
ffi::Array<Description> ListDevices() {
  if (AllDevices().empty()) ThrowDeviceError(kDeviceUnavailable, MissingDevices());
  ffi::Array<Description> result;
  for (const Device* device : AllDevices()) {
    result.push_back(Describe(device->properties(), static_cast<int64_t>(result.size())));
  }
  return result;
}

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef()
      .def_packed("device_api.opencl",
                  [](ffi::PackedArgs, ffi::Any* result) {
                    tvm::runtime::DeviceAPI* api = OpenClDeviceApi::Get();
                    *result = static_cast<void*>(api);
                  })
      .def("ffi.Module.load_from_bytes.opencl", OpenClModule::Load)
      .def("ffi.Module.create.opencl",
           [](ffi::Bytes source, ffi::String format, FunctionInfos functions,
              ffi::Map<ffi::String, ffi::String>) {
             return ffi::Module(ffi::make_object<OpenClModule>(format, functions, source));
           })
      .def("runtime.timer.opencl",
           [](tvm::Device device) {
             Device& timed = DeviceAt(device.device_id);
             return MakeQueueTimer([&timed] { timed.Finish(); });
           })
      .def("node_mlc.opencl.list_devices", ListDevices)
      .def("node_mlc.opencl.set_program_cache",
           [](const ffi::String& folder, bool always) { SetProgramCache(folder, always); })
      .def("node_mlc.opencl.program_counts", [] {
        const ProgramCounts counts = CountPrograms();
        Description result;
        result.Set("built", static_cast<int64_t>(counts.built));
        result.Set("loaded", static_cast<int64_t>(counts.loaded));
        return result;
      });
}

}  // namespace

}  // namespace node_mlc::opencl
