/*!
 * \file device/vulkan/device_api.cc
 */
#include "device/vulkan/device_api.h"

#include <tvm/ffi/string.h>

#include <algorithm>
#include <string>
#include <vector>

namespace node_mlc::vulkan {

namespace ffi = tvm::ffi;
using tvm::runtime::DeviceAttrKind;

namespace {

thread_local int current_device = 0;

/*! \brief "[1024, 1024, 64]", the form in which TVM's own devices answer. */
ffi::String GroupSizes(const uint32_t (&sizes)[3]) {
  return "[" + std::to_string(sizes[0]) + ", " + std::to_string(sizes[1]) + ", " +
         std::to_string(sizes[2]) + "]";
}

ffi::Any Attribute(const Device& device, DeviceAttrKind kind) {
  const DeviceProperties& properties = device.properties();
  switch (kind) {
    case tvm::runtime::kExist:
      return 1;
    case tvm::runtime::kMaxThreadsPerBlock:
      return static_cast<int64_t>(properties.limits.maxComputeWorkGroupInvocations);
    case tvm::runtime::kWarpSize:
      return static_cast<int64_t>(properties.subgroups.usual);
    case tvm::runtime::kMaxSharedMemoryPerBlock:
      return static_cast<int64_t>(properties.limits.maxComputeSharedMemorySize);
    case tvm::runtime::kDeviceName:
      return ffi::String(properties.name);
    case tvm::runtime::kMaxThreadDimensions:
      return GroupSizes(properties.limits.maxComputeWorkGroupSize);
    case tvm::runtime::kDriverVersion:
      return ffi::String(properties.driver);
    case tvm::runtime::kComputeVersion:
    case tvm::runtime::kApiVersion:
      return ffi::String(properties.version);
    case tvm::runtime::kTotalGlobalMemory:
      return static_cast<int64_t>(properties.memory_size());
    case tvm::runtime::kAvailableGlobalMemory: {
      const int64_t available = device.AvailableMemory();
      return available < 0 ? ffi::Any() : ffi::Any(available);
    }
    default:
      return nullptr;  // Vulkan does not tell
  }
}

BufferRange RangeOf(const void* data, size_t offset) {
  return {static_cast<const Buffer*>(data), offset};
}

/*! \brief Through the host: devices do not see each other's memory. */
void CopyAcross(Device& from_device, const BufferRange& from, Device& to_device,
                const BufferRange& to, size_t size) {
  constexpr size_t kStep = size_t{16} << 20;
  std::vector<char> bytes(std::min(size, kStep));
  for (size_t done = 0; done < size; done += bytes.size()) {
    const size_t part = std::min(size - done, bytes.size());
    from_device.Download({from.buffer, from.offset + done}, bytes.data(), part);
    to_device.Upload(bytes.data(), {to.buffer, to.offset + done}, part);
  }
}

}  // namespace

VulkanDeviceApi* VulkanDeviceApi::Get() {
  static auto* api = new VulkanDeviceApi();
  return api;
}

Device& CurrentDevice() { return DeviceAt(current_device); }

void VulkanDeviceApi::SetDevice(tvm::Device device) { current_device = device.device_id; }

void VulkanDeviceApi::GetAttr(tvm::Device device, DeviceAttrKind kind, ffi::Any* result) {
  const auto count = static_cast<int>(AllDevices().size());
  if (kind == tvm::runtime::kExist && (device.device_id < 0 || device.device_id >= count)) {
    *result = 0;
    return;
  }
  *result = Attribute(DeviceAt(device.device_id), kind);
}

void* VulkanDeviceApi::AllocDataSpace(tvm::Device device, size_t size, size_t, DLDataType) {
  return DeviceAt(device.device_id).Allocate(size);
}

void VulkanDeviceApi::FreeDataSpace(tvm::Device device, void* data) {
  DeviceAt(device.device_id).Free(static_cast<Buffer*>(data));
}

void VulkanDeviceApi::StreamSync(tvm::Device device, TVMStreamHandle) {
  DeviceAt(device.device_id).Finish();
}

void VulkanDeviceApi::CopyDataFromTo(const void* from, size_t from_offset, void* to,
                                     size_t to_offset, size_t size, tvm::Device from_device,
                                     tvm::Device to_device, DLDataType, TVMStreamHandle) {
  if (size == 0) return;
  if (to_device.device_type != kDLWebGPU) {
    DeviceAt(from_device.device_id)
        .Download(RangeOf(from, from_offset), static_cast<char*>(to) + to_offset, size);
  } else if (from_device.device_type != kDLWebGPU) {
    DeviceAt(to_device.device_id)
        .Upload(static_cast<const char*>(from) + from_offset, RangeOf(to, to_offset), size);
  } else if (from_device.device_id == to_device.device_id) {
    DeviceAt(to_device.device_id).Copy(RangeOf(from, from_offset), RangeOf(to, to_offset), size);
  } else {
    CopyAcross(DeviceAt(from_device.device_id), RangeOf(from, from_offset),
               DeviceAt(to_device.device_id), RangeOf(to, to_offset), size);
  }
}

}  // namespace node_mlc::vulkan
