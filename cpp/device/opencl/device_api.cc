/*!
 * \file device/opencl/device_api.cc
 */
#include "device/opencl/device_api.h"

#include <tvm/ffi/string.h>

#include <string>

#include "device/opencl/memory.h"

namespace node_mlc::opencl {

namespace ffi = tvm::ffi;
using tvm::runtime::DeviceAttrKind;

namespace {

thread_local int current_device = 0;

/*! \brief "[1024, 1024, 64]", the form in which TVM's own devices answer. */
ffi::String WorkItemSizes(const size_t (&sizes)[3]) {
  return "[" + std::to_string(sizes[0]) + ", " + std::to_string(sizes[1]) + ", " +
         std::to_string(sizes[2]) + "]";
}

/*! \brief "3.0" of "OpenCL 3.0 PoCL ...". */
ffi::String VersionNumber(const std::string& version) {
  const size_t begin = version.find(' ') + 1;
  return version.substr(begin, version.find(' ', begin) - begin);
}

ffi::Any Attribute(const DeviceProperties& device, DeviceAttrKind kind) {
  switch (kind) {
    case tvm::runtime::kExist:
      return 1;
    case tvm::runtime::kMaxThreadsPerBlock:
      return static_cast<int64_t>(device.max_work_group);
    case tvm::runtime::kWarpSize:
      // OpenCL C without subgroups has no warps, whatever the hardware does.
      return 1;
    case tvm::runtime::kMaxSharedMemoryPerBlock:
      return static_cast<int64_t>(device.local_memory);
    case tvm::runtime::kComputeVersion:
      return VersionNumber(device.version);
    case tvm::runtime::kDeviceName:
      return ffi::String(device.name);
    case tvm::runtime::kMaxClockRate:
      return static_cast<int64_t>(device.clock_mhz) * 1000;  // kHz
    case tvm::runtime::kMultiProcessorCount:
      return static_cast<int64_t>(device.compute_units);
    case tvm::runtime::kMaxThreadDimensions:
      return WorkItemSizes(device.max_work_items);
    case tvm::runtime::kDriverVersion:
      return ffi::String(device.driver);
    case tvm::runtime::kL2CacheSizeBytes:
      return static_cast<int64_t>(device.cache);
    case tvm::runtime::kTotalGlobalMemory:
      return static_cast<int64_t>(device.memory);
    case tvm::runtime::kImagePitchAlignment:
      return static_cast<int64_t>(device.image_pitch_alignment);
    case tvm::runtime::kApiVersion:
      return 120;  // of OpenCL, as the runtime uses it
    default:
      return nullptr;  // OpenCL does not tell
  }
}

BufferRange RangeOf(tvm::Device device, const void* data, size_t offset) {
  return {&DeviceAt(device.device_id), static_cast<const Buffer*>(data), offset};
}

}  // namespace

OpenClDeviceApi* OpenClDeviceApi::Get() {
  static auto* api = new OpenClDeviceApi();
  return api;
}

Device& CurrentDevice() { return DeviceAt(current_device); }

void OpenClDeviceApi::SetDevice(tvm::Device device) { current_device = device.device_id; }

void OpenClDeviceApi::GetAttr(tvm::Device device, DeviceAttrKind kind, ffi::Any* result) {
  const auto count = static_cast<int>(AllDevices().size());
  if (kind == tvm::runtime::kExist && (device.device_id < 0 || device.device_id >= count)) {
    *result = 0;
    return;
  }
  *result = Attribute(DeviceAt(device.device_id).properties(), kind);
}

void* OpenClDeviceApi::AllocDataSpace(tvm::Device device, size_t size, size_t, DLDataType) {
  return Allocate(DeviceAt(device.device_id), size);
}

void OpenClDeviceApi::FreeDataSpace(tvm::Device, void* data) { Free(static_cast<Buffer*>(data)); }

void OpenClDeviceApi::StreamSync(tvm::Device device, TVMStreamHandle) {
  DeviceAt(device.device_id).Finish();
}

void OpenClDeviceApi::CopyDataFromTo(const void* from, size_t from_offset, void* to,
                                     size_t to_offset, size_t size, tvm::Device from_device,
                                     tvm::Device to_device, DLDataType, TVMStreamHandle) {
  if (size == 0) return;
  if (to_device.device_type != kDLOpenCL) {
    Download(RangeOf(from_device, from, from_offset), static_cast<char*>(to) + to_offset, size);
  } else if (from_device.device_type != kDLOpenCL) {
    Upload(static_cast<const char*>(from) + from_offset, RangeOf(to_device, to, to_offset), size);
  } else {
    Copy(RangeOf(from_device, from, from_offset), RangeOf(to_device, to, to_offset), size);
  }
}

}  // namespace node_mlc::opencl
