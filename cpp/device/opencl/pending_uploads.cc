/*!
 * \file device/opencl/pending_uploads.cc
 */
#include "device/opencl/pending_uploads.h"

#include <cstring>
#include <utility>

#include "device/opencl/opencl_error.h"
#include "device/opencl/opencl_library.h"

namespace node_mlc::opencl {

bool PendingUploads::Enqueue(cl_command_queue queue, cl_mem to, size_t offset, const void* from,
                             size_t size) {
  if (size > kMaxBytes) return false;
  const std::lock_guard<std::mutex> lock(mutex_);
  DropFinished();
  if (pending_ + size > kMaxPending) return false;
  Upload upload{std::make_unique<char[]>(size), size, nullptr};
  std::memcpy(upload.bytes.get(), from, size);
  CheckStatus(Cl().EnqueueWriteBuffer(queue, to, kFalse, offset, size, upload.bytes.get(), 0,
                                      nullptr, &upload.done),
              "copy to the device");
  uploads_.push_back(std::move(upload));
  pending_ += size;
  return true;
}

void PendingUploads::Reclaim() {
  const std::lock_guard<std::mutex> lock(mutex_);
  DropFinished();
}

void PendingUploads::DropFinished() {
  while (!uploads_.empty()) {
    cl_int status = kComplete;
    const cl_event done = uploads_.front().done;
    // A failed command (a negative status) does not read the copy any more either.
    if (Cl().GetEventInfo(done, kEventExecutionStatus, sizeof status, &status, nullptr) ==
            kSuccess &&
        status > kComplete) {
      return;
    }
    Cl().ReleaseEvent(done);
    pending_ -= uploads_.front().size;
    uploads_.pop_front();
  }
}

}  // namespace node_mlc::opencl
