// Times the engine's thread pool: an empty parallel region (launch and join) on workers that are
// awake and on workers that sleep.
//
//   c++ -O2 -std=c++17 -pthread -Icpp bench/thread-pool.cc cpp/engine/thread_pool.cc
//   cpp/support/processors.cc cpp/support/cpu_quota.cc -o build/thread-pool && build/thread-pool
//   [THREADS]
//
// Nanoseconds; other processes on the machine show in the highest figure first.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "engine/thread_pool.h"

namespace {

using Clock = std::chrono::steady_clock;
using node_mlc::ThreadPool;

/*! \brief Regions timed together where one is too short for the clock. */
constexpr int kBatch = 100;

void Print(const char* name, std::vector<double> nanoseconds) {
  std::sort(nanoseconds.begin(), nanoseconds.end());
  std::printf("%-28s min %8.0f  median %8.0f  max %8.0f ns\n", name, nanoseconds.front(),
              nanoseconds[nanoseconds.size() / 2], nanoseconds.back());
}

/*! \brief Nanoseconds of one `body()`, measured over `batch` of them, `samples` times. */
template <typename Body>
std::vector<double> Time(int samples, int batch, Body&& body) {
  std::vector<double> results;
  for (int sample = 0; sample < samples; ++sample) {
    const Clock::time_point start = Clock::now();
    for (int i = 0; i < batch; ++i) body();
    const std::chrono::duration<double, std::nano> elapsed = Clock::now() - start;
    results.push_back(elapsed.count() / batch);
  }
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = ThreadPool::SizeFor(argc > 1 ? std::atoi(argv[1]) : 0);
  ThreadPool pool(threads);
  const auto launch = [&pool, threads] { pool.Run([](void*, int) {}, nullptr, threads); };
  std::printf("%d threads\n", threads);
  launch();
  Print("launch and join, awake", Time(2000, kBatch, launch));
  std::vector<double> asleep;
  for (int i = 0; i < 100; ++i) {
    std::this_thread::sleep_for(3 * ThreadPool::kAwake);
    asleep.push_back(Time(1, 1, launch).front());
  }
  Print("launch and join, asleep", asleep);
}
