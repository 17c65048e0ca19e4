/*!
 * \file node/token_channel.cc
 */
#include "node/token_channel.h"

#include <algorithm>
#include <utility>

#include "node/engine_arguments.h"
#include "node/error_conversion.h"

namespace node_mlc {

namespace {

/*! \brief Adds what happened since to an event that JavaScript has not seen yet. */
void Merge(RequestEvent* event, RequestEvent later) {
  event->tokens.insert(event->tokens.end(), later.tokens.begin(), later.tokens.end());
  std::move(later.logprobs.begin(), later.logprobs.end(), std::back_inserter(event->logprobs));
  later.tokens = std::move(event->tokens);
  later.logprobs = std::move(event->logprobs);
  later.first_token |= event->first_token;
  *event = std::move(later);
}

}  // namespace

void CallJavaScript(napi_env env, napi_value function, size_t count, const napi_value* arguments) {
  napi_value undefined, exception;
  if (napi_get_undefined(env, &undefined) != napi_ok) return;
  napi_status status = napi_call_function(env, undefined, function, count, arguments, nullptr);
  if (status != napi_pending_exception) return;
  if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) {
    napi_fatal_exception(env, exception);
  }
}

std::shared_ptr<TokenChannel> TokenChannel::Create(napi_env env, napi_value on_events,
                                                   Observer observer) {
  std::shared_ptr<TokenChannel> channel(new TokenChannel(std::move(observer)));
  napi_value name;
  Check(env, napi_create_string_utf8(env, "node_mlc.engine", NAPI_AUTO_LENGTH, &name));
  // Node's thread-safe function may call back until it is finalized, so it owns a share of the
  // channel.
  auto share = std::make_unique<std::shared_ptr<TokenChannel>>(channel);
  Check(env, napi_create_threadsafe_function(env, on_events, nullptr, name, /*max_queue_size=*/0,
                                             /*initial_thread_count=*/1, share.get(), OnFinalized,
                                             share.get(), OnWake, &channel->function_));
  share.release();
  Check(env, napi_unref_threadsafe_function(env, channel->function_));
  return channel;
}

void TokenChannel::PostEvents(std::vector<RequestEvent> events) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (function_ == nullptr) return;
  for (RequestEvent& event : events) {
    auto known = std::find_if(events_.begin(), events_.end(),
                              [&](const RequestEvent& other) { return other.id == event.id; });
    // An id may be used again after its last event.
    if (known != events_.end() && known->finish == FinishReason::kNone) {
      Merge(&*known, std::move(event));
    } else {
      events_.push_back(std::move(event));
    }
  }
  Wake();
}

void TokenChannel::PostTask(Task task) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (function_ == nullptr) return;
  tasks_.push_back(std::move(task));
  Wake();
}

void TokenChannel::Wake() {
  if (woken_) return;
  // Fails only when the environment is closing: the cleanup hook follows.
  woken_ = napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking) == napi_ok;
}

void TokenChannel::Hold(napi_env env) {
  if (held_++ == 0 && function_ != nullptr) napi_ref_threadsafe_function(env, function_);
}

void TokenChannel::Drop(napi_env env) {
  if (--held_ == 0 && function_ != nullptr) napi_unref_threadsafe_function(env, function_);
}

void TokenChannel::Close() {
  napi_threadsafe_function function;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    function = function_;
    function_ = nullptr;
  }
  if (function != nullptr) napi_release_threadsafe_function(function, napi_tsfn_abort);
}

void TokenChannel::Detach() {
  std::vector<Task> tasks;
  std::lock_guard<std::mutex> lock(mutex_);
  function_ = nullptr;
  tasks.swap(tasks_);
}

void TokenChannel::Drain(napi_env env, napi_value on_events) {
  std::vector<RequestEvent> events;
  std::vector<Task> tasks;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    woken_ = false;
    events.swap(events_);
    tasks.swap(tasks_);
  }
  if (!events.empty()) {
    observer_(env, events);
    try {
      napi_value array = ToJsEvents(env, events);
      CallJavaScript(env, on_events, 1, &array);
    } catch (const JsExceptionPending&) {
      // JavaScript is being terminated.
    }
  }
  for (Task& task : tasks) task(env);
}

void TokenChannel::OnWake(napi_env env, napi_value callback, void* context, void*) {
  if (env == nullptr) return;  // the environment is being torn down
  std::shared_ptr<TokenChannel> self = *static_cast<std::shared_ptr<TokenChannel>*>(context);
  try {
    self->Drain(env, callback);
  } catch (...) {
    // Only memory can run out here; the error goes to JavaScript as an uncaught exception.
    ThrowCurrentException(env);
  }
}

void TokenChannel::OnFinalized(napi_env, void* data, void*) {
  auto* share = static_cast<std::shared_ptr<TokenChannel>*>(data);
  {
    std::lock_guard<std::mutex> lock((*share)->mutex_);
    (*share)->function_ = nullptr;
  }
  delete share;
}

}  // namespace node_mlc
