/*!
 * \file node/reference_reaper.cc
 */
#include "node/reference_reaper.h"

namespace node_mlc {

std::shared_ptr<ReferenceReaper> ReferenceReaper::Create(napi_env env) {
  std::shared_ptr<ReferenceReaper> reaper(new ReferenceReaper(env, std::this_thread::get_id()));
  napi_value name;
  napi_create_string_utf8(env, "node_mlc.reaper", NAPI_AUTO_LENGTH, &name);
  // Node's thread-safe function may call back until it is finalized, so it owns a share of the
  // reaper.
  auto* share = new std::shared_ptr<ReferenceReaper>(reaper);
  napi_status status = napi_create_threadsafe_function(
      env, nullptr, nullptr, name, /*max_queue_size=*/0, /*initial_thread_count=*/1, share,
      OnWakeFinalized, share, OnWake, &reaper->wake_);
  if (status != napi_ok) {
    delete share;
    reaper->wake_ =
        nullptr;  // references queued by other threads wait for the next Release() on this thread
  } else {
    napi_unref_threadsafe_function(env, reaper->wake_);
  }
  return reaper;
}

void ReferenceReaper::Release(napi_ref reference) {
  if (reference == nullptr) return;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return;
    pending_.push_back(reference);
    if (std::this_thread::get_id() != thread_) {
      // A failure means that the environment is closing: Close() follows.
      if (wake_ != nullptr && pending_.size() == 1) {
        napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
      }
      return;
    }
  }
  Drain();
}

void ReferenceReaper::Close() {
  std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  pending_.clear();
  wake_ = nullptr;  // Node tears it down with the environment
}

bool ReferenceReaper::CanCallJavaScript() const {
  if (std::this_thread::get_id() != thread_) return false;
  std::lock_guard<std::mutex> lock(mutex_);
  return !closed_;
}

void ReferenceReaper::Drain() {
  std::vector<napi_ref> dead;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return;
    dead.swap(pending_);
  }
  for (napi_ref reference : dead) napi_delete_reference(env_, reference);
}

void ReferenceReaper::OnWake(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;  // the environment is being torn down
  (*static_cast<std::shared_ptr<ReferenceReaper>*>(context))->Drain();
}

void ReferenceReaper::OnWakeFinalized(napi_env, void* data, void*) {
  auto* share = static_cast<std::shared_ptr<ReferenceReaper>*>(data);
  {
    std::lock_guard<std::mutex> lock((*share)->mutex_);
    (*share)->wake_ = nullptr;
  }
  delete share;
}

}  // namespace node_mlc
