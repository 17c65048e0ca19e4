/*!
 * \file node/engine_session.cc
 */
#include "node/engine_session.h"

#include <algorithm>
#include <utility>

#include "engine/draft_model.h"
#include "engine/load_progress.h"
#include "engine/ngram_proposer.h"
#include "engine/tvm_model_runner.h"
#include "node/engine_report.h"
#include "node/error_conversion.h"
#include "node/promise.h"
#include "node/value_conversion.h"

namespace node_mlc {

namespace {

EngineLimits LimitsOf(const ModelConfig& config) {
  return {{config.context_length, config.max_batch, config.prefill_chunk, config.mixed_prefill},
          config.pages,
          config.page_size,
          config.vocab_size,
          config.prefix_cache,
          config.cached_pages,
          config.encoder};
}

/*! \brief Who drafts for an engine of `config`; loads the draft model on the engine thread. */
std::unique_ptr<Proposer> MakeProposer(const ModelConfig& config,
                                       const std::atomic<bool>& stopped) {
  if (config.draft_model == nullptr) return std::make_unique<NgramProposer>();
  const ModelConfig& draft = *config.draft_model;
  const DraftModelLimits limits{
      draft.pages,     draft.page_size,     draft.context_length,
      draft.max_batch, draft.prefill_chunk, std::min(draft.vocab_size, config.vocab_size)};
  // Its phases would begin anew; the caller hears of the engine's own model.
  const LoadProgress silent([](int64_t, int64_t, const char*) {}, stopped);
  return std::make_unique<DraftModel>(limits, TvmModelRunner::Load(draft, silent));
}

napi_value ToJsNumber(napi_env env, double value) {
  napi_value number;
  Check(env, napi_create_double(env, value, &number));
  return number;
}

}  // namespace

napi_value EngineSession::Load(napi_env env, ModelConfig config, napi_value on_events,
                               napi_value on_progress, MakeWrapper make_wrapper) {
  std::shared_ptr<EngineSession> session(new EngineSession(env, std::move(config), make_wrapper));
  napi_value promise;
  Check(env, napi_create_promise(env, &session->loading_, &promise));
  try {
    session->Start(on_events, on_progress);
  } catch (const CodedError& error) {
    RejectWith(env, session->loading_, error.code(), error.what());
  } catch (const std::exception& error) {
    RejectWith(env, session->loading_, "ERR_NATIVE",
               std::string("The engine thread does not start: ") + error.what());
  }
  return promise;
}

void EngineSession::Start(napi_value on_events, napi_value on_progress) {
  std::weak_ptr<EngineSession> weak = weak_from_this();
  channel_ = TokenChannel::Create(env_, on_events,
                                  [weak](napi_env, const std::vector<RequestEvent>& events) {
                                    if (auto session = weak.lock()) session->OnEvents(events);
                                  });
  if (on_progress != nullptr) {
    Check(env_, napi_create_reference(env_, on_progress, 1, &on_progress_));
  }
  try {
    loop_ = std::make_unique<EngineLoop>(MakeFactory(), MakeCallbacks());
  } catch (...) {
    channel_->Close();
    throw;
  }
  // Added after the thread-safe function, whose own hook must run later: hooks run in reverse
  // order.
  hook_share_ = new std::shared_ptr<EngineSession>(shared_from_this());
  napi_add_env_cleanup_hook(env_, OnEnvironmentExit, hook_share_);
  channel_->Hold(env_);
}

EngineLoop::Factory EngineSession::MakeFactory() {
  auto progress = [weak = weak_from_this(), channel = channel_, wanted = on_progress_ != nullptr](
                      int64_t done, int64_t total, const char* phase) {
    if (!wanted) return;
    channel->PostTask([=](napi_env) {
      if (auto session = weak.lock()) session->ReportProgress(done, total, phase);
    });
  };
  return [config = config_, channel = channel_, threads = threads_,
          progress](const std::atomic<bool>& stopped) {
    auto runner = TvmModelRunner::Load(config, LoadProgress(progress, stopped));
    *threads = runner->threads();
    auto engine = std::make_unique<Engine>(
        LimitsOf(config), std::move(runner),
        [channel](std::vector<RequestEvent> events) { channel->PostEvents(std::move(events)); });
    if (config.draft_tokens > 0) {
      engine->Speculate(MakeProposer(config, stopped), config.draft_tokens);
    }
    return engine;
  };
}

EngineLoop::Callbacks EngineSession::MakeCallbacks() {
  auto post = [weak = weak_from_this(),
               channel = channel_](std::function<void(EngineSession*)> action) {
    channel->PostTask([weak, action = std::move(action)](napi_env) {
      if (auto session = weak.lock()) action(session.get());
    });
  };
  return {[post] { post([](EngineSession* session) { session->OnLoaded(); }); },
          [post](const std::string& code, const std::string& message) {
            post([code, message](EngineSession* session) {
              session->load_error_code_ = code;
              session->load_error_message_ = message;
            });
          },
          [post] { post([](EngineSession* session) { session->OnClosed(); }); }};
}

void EngineSession::ReportProgress(int64_t done, int64_t total, const char* phase) {
  napi_value arguments[3], function;
  if (napi_get_reference_value(env_, on_progress_, &function) != napi_ok ||
      napi_create_double(env_, static_cast<double>(done), &arguments[0]) != napi_ok ||
      napi_create_double(env_, static_cast<double>(total), &arguments[1]) != napi_ok ||
      napi_create_string_utf8(env_, phase, NAPI_AUTO_LENGTH, &arguments[2]) != napi_ok) {
    return;
  }
  CallJavaScript(env_, function, 3, arguments);
}

void EngineSession::OnEvents(const std::vector<RequestEvent>& events) {
  for (const RequestEvent& event : events) {
    if (event.finish == FinishReason::kNone) continue;
    if (open_requests_.erase(event.id) > 0) channel_->Drop(env_);
  }
}

void EngineSession::SettleLoad(const std::function<void(napi_deferred)>& settle) {
  if (on_progress_ != nullptr) napi_delete_reference(env_, on_progress_);
  on_progress_ = nullptr;
  settle(std::exchange(loading_, nullptr));
  channel_->Drop(env_);
}

void EngineSession::OnLoaded() {
  load_ms_ = std::chrono::duration<double, std::milli>(Clock::now() - load_started_).count();
  state_ = State::kOpen;
  SettleLoad([this](napi_deferred deferred) {
    ResolveWith(env_, deferred, [this] { return make_wrapper_(env_, shared_from_this()); });
  });
}

void EngineSession::OnClosed() {
  std::shared_ptr<EngineSession> keep = shared_from_this();
  loop_->Join();  // does not wait: the notice of its end is the thread's last act
  state_ = State::kClosed;
  if (loading_ != nullptr) {
    SettleLoad([this](napi_deferred deferred) {
      RejectWith(env_, deferred, load_error_code_, load_error_message_);
    });
  }
  for (napi_deferred deferred : std::exchange(disposals_, {})) {
    napi_value undefined;
    napi_get_undefined(env_, &undefined);
    napi_resolve_deferred(env_, deferred, undefined);
    channel_->Drop(env_);
  }
  channel_->Close();
  napi_remove_env_cleanup_hook(env_, OnEnvironmentExit, hook_share_);
  delete std::exchange(hook_share_, nullptr);
}

void EngineSession::OnEnvironmentExit(void* data) {
  std::unique_ptr<std::shared_ptr<EngineSession>> share(
      static_cast<std::shared_ptr<EngineSession>*>(data));
  EngineSession* session = share->get();
  session->hook_share_ = nullptr;
  session->state_ = State::kClosed;
  session->channel_->Detach();
  session->loop_->Abandon();
  session->loop_->Join();
}

void EngineSession::OpenRequest(int64_t id, const char* method) {
  if (open_requests_.insert(id).second) return;
  throw CodedError("ERR_INVALID_ARGUMENT",
                   std::string("Expected an id that no unfinished request has for ") + method +
                       " but received " + std::to_string(id) + ".");
}

void EngineSession::Submit(std::unique_ptr<Request> request) {
  OpenRequest(request->id, "submit()");
  channel_->Hold(env_);
  // A std::function must be copyable, so the request travels in a shared pointer.
  auto shared = std::make_shared<std::unique_ptr<Request>>(std::move(request));
  loop_->Post([shared](Engine* engine) { engine->Submit(std::move(*shared)); });
}

void EngineSession::Abort(int64_t id) {
  if (open_requests_.count(id) == 0) return;
  loop_->Post([id](Engine* engine) { engine->Abort(id); });
}

void EngineSession::AbortIfQueued(int64_t id) {
  if (open_requests_.count(id) == 0) return;
  loop_->Post([id](Engine* engine) { engine->AbortIfQueued(id); });
}

void EngineSession::ReplyLogits(int64_t id, std::vector<float> logits) {
  if (open_requests_.count(id) == 0) return;
  auto shared = std::make_shared<std::vector<float>>(std::move(logits));
  loop_->Post([id, shared](Engine* engine) { engine->ReplyLogits(id, std::move(*shared)); });
}

EngineSession::Settle EngineSession::OpenPromise(napi_value* promise) {
  napi_deferred deferred;
  Check(env_, napi_create_promise(env_, &deferred, promise));
  channel_->Hold(env_);
  return [weak = weak_from_this(), channel = channel_,
          deferred](std::function<void(napi_env, napi_deferred)> action) {
    channel->PostTask([=](napi_env env) {
      action(env, deferred);
      if (auto session = weak.lock()) session->channel_->Drop(env);
    });
  };
}

napi_value EngineSession::Evaluate(EvaluationPlan plan, bool score) {
  napi_value promise;
  const Settle settle = OpenPromise(&promise);
  EvaluationResult result{[settle](std::vector<float> values) {
                            auto shared = std::make_shared<std::vector<float>>(std::move(values));
                            settle([shared](napi_env env, napi_deferred promise) {
                              ResolveWith(env, promise,
                                          [&] { return ToFloat32Array(env, std::move(*shared)); });
                            });
                          },
                          [settle](const std::string& code, const std::string& message) {
                            settle([code, message](napi_env env, napi_deferred promise) {
                              RejectWith(env, promise, code, message);
                            });
                          }};
  loop_->Post([plan = std::move(plan), result, score, vocab = config_.vocab_size](Engine* engine) {
    std::unique_ptr<Evaluation> evaluation;
    try {
      if (score) {
        evaluation = std::make_unique<ScoreEvaluation>(plan, result);
      } else {
        evaluation = std::make_unique<LogitsEvaluation>(plan, vocab, result);
      }
    } catch (const std::exception&) {  // std::bad_alloc or std::length_error
      result.failed("ERR_INSUFFICIENT_MEMORY", "The logits of evaluate() do not fit into memory.");
      return;
    }
    engine->Evaluate(std::move(evaluation));
  });
  return promise;
}

template <typename Compute, typename Convert>
napi_value EngineSession::Ask(Compute compute, Convert convert) {
  napi_value promise;
  const Settle settle = OpenPromise(&promise);
  loop_->Post([settle, compute, convert](Engine* engine) {
    std::string code, reason;
    try {
      auto result = std::make_shared<decltype(compute(engine))>(compute(engine));
      settle([result, convert](napi_env env, napi_deferred deferred) {
        ResolveWith(env, deferred, [&] { return convert(env, std::move(*result)); });
      });
      return;
    } catch (const CodedError& error) {
      code = error.code();
      reason = error.what();
    } catch (const std::exception& error) {
      code = "ERR_NATIVE";
      reason = error.what();
    }
    settle([code, reason](napi_env env, napi_deferred deferred) {
      RejectWith(env, deferred, code, reason);
    });
  });
  return promise;
}

napi_value EngineSession::Pin(int64_t id, std::vector<int32_t> tokens) {
  return Ask([id, tokens = std::move(tokens)](Engine* engine) { return engine->Pin(id, tokens); },
             ToJsNumber);
}

void EngineSession::Unpin(int64_t id) {
  loop_->Post([id](Engine* engine) { engine->Unpin(id); });
}

napi_value EngineSession::ReadPrefix(std::vector<int32_t> tokens) {
  return Ask([tokens = std::move(tokens)](Engine* engine) { return engine->ReadPrefix(tokens); },
             ToUint8Array);
}

napi_value EngineSession::WritePrefix(int64_t id, std::vector<int32_t> tokens,
                                      std::vector<uint8_t> data) {
  return Ask([id, tokens = std::move(tokens), data = std::move(data)](
                 Engine* engine) { return engine->WritePrefix(id, tokens, data); },
             ToJsNumber);
}

napi_value EngineSession::Stats() const {
  return ToJsStats(env_, loop_->stats(), config_, {*threads_, load_ms_});
}

void EngineSession::StartTrace(size_t capacity) {
  loop_->Post(
      [capacity, start = Clock::now()](Engine* engine) { engine->StartTrace(capacity, start); });
}

napi_value EngineSession::StopTrace() {
  napi_value promise;
  const Settle settle = OpenPromise(&promise);
  loop_->Post([settle](Engine* engine) {
    auto trace = std::make_shared<Trace>(engine->StopTrace());
    settle([trace](napi_env env, napi_deferred deferred) {
      ResolveWith(env, deferred, [&] { return ToJsTrace(env, *trace); });
    });
  });
  return promise;
}

napi_value EngineSession::Dispose() {
  napi_deferred deferred;
  napi_value promise, undefined;
  Check(env_, napi_create_promise(env_, &deferred, &promise));
  if (state_ == State::kClosed) {
    Check(env_, napi_get_undefined(env_, &undefined));
    Check(env_, napi_resolve_deferred(env_, deferred, undefined));
    return promise;
  }
  disposals_.push_back(deferred);
  channel_->Hold(env_);
  DisposeQuietly();
  return promise;
}

void EngineSession::DisposeQuietly() {
  if (state_ != State::kOpen) return;
  state_ = State::kClosing;
  loop_->Stop();
}

}  // namespace node_mlc
