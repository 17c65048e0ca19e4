/*!
 * \file support/worker_thread.cc
 */
#include "support/worker_thread.h"

#include <utility>

namespace node_mlc {

WorkerThread::~WorkerThread() {
  std::deque<Task> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    dropped.swap(tasks_);
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void WorkerThread::Post(Task task) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return;
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void WorkerThread::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopped_ || !tasks_.empty(); });
    if (stopped_) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it holds goes without the lock
    lock.lock();
  }
}

}  // namespace node_mlc
