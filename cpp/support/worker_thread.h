/*!
 * \file support/worker_thread.h
 * \brief A thread that runs tasks one after the other.
 */
#ifndef NODE_MLC_SUPPORT_WORKER_THREAD_H_
#define NODE_MLC_SUPPORT_WORKER_THREAD_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace node_mlc {

/*!
 * \brief One thread, started with the first task. Tasks must not throw.
 *
 * Its end waits for the task in progress; those that have not begun are dropped.
 */
class WorkerThread {
 public:
  using Task = std::function<void()>;

  WorkerThread() = default;
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  /*! \brief Runs `task` after those posted before; any thread. Throws std::system_error where no
   * thread can be had. */
  void Post(Task task);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;  // guarded by mutex_
  bool stopped_ = false;    // guarded by mutex_
  std::thread thread_;      // guarded by mutex_ until the end
};

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_WORKER_THREAD_H_
