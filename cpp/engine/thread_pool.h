/*!
 * \file engine/thread_pool.h
 * \brief The threads that run compiled kernels.
 */
#ifndef NODE_MLC_ENGINE_THREAD_POOL_H_
#define NODE_MLC_ENGINE_THREAD_POOL_H_

#include <cstdint>

namespace node_mlc {

/*!
 * \brief Sets up TVM's thread pool of the calling thread: `threads` threads including the caller,
 * at most as many as there are processors for this process, none bound to one processor. Returns
 * the number in use.
 *
 * The pool belongs to the calling thread and dies with it. Its workers spin for about a tenth of a
 * second after their last work, then sleep.
 */
int32_t ConfigureThreadPool(int32_t threads);

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_THREAD_POOL_H_
