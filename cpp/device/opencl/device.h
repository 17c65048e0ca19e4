/*!
 * \file device/opencl/device.h
 * \brief The OpenCL devices of this machine.
 */
#ifndef NODE_MLC_DEVICE_OPENCL_DEVICE_H_
#define NODE_MLC_DEVICE_OPENCL_DEVICE_H_

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "device/opencl/opencl_types.h"
#include "device/opencl/pending_uploads.h"

namespace node_mlc::opencl {

/*! \brief What a driver says of a device. Sizes are in bytes. */
struct DeviceProperties {
  std::string name;
  std::string vendor;
  std::string platform;
  std::string driver;
  /*! \brief "OpenCL 3.0 ...". */
  std::string version;
  /*! \brief Names of extensions with a space after each. */
  std::string extensions;
  cl_bitfield type = 0;
  cl_uint compute_units = 0;
  cl_uint clock_mhz = 0;
  cl_ulong memory = 0;
  cl_ulong max_allocation = 0;
  cl_ulong local_memory = 0;
  cl_ulong cache = 0;
  size_t max_work_group = 0;
  size_t max_work_items[3] = {0, 0, 0};
  cl_uint image_pitch_alignment = 0;
  bool unified_memory = false;

  bool HasExtension(const std::string& name) const;
};

/*!
 * \brief A device with its context and its one queue, in order, which all threads share.
 *
 * Thread safe, as OpenCL's queues are. Commands run in the order in which they were enqueued,
 * whichever thread did so.
 */
class Device {
 public:
  Device(cl_device_id id, int index, DeviceProperties properties)
      : id_(id), index_(index), properties_(std::move(properties)) {}

  cl_device_id id() const { return id_; }
  /*! \brief Its place in AllDevices(). */
  int index() const { return index_; }
  const DeviceProperties& properties() const { return properties_; }

  /*! \brief The context; the first call opens the device, or throws kDeviceUnavailable. */
  cl_context context();
  /*! \brief The queue; opens the device as context() does. */
  cl_command_queue queue();

  /*! \brief Enqueues a copy of host memory, which may be reused when this returns. */
  void Upload(cl_mem to, size_t offset, const void* from, size_t size);

  /*! \brief To be called after each launch: hands launches to the device from time to time. */
  void CountLaunch();

  /*! \brief Waits until everything enqueued so far is done. */
  void Finish();

 private:
  void Open();

  const cl_device_id id_;
  const int index_;
  const DeviceProperties properties_;
  std::once_flag opened_;
  cl_context context_ = nullptr;
  cl_command_queue queue_ = nullptr;
  PendingUploads uploads_;
  std::atomic<unsigned> launches_{0};
};

/*!
 * \brief All usable devices: GPUs, then accelerators, then CPUs, each in the drivers' order.
 *
 * Found once in the life of the process and never freed: drivers have gone by the time static
 * objects are destroyed at exit. Thread safe.
 */
const std::vector<Device*>& AllDevices();

/*! \brief The device of this index; throws kDeviceUnavailable with the remedy. */
Device& DeviceAt(int index);

/*! \brief Why there is no device, or empty. */
std::string MissingDevices();

}  // namespace node_mlc::opencl

#endif  // NODE_MLC_DEVICE_OPENCL_DEVICE_H_
