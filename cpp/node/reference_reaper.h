/*!
 * \file node/reference_reaper.h
 * \brief Releases JavaScript references on the JavaScript thread, whichever thread lets go of them.
 */
#ifndef NODE_MLC_NODE_REFERENCE_REAPER_H_
#define NODE_MLC_NODE_REFERENCE_REAPER_H_

#include <node_api.h>

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace node_mlc {

/*!
 * \brief The graveyard of one environment's references.
 *
 * Rules, each of which was a bug somewhere before it was a rule:
 *  1. A napi_ref is deleted only on the thread of its environment. Release() on another thread
 * queues it and wakes that thread through one thread-safe function.
 *  2. The thread-safe function never keeps the event loop alive (it is unreferenced at once).
 *  3. After Close() (the environment is going away) nothing of Node-API is called: Node frees the
 * references itself. Shared ownership: callbacks and tensors held by TVM may outlive the
 * environment.
 */
class ReferenceReaper {
 public:
  /*! \brief Makes the reaper of `env`; call on its JavaScript thread. */
  static std::shared_ptr<ReferenceReaper> Create(napi_env env);

  /*! \brief Gives up one reference; any thread, at any time. */
  void Release(napi_ref reference);

  /*! \brief The environment ends: later releases do nothing. JavaScript thread only. */
  void Close();

  /*! \brief Whether this is the JavaScript thread of a living environment, so that Node-API may be
   * called. */
  bool CanCallJavaScript() const;

  /*! \brief The environment; valid only while CanCallJavaScript(). */
  napi_env env() const { return env_; }

 private:
  ReferenceReaper(napi_env env, std::thread::id thread) : env_(env), thread_(thread) {}
  void Drain();
  static void OnWake(napi_env env, napi_value callback, void* context, void* data);
  static void OnWakeFinalized(napi_env env, void* data, void* hint);

  const napi_env env_;
  const std::thread::id thread_;
  mutable std::mutex mutex_;
  bool closed_ = false;                      // guarded by mutex_
  std::vector<napi_ref> pending_;            // guarded by mutex_
  napi_threadsafe_function wake_ = nullptr;  // guarded by mutex_
};

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_REFERENCE_REAPER_H_
