/*!
 * \file device/vulkan/device_api.h
 * \brief Vulkan as a device of the TVM runtime.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_DEVICE_API_H_
#define NODE_MLC_DEVICE_VULKAN_DEVICE_API_H_

#include <tvm/runtime/device_api.h>

#include "device/vulkan/device.h"

namespace node_mlc::vulkan {

/*!
 * \brief Device type kDLWebGPU, since TVM's generator of WGSL is behind its target "webgpu"; the
 * data pointer of its tensors is a `Buffer*`. Thread safe.
 */
class VulkanDeviceApi final : public tvm::runtime::DeviceAPI {
 public:
  using DeviceAPI::AllocDataSpace;

  /*! \brief The only one, never freed: tensors may outlive the destruction of static objects. */
  static VulkanDeviceApi* Get();

  void SetDevice(tvm::Device device) final;
  void GetAttr(tvm::Device device, tvm::runtime::DeviceAttrKind kind, tvm::ffi::Any* result) final;
  /*! \brief Alignment is that of Vulkan's bindings, which is more than any type's. */
  void* AllocDataSpace(tvm::Device device, size_t size, size_t alignment, DLDataType) final;
  void FreeDataSpace(tvm::Device device, void* data) final;
  void StreamSync(tvm::Device device, TVMStreamHandle) final;

 protected:
  void CopyDataFromTo(const void* from, size_t from_offset, void* to, size_t to_offset, size_t size,
                      tvm::Device from_device, tvm::Device to_device, DLDataType,
                      TVMStreamHandle) final;
};

/*! \brief The device that SetDevice() has chosen for the calling thread, 0 by default. */
Device& CurrentDevice();

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_DEVICE_API_H_
