/*!
 * \file engine/logit_processor.cc
 */
#include "engine/logit_processor.h"

#include <algorithm>
#include <limits>

#include "engine/dry_penalty.h"

namespace node_mlc {

namespace {

using Counts = std::unordered_map<int32_t, TokenCounts>;

/*! \brief Counts of the last `window` tokens alone. */
Counts CountWindow(const Request& request, int32_t window) {
  Counts counts;
  for (int32_t i = request.length() - window; i < request.length(); ++i) {
    TokenCounts& count = counts[request.tokens[i]];
    ++(i < request.answer_begin() ? count.prompt : count.answer);
  }
  return counts;
}

void Penalise(const SamplingParams& sampling, const Counts& counts, float* logits, int32_t vocab) {
  for (const auto& [token, count] : counts) {
    if (token < 0 || token >= vocab) continue;
    float& logit = logits[token];
    logit =
        logit > 0.0f ? logit / sampling.repetition_penalty : logit * sampling.repetition_penalty;
    if (count.answer == 0) continue;
    logit -=
        sampling.presence_penalty + sampling.frequency_penalty * static_cast<float>(count.answer);
  }
}

}  // namespace

void CountPromptTokens(Request* request) {
  if (!request->sampling.HasPenalties()) return;
  for (int32_t i = 0; i < request->prompt_length; ++i) ++request->counts[request->tokens[i]].prompt;
}

void ProcessLogits(const Request& request, float* logits, int32_t vocab) {
  const SamplingParams& sampling = request.sampling;
  if (sampling.HasPenalties()) {
    const int32_t window = sampling.penalty_window;
    if (window < 0 || window >= request.length()) {
      Penalise(sampling, request.counts, logits, vocab);
    } else {
      Penalise(sampling, CountWindow(request, window), logits, vocab);
    }
  }
  if (sampling.dry.enabled()) ApplyDryPenalty(sampling.dry, request.tokens, logits, vocab);
  for (const auto& [token, bias] : sampling.logit_bias) logits[token] += bias;
  if (request.completion_length() >= sampling.min_tokens) return;
  for (int32_t token : request.stop_tokens) {
    if (token >= 0 && token < vocab) logits[token] = -std::numeric_limits<float>::infinity();
  }
}

}  // namespace node_mlc
