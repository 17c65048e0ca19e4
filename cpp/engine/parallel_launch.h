/*!
 * \file engine/parallel_launch.h
 * \brief TVM's interface for parallel loops of compiled code, over our thread pool.
 */
#ifndef NODE_MLC_ENGINE_PARALLEL_LAUNCH_H_
#define NODE_MLC_ENGINE_PARALLEL_LAUNCH_H_

#include <tvm/runtime/c_backend_api.h>

namespace node_mlc {

/*!
 * \brief Makes every library that TVM loads or compiles in memory from now on call LaunchParallel()
 * and WaitAtBarrier(), in place of TVM's own pool. Only the first call does anything.
 *
 * Compiled code calls through pointers (`__TVMBackendParallelLaunch`) that are filled from TVM's
 * table of context symbols when it is loaded; the last entry of a name wins.
 */
void InstallParallelLaunch();

/*!
 * \brief Calls lambda(i, env, data) for each task i in [0, tasks) on the threads of the calling
 * thread's current pool; `tasks` of 0 means one for each thread. Task i runs on thread i modulo
 * their number.
 *
 * Without a pool, and inside of a parallel region, all tasks run one after another on the caller.
 * Returns 0, or -1 with the error that was raised first as a TVM RuntimeError "Task i error: ...",
 * after all tasks have returned. (TVMBackendParallelLaunch)
 */
int LaunchParallel(FTVMParallelLambda lambda, void* data, int tasks) noexcept;

/*!
 * \brief Waits until all tasks of the region have called it; returns 0. Returns -1, and the region
 * fails, where tasks do not run at the same time because there are more of them than threads, or
 * where a task has failed. (TVMBackendParallelBarrier)
 */
int WaitAtBarrier(int task, TVMParallelGroupEnv* env) noexcept;

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_PARALLEL_LAUNCH_H_
