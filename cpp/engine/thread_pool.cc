/*!
 * \file engine/thread_pool.cc
 */
#include "engine/thread_pool.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "support/coded_error.h"
#include "support/processors.h"
#include "support/spin_wait.h"

namespace node_mlc {

namespace {

/*! \brief Rounds of waiting for a worker before its share is done by the caller: a worker that is
 * awake has begun by then. */
constexpr uint32_t kRoundsBeforeHelp = 64;
/*! \brief Rounds of spinning between two looks at the clock. */
constexpr uint32_t kRoundsPerLook = 64;

thread_local ThreadPool* current_pool = nullptr;

}  // namespace

/*! \brief One thread, and the last region whose share of that thread was taken, by it or by the
 * owner. Region numbers only grow, so a worker that is late takes nothing twice. */
struct alignas(64) ThreadPool::Worker {
  std::atomic<uint64_t> claimed{0};
  std::thread thread;

  /*! \brief Takes the share; false when somebody else has. */
  bool Claim(uint64_t number) {
    uint64_t last = claimed.load(std::memory_order_relaxed);
    return last < number && claimed.compare_exchange_strong(last, number, std::memory_order_acq_rel,
                                                            std::memory_order_relaxed);
  }
};

int ThreadPool::SizeFor(int64_t wanted) {
  if (wanted == 0) return std::min(DefaultThreads(), kMostThreads);
  return static_cast<int>(std::min({wanted, int64_t{UsableProcessors()}, int64_t{kMostThreads}}));
}

ThreadPool::ThreadPool(int threads) : threads_(threads), workers_(new Worker[threads]) {
  int started = 1;
  try {
    for (; started < threads; ++started) {
      workers_[started].thread = std::thread([this, started] { Work(started); });
    }
  } catch (const std::system_error& error) {
    EndWorkers();
    throw CodedError("ERR_NATIVE", "Expected to start " + std::to_string(threads) +
                                       " threads but the system refused after " +
                                       std::to_string(started) + " (" + error.what() +
                                       "): set the option `threads` to fewer.");
  }
}

ThreadPool::~ThreadPool() {
  if (current_pool == this) current_pool = nullptr;
  EndWorkers();
}

void ThreadPool::EndWorkers() {
  Publish(0);
  for (int i = 1; i < threads_; ++i) {
    if (workers_[i].thread.joinable()) workers_[i].thread.join();
  }
}

void ThreadPool::MakeCurrent() { current_pool = this; }

ThreadPool* ThreadPool::Current() { return current_pool; }

void ThreadPool::Run(Share share, void* context, int shares) {
  running_ = true;
  if (shares == 1) {
    share(context, 0);
  } else {
    region_.share = share;
    region_.context = context;
    unfinished_.store(shares - 1, std::memory_order_relaxed);
    const uint64_t number = Publish(shares);
    share(context, 0);
    Join(number, shares);
  }
  running_ = false;
}

uint64_t ThreadPool::Publish(int shares) {
  const uint64_t number = (region_.word.load(std::memory_order_relaxed) >> kShareBits) + 1;
  // Sequentially consistent, as in Sleep(): either this thread sees the sleeper or it sees the
  // word.
  region_.word.store((number << kShareBits) | static_cast<uint64_t>(shares));
  if (sleeping_.load()) WakeWorkers();
  return number;
}

void ThreadPool::WakeWorkers() {
  {
    // Under the lock, lest a worker between its look and its wait miss the notice. All wake up, so
    // none is asleep; who sleeps again says so.
    std::lock_guard<std::mutex> lock(mutex_);
    sleeping_.store(false);
  }
  wake_.notify_all();
}

void ThreadPool::Join(uint64_t number, int shares) {
  int next = 1;
  SpinWait wait;
  while (unfinished_.load(std::memory_order_acquire) != 0) {
    if (wait.rounds() >= kRoundsBeforeHelp && next < shares) {
      next = RunUnclaimed(number, next, shares);
    } else {
      wait.Once();
    }
  }
}

/*! \brief Does the first share from `first` on that nobody has begun; returns the one after it. */
int ThreadPool::RunUnclaimed(uint64_t number, int first, int shares) {
  for (int i = first; i < shares; ++i) {
    if (!workers_[i].Claim(number)) continue;
    region_.share(region_.context, i);
    unfinished_.fetch_sub(1, std::memory_order_relaxed);
    return i + 1;
  }
  return shares;
}

void ThreadPool::Work(int index) {
  Worker& self = workers_[index];
  uint64_t word = 0;
  while (true) {
    word = AwaitRegion(word);
    const int shares = static_cast<int>(word & ((1u << kShareBits) - 1));
    if (shares == 0) return;
    // The owner waits for whoever took a share, so the region cannot change from here on.
    if (index >= shares || !self.Claim(word >> kShareBits)) continue;
    region_.share(region_.context, index);
    unfinished_.fetch_sub(1, std::memory_order_release);
  }
}

/*! \brief The word of a region other than the one of `last`. */
uint64_t ThreadPool::AwaitRegion(uint64_t last) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point sleep_at = Clock::time_point::max();
  SpinWait wait;
  while (true) {
    const uint64_t word = region_.word.load(std::memory_order_acquire);
    if (word != last) return word;
    wait.Once();
    if (wait.rounds() % kRoundsPerLook != 0) continue;
    const Clock::time_point now = Clock::now();
    if (wait.rounds() == kRoundsPerLook) sleep_at = now + kAwake;
    if (now >= sleep_at) return Sleep(last);
  }
}

uint64_t ThreadPool::Sleep(uint64_t last) {
  std::unique_lock<std::mutex> lock(mutex_);
  uint64_t word = last;
  wake_.wait(lock, [&] {
    sleeping_.store(true);
    word = region_.word.load();
    return word != last;
  });
  return word;
}

}  // namespace node_mlc
