/*!
 * \file grammar/constraint.cc
 */
#include "grammar/constraint.h"

#include <stdexcept>
#include <utility>

namespace node_mlc {

Constraint::Constraint(const CompiledGrammar& grammar, int32_t vocab,
                       const std::vector<int32_t>& stop_tokens, WorkerThread* worker)
    : state_(std::make_shared<State>(grammar, vocab, stop_tokens)), worker_(worker) {}

Constraint::State::State(const CompiledGrammar& grammar, int32_t vocab,
                         const std::vector<int32_t>& stop_tokens)
    : matcher(grammar.Match(stop_tokens)),
      stop_tokens(stop_tokens.empty() ? grammar.stop_tokens() : stop_tokens),
      may_stop(!stop_tokens.empty()),
      mask(vocab) {}

void Constraint::State::Compute() {
  std::lock_guard<std::mutex> lock(mutex);
  if (ready) return;
  try {
    matcher->Fill(&mask);
    if (!may_stop) mask.Remove(stop_tokens);
    ended = mask.HasNoneBut(stop_tokens);
  } catch (...) {
    failure = std::current_exception();
  }
  ready = true;
}

const TokenMask& Constraint::NextTokens() {
  state_->Compute();
  if (state_->failure) std::rethrow_exception(state_->failure);
  return state_->mask;
}

bool Constraint::Ended() {
  NextTokens();
  return state_->ended;
}

void Constraint::Accept(int32_t token) {
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    if (!state_->matcher->Accept(token)) {
      throw std::logic_error("A token was chosen that the grammar does not allow.");
    }
    state_->ready = false;
  }
  if (worker_ == nullptr) return;
  worker_->Post([state = state_] { state->Compute(); });
}

}  // namespace node_mlc
