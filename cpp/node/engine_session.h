/*!
 * \file node/engine_session.h
 * \brief The JavaScript thread's side of one engine: promises, open requests, teardown.
 */
#ifndef NODE_MLC_NODE_ENGINE_SESSION_H_
#define NODE_MLC_NODE_ENGINE_SESSION_H_

#include <node_api.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/embedding_queue.h"
#include "engine/engine_loop.h"
#include "engine/evaluation.h"
#include "engine/model_config.h"
#include "node/token_channel.h"

namespace node_mlc {

/*!
 * \brief One engine as JavaScript sees it. All methods are called on the JavaScript thread of its
 * environment.
 *
 * Lifetime: the session is owned by its NativeEngine object and, until it is closed, by the
 * environment's cleanup hook. The engine thread holds weak references only: were it to hold the
 * last strong one, it would have to join itself. Ends:
 *  - dispose() (or the finalizer): the loop stops, its last act is a task that joins it and settles
 * the promises;
 *  - the environment ends (worker.terminate(), end of the process): the hook abandons the loop and
 * joins it, which takes at most one forward pass; the engine thread never waits for JavaScript, so
 * the hook cannot hang;
 *  - process.exit(): runs no hooks; EngineLoop stops at exit of the process.
 */
class EngineSession : public std::enable_shared_from_this<EngineSession> {
 public:
  /*! \brief Makes the object for a loaded session; throws JsExceptionPending. */
  using MakeWrapper = napi_value (*)(napi_env env, const std::shared_ptr<EngineSession>& session);

  /*! \brief Starts to load; the promise of the wrapper. `on_progress` may be nullptr. */
  static napi_value Load(napi_env env, ModelConfig config, napi_value on_events,
                         napi_value on_progress, MakeWrapper make_wrapper);

  const ModelConfig& config() const { return config_; }
  /*! \brief Whether requests may have grammars. */
  bool has_vocabulary() const { return has_vocabulary_; }
  bool disposed() const { return state_ != State::kOpen; }

  /*! \brief Queues a request; throws CodedError(ERR_INVALID_ARGUMENT) when its id is in use. */
  void Submit(std::unique_ptr<Request> request);
  void Abort(int64_t id);
  void AbortIfQueued(int64_t id);
  /*! \brief Brings back the logits of a request's event; see Engine::ReplyLogits(). */
  void ReplyLogits(int64_t id, std::vector<float> logits);
  /*! \brief Starts an evaluation: all logits, or the score of each token; a promise of
   * Float32Array. */
  napi_value Evaluate(EvaluationPlan plan, bool score);
  /*! \brief Starts to embed texts, until Abort() of the request's id; a promise of Float32Array.
   * `result` of the request is not used. Throws as Submit(). */
  napi_value Embed(EmbeddingRequest request);
  /*! \brief Engine::Pin(); a promise of the tokens kept. */
  napi_value Pin(int64_t id, std::vector<int32_t> tokens);
  void Unpin(int64_t id);
  /*! \brief Engine::ReadPrefix(); a promise of a Uint8Array. */
  napi_value ReadPrefix(std::vector<int32_t> tokens);
  /*! \brief Engine::WritePrefix(); a promise of the tokens kept. */
  napi_value WritePrefix(int64_t id, std::vector<int32_t> tokens, std::vector<uint8_t> data);
  /*! \brief The vocabulary that grammars are compiled for; the first one counts. */
  void UseVocabulary(Vocabulary vocabulary);
  /*! \brief GrammarService::Match(); a promise of an Int32Array. */
  napi_value MatchGrammar(GrammarSource source, std::vector<std::vector<int32_t>> texts);
  /*! \brief NativeEngineStats. */
  napi_value Stats() const;
  void StartTrace(size_t capacity);
  /*! \brief A promise of NativeTrace. */
  napi_value StopTrace();
  /*! \brief Starts to close; a promise that resolves when everything is freed. */
  napi_value Dispose();
  /*! \brief Starts to close without a promise; for the finalizer. */
  void DisposeQuietly();

 private:
  enum class State { kLoading, kOpen, kClosing, kClosed };

  EngineSession(napi_env env, ModelConfig config, MakeWrapper make_wrapper)
      : env_(env), config_(std::move(config)), make_wrapper_(make_wrapper) {}

  /*! \brief Runs an action that settles its promise on the JavaScript thread; may be called on any
   * thread. */
  using Settle = std::function<void(std::function<void(napi_env, napi_deferred)>)>;

  /*! \brief Throws CodedError(ERR_INVALID_ARGUMENT) when the id is in use. */
  void OpenRequest(int64_t id, const char* method);
  /*! \brief Makes a promise that keeps the event loop alive until it is settled. */
  Settle OpenPromise(napi_value* promise);
  /*! \brief Runs `compute` on the engine thread; a promise of what `convert(env, result)` makes of
   * its result, or of the error it throws. */
  template <typename Compute, typename Convert>
  napi_value Ask(Compute compute, Convert convert);
  void Start(napi_value on_events, napi_value on_progress);
  EngineLoop::Factory MakeFactory();
  EngineLoop::Callbacks MakeCallbacks();
  void ReportProgress(int64_t done, int64_t total, const char* phase);
  void OnEvents(const std::vector<RequestEvent>& events);
  void OnLoaded();
  void OnClosed();
  /*! \brief Calls `settle` with the promise of load() and lets the event loop go. */
  void SettleLoad(const std::function<void(napi_deferred)>& settle);
  static void OnEnvironmentExit(void* share);

  const napi_env env_;
  const ModelConfig config_;
  const MakeWrapper make_wrapper_;
  State state_ = State::kLoading;
  bool has_vocabulary_ = false;
  std::unordered_set<int64_t> open_requests_;
  napi_deferred loading_ = nullptr;
  napi_ref on_progress_ = nullptr;
  std::vector<napi_deferred> disposals_;
  std::string load_error_code_;
  std::string load_error_message_;
  Clock::time_point load_started_ = Clock::now();
  double load_ms_ = 0.0;
  /*! \brief Owned by the cleanup hook; null when the hook is gone. */
  std::shared_ptr<EngineSession>* hook_share_ = nullptr;
  std::shared_ptr<std::atomic<int32_t>> threads_ = std::make_shared<std::atomic<int32_t>>(0);
  std::shared_ptr<TokenChannel> channel_;
  std::unique_ptr<EngineLoop> loop_;  // last: its end uses the channel
};

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_ENGINE_SESSION_H_
