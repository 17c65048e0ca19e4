/*!
 * \file parallel_launch_test.cc
 * \brief TVM's interface over the pool, called as compiled code calls it.
 */
#include "engine/parallel_launch.h"

#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "engine/thread_pool.h"

namespace {

using node_mlc::LaunchParallel;
using node_mlc::ThreadPool;
using node_mlc::WaitAtBarrier;

/*! \brief LaunchParallel() of `body(task, env)`, which returns a status. */
template <typename Body>
int Launch(int tasks, Body&& body) {
  return LaunchParallel([](int task, TVMParallelGroupEnv* env,
                           void* data) { return (*static_cast<Body*>(data))(task, env); },
                        &body, tasks);
}

/*! \brief Text of the error that the calling thread has raised, with its kind; clears it. */
std::string TakeError() {
  const tvm::ffi::Error error = tvm::ffi::details::MoveFromSafeCallRaised();
  return error.kind() + ": " + error.message();
}

/*! \brief How often each task ran, and the number of tasks they were told. */
void CheckTasks(int wanted, int expected) {
  std::vector<std::atomic<int>> runs(expected);
  std::atomic<bool> told{true};
  const int status = Launch(wanted, [&](int task, TVMParallelGroupEnv* env) {
    if (env->num_task != expected) told = false;
    ++runs.at(task);
    return 0;
  });
  CHECK_EQUAL(status, 0);
  CHECK(told.load());
  for (const std::atomic<int>& count : runs) CHECK_EQUAL(count.load(), 1);
}

}  // namespace

TEST("parallel launch: as many tasks as threads, or as many as asked for") {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    pool.MakeCurrent();
    CheckTasks(0, threads);
    for (int tasks = 1; tasks < 40; ++tasks) CheckTasks(tasks, tasks);
  }
}

TEST("parallel launch: without a pool everything runs on the caller") {
  CHECK(ThreadPool::Current() == nullptr);
  CheckTasks(0, 1);
  std::vector<int> order;
  const auto caller = std::this_thread::get_id();
  CHECK_EQUAL(Launch(5,
                     [&](int task, TVMParallelGroupEnv*) {
                       order.push_back(std::this_thread::get_id() == caller ? task : -1);
                       return 0;
                     }),
              0);
  CHECK(order == std::vector<int>({0, 1, 2, 3, 4}));
}

TEST("parallel launch: nobody passes a barrier before all have come") {
  for (int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    pool.MakeCurrent();
    for (int round = 0; round < 300; ++round) {
      const int steps = 5;
      std::vector<int> values(threads), seen(threads);  // not atomic: the barrier orders them
      std::atomic<int> wrong{0};
      CHECK_EQUAL(Launch(0,
                         [&](int task, TVMParallelGroupEnv* env) {
                           for (int step = 1; step <= steps; ++step) {
                             values[task] = step;
                             if (WaitAtBarrier(task, env) != 0) return -1;
                             for (int other = 0; other < env->num_task; ++other) {
                               if (values[other] != step) ++wrong;
                             }
                             if (WaitAtBarrier(task, env) != 0) return -1;
                           }
                           return 0;
                         }),
                  0);
      CHECK_EQUAL(wrong.load(), 0);
    }
  }
}

TEST("parallel launch: more tasks than threads cannot wait for each other, and say so") {
  ThreadPool pool(2);
  pool.MakeCurrent();
  CHECK_EQUAL(
      Launch(3, [](int task, TVMParallelGroupEnv* env) { return WaitAtBarrier(task, env); }), -1);
  CHECK(TakeError().find("at most as many tasks as threads") != std::string::npos);
}

TEST("parallel launch: the first error is raised on the caller, as TVM words it") {
  ThreadPool pool(3);
  pool.MakeCurrent();
  for (int failing = 0; failing < 3; ++failing) {
    std::atomic<int> returned{0};
    CHECK_EQUAL(Launch(0,
                       [&](int task, TVMParallelGroupEnv*) {
                         ++returned;
                         if (task != failing) return 0;
                         TVMFFIErrorSetRaisedFromCStr("ValueError", "broken");
                         return -1;
                       }),
                -1);
    CHECK_EQUAL(returned.load(), 3);
    CHECK_EQUAL(TakeError(), "RuntimeError: Task " + std::to_string(failing) + " error: broken");
    CheckTasks(0, 3);  // nothing of it stays
  }
  CHECK_EQUAL(Launch(0, [](int, TVMParallelGroupEnv*) { return -1; }), -1);
  CHECK(TakeError().find("error: no message") != std::string::npos);
}

TEST("parallel launch: a task that fails lets those at the barrier go") {
  ThreadPool pool(4);
  pool.MakeCurrent();
  for (int failing = 0; failing < 4; ++failing) {
    CHECK_EQUAL(Launch(0,
                       [&](int task, TVMParallelGroupEnv* env) {
                         if (task != failing) return WaitAtBarrier(task, env);
                         TVMFFIErrorSetRaisedFromCStr("ValueError", "left");
                         return -1;
                       }),
                -1);
    CHECK(TakeError().find("error: left") != std::string::npos);
  }
}

TEST("parallel launch: a launch in a task runs on that task's thread") {
  ThreadPool pool(3);
  pool.MakeCurrent();
  std::atomic<int> inner{0}, strays{0};
  for (int round = 0; round < 100; ++round) {
    CHECK_EQUAL(Launch(0,
                       [&](int, TVMParallelGroupEnv*) {
                         const auto thread = std::this_thread::get_id();
                         return Launch(4, [&](int, TVMParallelGroupEnv*) {
                           ++inner;
                           if (std::this_thread::get_id() != thread) ++strays;
                           return 0;
                         });
                       }),
                0);
  }
  CHECK_EQUAL(inner.load(), 100 * 3 * 4);
  CHECK_EQUAL(strays.load(), 0);
}

TEST("parallel launch: libraries loaded from now on call it") {
  node_mlc::InstallParallelLaunch();
  void *launch = nullptr, *barrier = nullptr;
  tvm::ffi::Module::VisitContextSymbols(
      tvm::ffi::TypedFunction<void(tvm::ffi::String, void*)>([&](tvm::ffi::String name, void* at) {
        if (name == "__TVMBackendParallelLaunch") launch = at;
        if (name == "__TVMBackendParallelBarrier") barrier = at;
      }));
  CHECK(launch == reinterpret_cast<void*>(&LaunchParallel));
  CHECK(barrier == reinterpret_cast<void*>(&WaitAtBarrier));
}
