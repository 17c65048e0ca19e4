/*!
 * \file engine/sampling_params.h
 * \brief How the next token of a request is chosen, and what that remembers from token to token.
 */
#ifndef NODE_MLC_ENGINE_SAMPLING_PARAMS_H_
#define NODE_MLC_ENGINE_SAMPLING_PARAMS_H_

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace node_mlc {

/*! \brief DRY, "don't repeat yourself" (p-e-w 2024, text-generation-webui #5677); see
 * ApplyDryPenalty(). */
struct DryParams {
  /*! \brief Of the penalty; 0 is off. */
  float multiplier = 0.0f;
  /*! \brief What the penalty grows by with each token of the repeat; at least 1. */
  float base = 1.75f;
  /*! \brief Longest repeat without a penalty. */
  int32_t allowed_length = 2;
  /*! \brief Tokens looked back over; -1 is all. */
  int32_t range = -1;
  /*! \brief Sequences that repeats do not reach across: what follows each first token, an empty
   * list for a single token. */
  std::unordered_map<int32_t, std::vector<std::vector<int32_t>>> breakers;

  bool enabled() const { return multiplier > 0.0f && range != 0; }
};

/*! \brief How the next token is chosen. TypeScript validates and supplies defaults
 * (lib/ffi/native-engine.ts). */
struct SamplingParams {
  /*! \brief 0 is greedy. */
  float temperature = 1.0f;
  /*! \brief Keep the k likeliest tokens; 0 is off. */
  int32_t top_k = 0;
  /*! \brief Keep the smallest set of tokens whose probability reaches this; 1 is off. */
  float top_p = 1.0f;
  /*! \brief Drop tokens less likely than this times the likeliest; 0 is off. */
  float min_p = 0.0f;
  /*! \brief Keep the smallest set of tokens of nearly the expected surprise whose probability
   * reaches this; 1 is off. */
  float typical_p = 1.0f;
  /*! \brief How often all tokens as likely as `xtc_threshold` but the least likely are dropped; 0
   * is off. */
  float xtc_probability = 0.0f;
  float xtc_threshold = 0.1f;
  /*! \brief Surprise in bits that Mirostat 2.0 steers to, in place of top-k, top-p, min-p,
   * typical-p and XTC; 0 is off. */
  float mirostat_tau = 0.0f;
  /*! \brief How fast it steers. */
  float mirostat_eta = 0.1f;
  /*! \brief Divides positive, multiplies negative logits of tokens of prompt and answer; 1 is off.
   */
  float repetition_penalty = 1.0f;
  /*! \brief Subtracted once from the logits of tokens of the answer. */
  float presence_penalty = 0.0f;
  /*! \brief Subtracted from the logits of tokens of the answer as often as they occur. */
  float frequency_penalty = 0.0f;
  /*! \brief Last tokens that the three penalties look at; -1 is all. */
  int32_t penalty_window = -1;
  DryParams dry;
  /*! \brief Added to the logits of these tokens. */
  std::vector<std::pair<int32_t, float>> logit_bias;
  /*! \brief Tokens of the answer before which no stop token is chosen. */
  int32_t min_tokens = 0;
  uint64_t seed = 0;
  /*! \brief Alternatives to report; -1: no log-probabilities at all. */
  int32_t logprobs = -1;
  /*! \brief Each token waits for logits that somebody else has changed; see
   * Engine::ReplyLogits(). */
  bool external_logits = false;

  /*! \brief Whether the draw is from a part of the vocabulary. */
  bool Truncates() const {
    return top_p < 1.0f || min_p > 0.0f || typical_p < 1.0f || xtc_probability > 0.0f;
  }

  bool HasPenalties() const {
    return repetition_penalty != 1.0f || presence_penalty != 0.0f || frequency_penalty != 0.0f;
  }
};

/*! \brief What sampling remembers of one request between its tokens. */
struct SamplingState {
  /*! \brief Most surprise in bits that Mirostat allows next. */
  std::optional<double> mirostat_surprise;
  /*! \brief Logits are with an external processor. */
  bool awaits_logits = false;
  /*! \brief The model's logits meanwhile, where log-probabilities are reported. */
  std::vector<float> model_logits;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_SAMPLING_PARAMS_H_
