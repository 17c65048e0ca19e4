/*!
 * \file device/opencl/timer.cc
 */
#include "device/opencl/timer.h"

#include <tvm/ffi/memory.h>

#include <chrono>

#include "device/opencl/device.h"

namespace node_mlc::opencl {

namespace {

class QueueTimer final : public tvm::runtime::TimerNode {
 public:
  explicit QueueTimer(Device& device) : device_(device) {}

  void Start() final { begin_ = Now(); }
  void Stop() final { end_ = Now(); }
  int64_t SyncAndGetElapsedNanos() final {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(end_ - begin_).count();
  }

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("node_mlc.OpenClTimer", QueueTimer, tvm::runtime::TimerNode);

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point Now() {
    device_.Finish();
    return Clock::now();
  }

  Device& device_;
  Clock::time_point begin_, end_;
};

}  // namespace

tvm::runtime::Timer MakeTimer(tvm::Device device) {
  return tvm::runtime::Timer(tvm::ffi::make_object<QueueTimer>(DeviceAt(device.device_id)));
}

}  // namespace node_mlc::opencl
