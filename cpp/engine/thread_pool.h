/*!
 * \file engine/thread_pool.h
 * \brief The threads that run compiled kernels.
 */
#ifndef NODE_MLC_ENGINE_THREAD_POOL_H_
#define NODE_MLC_ENGINE_THREAD_POOL_H_

#include <cstdint>

namespace node_mlc {

/*!
 * \brief Shortens the time that TVM's workers spin after their last work, unless the environment
 * variable TVM_THREAD_POOL_SPIN_COUNT says otherwise. To be called before the first pool is made,
 * on the thread that loads the addon: it sets that variable.
 */
void LimitSpinning();

/*!
 * \brief Sets up TVM's thread pool of the calling thread: `threads` threads including the caller,
 * at most as many as there are processors for this process, none bound to one processor. Returns
 * the number in use.
 *
 * The pool belongs to the calling thread and dies with it.
 */
int32_t ConfigureThreadPool(int32_t threads);

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_THREAD_POOL_H_
