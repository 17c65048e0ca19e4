/*!
 * \file node/token_channel.h
 * \brief From the engine thread to JavaScript: events of a step in one call, and results of
 * commands.
 */
#ifndef NODE_MLC_NODE_TOKEN_CHANNEL_H_
#define NODE_MLC_NODE_TOKEN_CHANNEL_H_

#include <node_api.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/request.h"

namespace node_mlc {

/*! \brief Calls a JavaScript function; an exception becomes an uncaught one. Nothing when
 * JavaScript cannot run. */
void CallJavaScript(napi_env env, napi_value function, size_t count, const napi_value* arguments);

/*!
 * \brief One thread-safe function of one engine. Rules, each of which was a bug somewhere before it
 * was a rule:
 *  1. Posting never blocks: what is posted waits in a queue of its own, and one wake-up at a time
 * is under way. A slow JavaScript thread gets larger batches, not a longer queue: events of one
 * request are merged.
 *  2. The event loop is kept alive only while something is held: Hold() and Drop() on the
 * JavaScript thread.
 *  3. After Close() nothing of Node-API is called from the engine thread, and what was posted is
 * dropped.
 *  4. No lock is held while JavaScript runs: it may call back into the engine, or end the process.
 */
class TokenChannel {
 public:
  using Task = std::function<void(napi_env)>;
  /*! \brief Sees the events on the JavaScript thread before JavaScript does. */
  using Observer = std::function<void(napi_env, const std::vector<RequestEvent>&)>;

  /*! \brief Makes a channel that calls `on_events(NativeEvent[])`; JavaScript thread. */
  static std::shared_ptr<TokenChannel> Create(napi_env env, napi_value on_events,
                                              Observer observer);

  /*! \brief Hands events over; any thread. */
  void PostEvents(std::vector<RequestEvent> events);

  /*! \brief Runs `task` on the JavaScript thread, after all events posted before; any thread. */
  void PostTask(Task task);

  /*! \brief Keeps the event loop alive until as many Drop() calls. JavaScript thread. */
  void Hold(napi_env env);
  void Drop(napi_env env);

  /*! \brief Ends the channel and releases the thread-safe function. JavaScript thread. */
  void Close();

  /*! \brief Ends the channel when Node itself is tearing the thread-safe function down. JavaScript
   * thread. */
  void Detach();

 private:
  explicit TokenChannel(Observer observer) : observer_(std::move(observer)) {}

  void Wake();
  void Drain(napi_env env, napi_value on_events);
  static void OnWake(napi_env env, napi_value callback, void* context, void* data);
  static void OnFinalized(napi_env env, void* data, void* hint);

  const Observer observer_;
  int held_ = 0;  // JavaScript thread only

  std::mutex mutex_;
  napi_threadsafe_function function_ = nullptr;  // guarded by mutex_; null when closed
  bool woken_ = false;                           // guarded by mutex_
  std::vector<RequestEvent> events_;             // guarded by mutex_
  std::vector<Task> tasks_;                      // guarded by mutex_
};

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_TOKEN_CHANNEL_H_
