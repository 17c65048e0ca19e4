/*!
 * \file device/vulkan/registration.cc
 * \brief What loading this library adds to TVM's table of global functions.
 */
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/reflection/registry.h>

#include <algorithm>

#include "device/device_error.h"
#include "device/queue_timer.h"
#include "device/vulkan/device_api.h"
#include "device/vulkan/module.h"
#include "device/vulkan/pipeline_cache.h"
#include "device/vulkan/wgsl_compiler.h"

namespace node_mlc::vulkan {

namespace ffi = tvm::ffi;

namespace {

using Description = ffi::Map<ffi::String, ffi::Any>;

const char* KindName(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "cpu";
    case VK_PHYSICAL_DEVICE_TYPE_OTHER:
      return "accelerator";
    default:
      return "gpu";
  }
}

Description FeaturesOf(const DeviceProperties& device) {
  const SubgroupSizes& sizes = device.subgroups;
  Description features;
  features.Set("fp16", device.float16);
  features.Set("fp64", device.float64);
  // Kernels are written for subgroups of 32.
  features.Set("subgroups", sizes.operations && sizes.least <= 32 && sizes.most >= 32);
  features.Set("integerDotProduct", device.integer_dot_product);
  features.Set("unifiedMemory", device.type == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU ||
                                    device.type == VK_PHYSICAL_DEVICE_TYPE_CPU);
  return features;
}

Description Describe(const DeviceProperties& device, int64_t index) {
  const uint64_t limit =
      std::min<uint64_t>(device.max_allocation, device.limits.maxStorageBufferRange);
  Description result;
  result.Set("index", index);
  result.Set("kind", ffi::String(KindName(device.type)));
  result.Set("name", ffi::String(device.name));
  result.Set("vendor", ffi::String(device.vendor));
  result.Set("platform", ffi::String("Vulkan"));
  result.Set("driver", ffi::String(device.driver));
  result.Set("version", ffi::String(device.version));
  result.Set("memoryBytes", static_cast<int64_t>(device.memory_size()));
  result.Set("maxAllocationBytes", static_cast<int64_t>(limit));
  result.Set("sharedMemoryBytes", static_cast<int64_t>(device.limits.maxComputeSharedMemorySize));
  result.Set("maxThreadsPerBlock",
             static_cast<int64_t>(device.limits.maxComputeWorkGroupInvocations));
  result.Set("computeUnits", static_cast<int64_t>(0));
  result.Set("features", FeaturesOf(device));
  return result;
}

/*! \brief One map a device; throws kDeviceUnavailable with the remedy where there is none. */
ffi::Array<Description> ListDevices() {
  if (AllDevices().empty()) ThrowDeviceError(kDeviceUnavailable, MissingDevices());
  ffi::Array<Description> result;
  for (const Device* device : AllDevices()) {
    result.push_back(Describe(device->properties(), device->index()));
  }
  return result;
}

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef()
      .def_packed("device_api.webgpu",
                  [](ffi::PackedArgs, ffi::Any* result) {
                    tvm::runtime::DeviceAPI* api = VulkanDeviceApi::Get();
                    *result = static_cast<void*>(api);
                  })
      .def("ffi.Module.load_from_bytes.webgpu", VulkanModule::Load)
      .def("ffi.Module.create.webgpu", VulkanModule::Create)
      .def("runtime.timer.webgpu",
           [](tvm::Device device) {
             Device& timed = DeviceAt(device.device_id);
             return MakeQueueTimer([&timed] { timed.Finish(); });
           })
      .def("node_mlc.vulkan.list_devices", ListDevices)
      .def("node_mlc.vulkan.missing_compiler", [] { return ffi::String(MissingWgslCompiler()); })
      .def("node_mlc.vulkan.set_program_cache",
           [](const ffi::String& folder, bool) { SetProgramCache(folder); })
      .def("node_mlc.vulkan.program_counts", [] {
        const ProgramCounts counts = CountPrograms();
        Description result;
        result.Set("built", static_cast<int64_t>(counts.built));
        result.Set("loaded", static_cast<int64_t>(counts.loaded));
        return result;
      });
}

}  // namespace

}  // namespace node_mlc::vulkan
