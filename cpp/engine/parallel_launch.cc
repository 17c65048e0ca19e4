/*!
 * \file engine/parallel_launch.cc
 */
#include "engine/parallel_launch.h"

#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>

#include "engine/thread_pool.h"
#include "support/spin_wait.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

constexpr char kLaunchSymbol[] = "__TVMBackendParallelLaunch";
constexpr char kBarrierSymbol[] = "__TVMBackendParallelBarrier";

using Launch = int (*)(FTVMParallelLambda, void*, int);
using Barrier = int (*)(int, TVMParallelGroupEnv*);

/*! \brief The launch of another copy of this addon that was loaded before, or nullptr. A thread
 * without a pool of ours may be one of its engines. */
Launch other_copy = nullptr;

/*! \brief What is behind TVMParallelGroupEnv::sync_handle, in every copy of this addon. */
struct RegionHead {
  /*! \brief The barrier that knows the rest. */
  Barrier barrier;
};

/*! \brief One parallel loop; lives on the stack of the thread that launches it. */
struct Region : RegionHead {
  Region(FTVMParallelLambda region_lambda, void* region_data, int tasks, int threads)
      : RegionHead{&WaitAtBarrier},
        lambda(region_lambda),
        data(region_data),
        env{static_cast<RegionHead*>(this), tasks},
        shares(std::min(tasks, threads)) {}

  const FTVMParallelLambda lambda;
  void* const data;
  TVMParallelGroupEnv env;
  /*! \brief Tasks that run at the same time: share s is tasks s, s + shares, ... */
  const int shares;
  /*! \brief Tasks at the barrier, and how often all have met there. */
  std::atomic<int> arrived{0};
  std::atomic<int> meetings{0};
  std::atomic<bool> failed{false};
  /*! \brief Of the first failure; read when all tasks have returned. */
  int failed_task = 0;
  ffi::ObjectPtr<ffi::ErrorObj> error;

  void RunShare(int share) {
    for (int task = share; task < env.num_task; task += shares) {
      if (lambda(task, &env, data) != 0) Fail(task);
    }
  }

  /*! \brief Takes the error that the calling thread has raised. */
  void Fail(int task) {
    TVMFFIObjectHandle raised = nullptr;
    TVMFFIErrorMoveFromRaised(&raised);
    auto* object = static_cast<TVMFFIObject*>(raised);
    ffi::ObjectPtr<ffi::ErrorObj> owned;
    if (object != nullptr) {
      owned = ffi::details::ObjectUnsafe::ObjectPtrFromOwned<ffi::ErrorObj>(object);
    }
    if (failed.exchange(true)) return;
    failed_task = task;
    error = std::move(owned);
  }

  int Raise() const {
    char task[16];
    std::snprintf(task, sizeof(task), "%d", failed_task);
    const char* message = error == nullptr ? "no message" : error->message.data;
    const char* parts[] = {"Task ", task, " error: ", message};
    TVMFFIErrorSetRaisedFromCStrParts("RuntimeError", parts, 4);
    return -1;
  }
};

/*! \brief The last entry of TVM's table of context symbols under this name. */
void* ContextSymbol(const char* name) {
  void* found = nullptr;
  ffi::Module::VisitContextSymbols(
      ffi::TypedFunction<void(ffi::String, void*)>([&](ffi::String entry, void* symbol) {
        if (entry == name) found = symbol;
      }));
  return found;
}

}  // namespace

void InstallParallelLaunch() {
  static std::once_flag once;
  std::call_once(once, [] {
    const auto before = reinterpret_cast<Launch>(ContextSymbol(kLaunchSymbol));
    if (before != &TVMBackendParallelLaunch) other_copy = before;
    TVM_FFI_CHECK_SAFE_CALL(
        TVMFFIEnvModRegisterContextSymbol(kBarrierSymbol, reinterpret_cast<void*>(&WaitAtBarrier)));
    TVM_FFI_CHECK_SAFE_CALL(
        TVMFFIEnvModRegisterContextSymbol(kLaunchSymbol, reinterpret_cast<void*>(&LaunchParallel)));
  });
}

int LaunchParallel(FTVMParallelLambda lambda, void* data, int tasks) noexcept {
  ThreadPool* pool = ThreadPool::Current();
  if (pool == nullptr && other_copy != nullptr) return other_copy(lambda, data, tasks);
  const int threads = pool == nullptr || pool->running() ? 1 : pool->threads();
  Region region(lambda, data, tasks > 0 ? tasks : threads, threads);
  if (region.shares == 1) {
    region.RunShare(0);
  } else {
    pool->Run([](void* context, int share) { static_cast<Region*>(context)->RunShare(share); },
              &region, region.shares);
  }
  return region.failed.load(std::memory_order_relaxed) ? region.Raise() : 0;
}

int WaitAtBarrier(int task, TVMParallelGroupEnv* env) noexcept {
  auto* head = static_cast<RegionHead*>(env->sync_handle);
  if (head->barrier != &WaitAtBarrier) return head->barrier(task, env);
  auto* region = static_cast<Region*>(head);
  if (region->shares < env->num_task) {
    TVMFFIErrorSetRaisedFromCStr(
        "RuntimeError",
        "Expected at most as many tasks as threads in a parallel loop with "
        "a barrier, because they wait for each other.");
    region->Fail(task);  // here, because compiled code does not look at the result
    return -1;
  }
  const int meetings = region->meetings.load(std::memory_order_relaxed);
  if (region->arrived.fetch_add(1, std::memory_order_acq_rel) == env->num_task - 1) {
    region->arrived.store(0, std::memory_order_relaxed);
    region->meetings.store(meetings + 1, std::memory_order_release);
    return 0;
  }
  SpinWait wait;
  while (region->meetings.load(std::memory_order_acquire) == meetings) {
    if (region->failed.load(std::memory_order_relaxed)) return -1;  // somebody may never come
    wait.Once();
  }
  return 0;
}

}  // namespace node_mlc
