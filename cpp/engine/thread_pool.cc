/*!
 * \file engine/thread_pool.cc
 */
#include "engine/thread_pool.h"

#include <tvm/ffi/container/array.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

#ifdef _WIN32
#define NODE_MLC_IMPORT __declspec(dllimport)
#else
#define NODE_MLC_IMPORT
#endif

namespace tvm::runtime::threading {
// Exported by libtvm_runtime; its header (src/runtime/threading_backend.h) is not installed. Thread
// local: the size of the pool that the calling thread makes at its first use.
NODE_MLC_IMPORT void SetMaxConcurrency(int value);
}  // namespace tvm::runtime::threading

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

/*! \brief "All threads may run on all of the listed processors"
 * (ThreadGroup::kSpecifyThreadShareAllCore). */
constexpr int kShareAllProcessors = -3;

constexpr char kSpinVariable[] = "TVM_THREAD_POOL_SPIN_COUNT";

/*! \brief Numbers of the processors that this process may use. */
std::vector<int> UsableProcessors() {
  std::vector<int> processors;
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(i, &set)) processors.push_back(i);
    }
  }
#endif
  if (processors.empty()) {
    const int count = std::max(1u, std::thread::hardware_concurrency());
    for (int i = 0; i < count; ++i) processors.push_back(i);
  }
  return processors;
}

/*! \brief Looks at the queue before a worker sleeps, each followed by a sched_yield(): a few
 * milliseconds on an idle machine, which bridges the time between two steps. TVM's 300,000 keep
 * processors busy for a tenth of a second, and for seconds where something else runs. */
constexpr char kSpinCount[] = "20000";

}  // namespace

void LimitSpinning() {
  static std::once_flag once;
  std::call_once(once, [] {
#ifdef _WIN32
    if (std::getenv(kSpinVariable) == nullptr) _putenv_s(kSpinVariable, kSpinCount);
#else
    setenv(kSpinVariable, kSpinCount, /*overwrite=*/0);
#endif
  });
}

int32_t ConfigureThreadPool(int32_t threads) {
  const std::vector<int> processors = UsableProcessors();
  threads = std::clamp<int32_t>(threads, 1, static_cast<int32_t>(processors.size()));
  tvm::runtime::threading::SetMaxConcurrency(threads);
  if (threads == 1) return 1;  // kernels then run on the caller; there is no pool
  ffi::Function::GetGlobalRequired("runtime.NumThreads")();
  // A fresh pool binds each worker to a processor of its own, the same ones for every engine of the
  // process, and processes know nothing of each other: let the system place them.
  ffi::Array<ffi::String> names;
  for (int processor : processors) names.push_back(std::to_string(processor));
  ffi::Function::GetGlobalRequired("runtime.config_threadpool")(kShareAllProcessors, threads,
                                                                names);
  // The call above raised the thread's limit to the number of processors.
  tvm::runtime::threading::SetMaxConcurrency(threads);
  return threads;
}

}  // namespace node_mlc
