/*!
 * \file device/opencl/pending_uploads.h
 * \brief Copies of host memory that wait in a queue.
 */
#ifndef NODE_MLC_DEVICE_OPENCL_PENDING_UPLOADS_H_
#define NODE_MLC_DEVICE_OPENCL_PENDING_UPLOADS_H_

#include <deque>
#include <memory>
#include <mutex>

#include "device/opencl/opencl_types.h"

namespace node_mlc::opencl {

/*!
 * \brief Small uploads from copies of the caller's memory, so that the caller need not wait for the
 * kernels that are enqueued before them. Thread safe.
 */
class PendingUploads {
 public:
  /*! \brief Larger ones are not worth a copy. */
  static constexpr size_t kMaxBytes = size_t{256} << 10;
  /*! \brief Bytes that may wait at the same time. */
  static constexpr size_t kMaxPending = size_t{16} << 20;

  /*! \brief Enqueues the upload; false where it is too large or too many are waiting. */
  bool Enqueue(cl_command_queue queue, cl_mem to, size_t offset, const void* from, size_t size);

  /*! \brief Frees the copies of uploads that are done; a later Enqueue() does so too. */
  void Reclaim();

 private:
  void DropFinished();  // `mutex_` is held

  struct Upload {
    std::unique_ptr<char[]> bytes;
    size_t size;
    cl_event done;
  };

  std::mutex mutex_;
  std::deque<Upload> uploads_;
  size_t pending_ = 0;
};

}  // namespace node_mlc::opencl

#endif  // NODE_MLC_DEVICE_OPENCL_PENDING_UPLOADS_H_
