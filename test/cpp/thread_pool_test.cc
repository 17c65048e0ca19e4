/*!
 * \file thread_pool_test.cc
 * \brief The pool alone: who does what, sleeping and waking, several pools, the end.
 */
#include "engine/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "check.h"
#include "processor_time.h"
#include "support/processors.h"
#include "support/spin_wait.h"

namespace {

using node_mlc::ThreadPool;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/*! \brief Calls `body(share)` for every share. */
template <typename Body>
void Run(ThreadPool* pool, int shares, Body&& body) {
  pool->Run([](void* context, int share) { (*static_cast<Body*>(context))(share); }, &body, shares);
}

/*! \brief Sums 1..count in the pool, each share a range. */
int64_t Sum(ThreadPool* pool, int64_t count, int shares) {
  std::vector<int64_t> parts(shares);
  Run(pool, shares, [&](int share) {
    for (int64_t i = share + 1; i <= count; i += shares) parts[share] += i;
  });
  return std::accumulate(parts.begin(), parts.end(), int64_t{0});
}

/*! \brief Launches of the long tests: fewer where a sanitizer slows everything down. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kLaunches = 20'000;
#else
constexpr int kLaunches = 100'000;
#endif

}  // namespace

TEST("thread pool: regions of every size compute every share once") {
  for (int threads : {1, 2, 3, 4, 7, 16}) {
    ThreadPool pool(threads);
    CHECK_EQUAL(pool.threads(), threads);
    for (int64_t count = 0; count < 300; ++count) {
      const int shares = 1 + static_cast<int>(count % threads);
      CHECK_EQUAL(Sum(&pool, count, shares), count * (count + 1) / 2);
    }
  }
}

TEST("thread pool: a hundred thousand launches, workers asleep, awake or just falling asleep") {
  ThreadPool pool(4);
  uint32_t random = 1;
  for (int i = 0; i < kLaunches; ++i) {
    random = random * 1664525 + 1013904223;
    CHECK_EQUAL(Sum(&pool, 64, 1 + static_cast<int>(random >> 30)), 64 * 65 / 2);
    const uint32_t pause = random >> 16 & 1023;
    if (pause == 0) {
      std::this_thread::sleep_for(3 * ThreadPool::kAwake);
    } else if (pause < 8) {
      // Around the moment at which a worker gives up.
      const auto end = std::chrono::steady_clock::now() + ThreadPool::kAwake - microseconds(40) +
                       microseconds(10 * pause);
      while (std::chrono::steady_clock::now() < end) node_mlc::PauseProcessor();
    }
  }
}

TEST("thread pool: the workers take part, the one that woke up late too") {
  ThreadPool pool(2);
  if (node_mlc::UsableProcessors() < 2) return;
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(4 * ThreadPool::kAwake);
    std::thread::id ids[2];
    Run(&pool, 2, [&](int share) {
      ids[share] = std::this_thread::get_id();
      std::this_thread::sleep_for(milliseconds(50));
    });
    CHECK(ids[0] == std::this_thread::get_id());
    CHECK(ids[1] != ids[0]);
  }
}

TEST("thread pool: the caller does what no worker has begun") {
  int helped = 0;
  for (int i = 0; i < 200; ++i) {
    ThreadPool pool(3);  // its workers are still starting
    std::atomic<int> done{0}, by_caller{0};
    const auto caller = std::this_thread::get_id();
    Run(&pool, 3, [&](int) {
      ++done;
      if (std::this_thread::get_id() == caller) ++by_caller;
    });
    CHECK_EQUAL(done.load(), 3);
    if (by_caller.load() > 1) ++helped;
  }
  CHECK(helped > 0);
}

TEST("thread pool: idle workers use no processor") {
  ThreadPool pool(4);
  Sum(&pool, 1000, 4);
  std::this_thread::sleep_for(milliseconds(50));
  const double before = node_mlc_test::ProcessorSeconds();
  std::this_thread::sleep_for(milliseconds(500));
  CHECK(node_mlc_test::ProcessorSeconds() - before < 0.01);
  CHECK_EQUAL(Sum(&pool, 1000, 4), 500500);
}

TEST("thread pool: pools of several threads do not disturb each other") {
  std::atomic<int> wrong{0};
  std::vector<std::thread> owners;
  for (int owner = 0; owner < 4; ++owner) {
    owners.emplace_back([&wrong, owner] {
      ThreadPool pool(1 + owner);
      pool.MakeCurrent();
      for (int i = 0; i < kLaunches / 50; ++i) {
        if (Sum(ThreadPool::Current(), i, 1 + owner) != int64_t{i} * (i + 1) / 2) ++wrong;
      }
    });
  }
  for (std::thread& owner : owners) owner.join();
  CHECK_EQUAL(wrong.load(), 0);
}

TEST("thread pool: ends while asleep, while awake, right after a launch and unused") {
  for (int i = 0; i < 200; ++i) {
    ThreadPool unused(3);
    ThreadPool used(3);
    CHECK_EQUAL(Sum(&used, 10, 3), 55);
    if (i % 20 == 0) std::this_thread::sleep_for(3 * ThreadPool::kAwake);
  }
}

TEST("thread pool: is current on its own thread until it ends") {
  CHECK(ThreadPool::Current() == nullptr);
  auto first = std::make_unique<ThreadPool>(2);
  first->MakeCurrent();
  auto second = std::make_unique<ThreadPool>(2);
  second->MakeCurrent();
  first.reset();
  CHECK(ThreadPool::Current() == second.get());
  ThreadPool* elsewhere = second.get();
  std::thread([&] { elsewhere = ThreadPool::Current(); }).join();
  CHECK(elsewhere == nullptr);
  second.reset();
  CHECK(ThreadPool::Current() == nullptr);
}

TEST("thread pool: has a thread for each core unless told otherwise, and none without processor") {
  CHECK_EQUAL(ThreadPool::SizeFor(0), node_mlc::DefaultThreads());
  CHECK_EQUAL(ThreadPool::SizeFor(1), 1);
  CHECK_EQUAL(ThreadPool::SizeFor(int64_t{1} << 50),
              std::min(node_mlc::UsableProcessors(), ThreadPool::kMostThreads));
}
