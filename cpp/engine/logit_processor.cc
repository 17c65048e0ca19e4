/*!
 * \file engine/logit_processor.cc
 */
#include "engine/logit_processor.h"

namespace node_mlc {

void CountPromptTokens(Request* request) {
  if (!request->sampling.HasPenalties()) return;
  for (int32_t i = 0; i < request->prompt_length; ++i) ++request->counts[request->tokens[i]].prompt;
}

void ProcessLogits(const Request& request, float* logits, int32_t vocab) {
  const SamplingParams& sampling = request.sampling;
  if (sampling.HasPenalties()) {
    for (const auto& [token, counts] : request.counts) {
      if (token < 0 || token >= vocab) continue;
      float& logit = logits[token];
      logit =
          logit > 0.0f ? logit / sampling.repetition_penalty : logit * sampling.repetition_penalty;
      if (counts.answer == 0) continue;
      logit -= sampling.presence_penalty +
               sampling.frequency_penalty * static_cast<float>(counts.answer);
    }
  }
  for (const auto& [token, bias] : sampling.logit_bias) logits[token] += bias;
}

}  // namespace node_mlc
