/*!
 * \file engine/thread_pool.h
 * \brief The threads that run compiled kernels.
 */
#ifndef NODE_MLC_ENGINE_THREAD_POOL_H_
#define NODE_MLC_ENGINE_THREAD_POOL_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace node_mlc {

/*!
 * \brief Runs parallel regions on the calling thread and its workers.
 *
 * A region is cut into shares, share i for thread i (the caller is thread 0). Workers wait for the
 * next region by spinning, so a region starts and ends within about a hundred nanoseconds; after
 * kAwake without work they sleep. When the caller has done its own share it also does those that no
 * worker has begun (one that still wakes up, or whose processor runs something else): a region
 * waits only for shares that are under way.
 *
 * The pool belongs to the thread that made it: that thread alone calls it, and destroys it. Any
 * number of pools may exist; they know nothing of each other. No thread is bound to a processor.
 */
class ThreadPool {
 public:
  /*! \brief Computes share `index` of a region; must not throw. */
  using Share = void (*)(void* context, int index);

  /*! \brief How long a worker spins after its last work: bridges the time between two steps. */
  static constexpr std::chrono::microseconds kAwake{300};
  static constexpr int kMostThreads = 1024;

  /*! \brief The threads to make a pool with for a user who wants `wanted`, at least 0: no more than
   * there are processors; for 0 DefaultThreads(). */
  static int SizeFor(int64_t wanted);

  /*! \brief Starts threads - 1 workers, 1 <= threads <= kMostThreads. Throws CodedError(ERR_NATIVE)
   * where the system refuses. */
  explicit ThreadPool(int threads);
  /*! \brief Ends the workers and waits for them; not from within a region. */
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /*! \brief Threads that compute, the caller included. */
  int threads() const { return threads_; }
  /*! \brief Whether a region is under way, seen from the owner's thread. */
  bool running() const { return running_; }

  /*! \brief Calls share(context, i) for each i in [0, shares) once, at the same time where threads
   * are awake, and returns when all have returned. 1 <= shares <= threads(), not while running().
   */
  void Run(Share share, void* context, int shares);

  /*! \brief Makes this the current pool of the calling thread, which owns it, until another one is
   * or this one is destroyed. */
  void MakeCurrent();
  /*! \brief The calling thread's current pool, or nullptr. */
  static ThreadPool* Current();

 private:
  struct Worker;

  /*! \brief What the owner writes to start a region; one cache line, read by all workers. */
  struct alignas(64) Region {
    /*! \brief (number of the region << kShareBits) | shares; 0 shares end the workers. */
    std::atomic<uint64_t> word{0};
    Share share = nullptr;
    void* context = nullptr;
  };

  static constexpr int kShareBits = 16;

  uint64_t Publish(int shares);
  void WakeWorkers();
  void Join(uint64_t number, int shares);
  int RunUnclaimed(uint64_t number, int first, int shares);
  void Work(int index);
  uint64_t AwaitRegion(uint64_t last);
  uint64_t Sleep(uint64_t last);
  void EndWorkers();

  const int threads_;
  bool running_ = false;
  std::unique_ptr<Worker[]> workers_;
  Region region_;
  /*! \brief Shares that have not returned, without the owner's own. */
  alignas(64) std::atomic<int> unfinished_{0};
  /*! \brief Some worker may be asleep. Set under mutex_. */
  alignas(64) std::atomic<bool> sleeping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_THREAD_POOL_H_
