/*!
 * \file engine/engine_embedding.cc
 * \brief Engine: embeddings beside generation.
 */
#include <algorithm>
#include <utility>

#include "engine/engine.h"

namespace node_mlc {

void Engine::Embed(EmbeddingRequest request) { embeddings_.Add(std::move(request)); }

void Engine::AdvanceEmbeddings(bool generated) {
  if (embeddings_.empty()) return;
  FindEmbeddingPages();
  const SchedulerLimits& limits = limits_.scheduler;
  EmbeddingBudget budget;
  // Beside generation they take no more of a step than prompts may: every answer waits for its end.
  budget.rows = generated && limits.mixed_prefill > 0
                    ? std::min(limits.mixed_prefill, limits.prefill_chunk)
                    : limits.prefill_chunk;
  budget.reserved_pages = scheduler_.running();
  // Requests that could not begin for want of pages go first.
  budget.admit = generated || !scheduler_.HasRunnable();
  embeddings_.Advance(runner_.get(), budget);
  PublishStats();
}

void Engine::FindEmbeddingPages() {
  const int32_t wanted = embeddings_.PagesWanted();
  auto missing = [&] { return wanted > pages_.available() - scheduler_.running(); };
  while (wanted > 0 && missing() && cache_.UnpinOldest()) continue;
  if (wanted == 0 || !missing()) {
    embedding_stalls_ = 0;
    return;
  }
  // As for requests: who has waited long enough goes before others.
  if (++embedding_stalls_ < Scheduler::kStepsPerPriority) return;
  while (missing() && scheduler_.PreemptLast()) continue;
}

}  // namespace node_mlc
