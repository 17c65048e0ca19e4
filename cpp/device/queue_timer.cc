/*!
 * \file device/queue_timer.cc
 */
#include "device/queue_timer.h"

#include <tvm/ffi/memory.h>

#include <chrono>
#include <utility>

namespace node_mlc {

namespace {

class QueueTimer final : public tvm::runtime::TimerNode {
 public:
  explicit QueueTimer(std::function<void()> finish) : finish_(std::move(finish)) {}

  void Start() final { begin_ = Now(); }
  void Stop() final { end_ = Now(); }
  int64_t SyncAndGetElapsedNanos() final {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(end_ - begin_).count();
  }

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("node_mlc.QueueTimer", QueueTimer, tvm::runtime::TimerNode);

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point Now() {
    finish_();
    return Clock::now();
  }

  const std::function<void()> finish_;
  Clock::time_point begin_, end_;
};

}  // namespace

tvm::runtime::Timer MakeQueueTimer(std::function<void()> finish) {
  return tvm::runtime::Timer(tvm::ffi::make_object<QueueTimer>(std::move(finish)));
}

}  // namespace node_mlc
