/*!
 * \file device/queue_timer.h
 * \brief The timer of TVM's evaluators on devices with a queue.
 */
#ifndef NODE_MLC_DEVICE_QUEUE_TIMER_H_
#define NODE_MLC_DEVICE_QUEUE_TIMER_H_

#include <tvm/runtime/timer.h>

#include <functional>

namespace node_mlc {

/*!
 * \brief A timer, not yet started, for the work of a device, in nanoseconds of the host's clock:
 * the queue is empty when it starts and when it stops. Times of the device's own would be finer by
 * microseconds, but queues that keep them are slower with some drivers.
 * \param finish Waits until the device has nothing to do.
 */
tvm::runtime::Timer MakeQueueTimer(std::function<void()> finish);

}  // namespace node_mlc

#endif  // NODE_MLC_DEVICE_QUEUE_TIMER_H_
