/*!
 * \file engine/engine_grammar.cc
 * \brief Engine: requests with a grammar.
 */
#include <memory>
#include <utility>

#include "engine/engine.h"
#include "engine/softmax.h"

namespace node_mlc {

void Engine::UseGrammars(std::unique_ptr<GrammarService> grammars, Post post) {
  post_ = std::move(post);
  grammars_ = std::move(grammars);
}

void Engine::MatchGrammar(GrammarSource source, std::vector<std::vector<int32_t>> texts,
                          std::function<void(MatchResult)> done) {
  grammars_->Match(std::move(source), std::move(texts), std::move(done));
}

void Engine::AwaitGrammar(Request* request) {
  const int64_t id = request->id;
  // What is drafted is not matched against the grammar.
  request->speculate = false;
  scheduler_.Pause(id);
  const std::shared_ptr<PendingGrammar> pending = request->pending_grammar;
  grammars_->Constrain(pending, request->stop_tokens, [this, id, pending](ConstraintResult result) {
    // A std::function must be copyable.
    auto shared = std::make_shared<ConstraintResult>(std::move(result));
    post_([id, pending, shared](Engine* engine) {
      engine->TakeConstraint(id, pending.get(), std::move(*shared));
    });
  });
}

void Engine::TakeConstraint(int64_t id, const PendingGrammar* pending, ConstraintResult result) {
  Request* request = FindRequest(id);
  // Another request may have the id of one that has ended.
  if (request == nullptr || request->pending_grammar.get() != pending) return;
  request->pending_grammar = nullptr;
  if (result.constraint == nullptr) {
    Finish(id, FinishReason::kError, result.error_code, result.error_message);
    PublishEvents();
    return;
  }
  request->constraint = std::move(result.constraint);
  scheduler_.Resume(id);
}

bool Engine::ApplyGrammar(Request* request, float* logits) {
  if (request->constraint == nullptr) return true;
  if (request->constraint->Ended()) return false;
  request->constraint->NextTokens().Apply(logits);
  // A processor may have forbidden all that the grammar allows.
  if (request->sampling.external_logits) RequireSampleable(logits, limits_.vocab_size);
  return true;
}

Request* Engine::FindRequest(int64_t id) const {
  Request* found = nullptr;
  scheduler_.ForEach([&](Request& each) {
    if (each.id == id) found = &each;
  });
  return found;
}

}  // namespace node_mlc
