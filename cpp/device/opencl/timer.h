/*!
 * \file device/opencl/timer.h
 * \brief The timer of TVM's evaluators on OpenCL devices.
 */
#ifndef NODE_MLC_DEVICE_OPENCL_TIMER_H_
#define NODE_MLC_DEVICE_OPENCL_TIMER_H_

#include <tvm/runtime/timer.h>

namespace node_mlc::opencl {

/*!
 * \brief A timer, not yet started, for the work of a device, in nanoseconds of the host's clock:
 * the queue is empty when it starts and when it stops. Events would be finer by microseconds, but
 * queues that keep times of events are slower with some drivers.
 */
tvm::runtime::Timer MakeTimer(tvm::Device device);

}  // namespace node_mlc::opencl

#endif  // NODE_MLC_DEVICE_OPENCL_TIMER_H_
