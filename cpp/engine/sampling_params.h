/*!
 * \file engine/sampling_params.h
 * \brief How the next token of a request is chosen.
 */
#ifndef NODE_MLC_ENGINE_SAMPLING_PARAMS_H_
#define NODE_MLC_ENGINE_SAMPLING_PARAMS_H_

#include <cstdint>
#include <utility>
#include <vector>

namespace node_mlc {

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
  /*! \brief Divides positive, multiplies negative logits of tokens of prompt and answer; 1 is off.
   */
  float repetition_penalty = 1.0f;
  /*! \brief Subtracted once from the logits of tokens of the answer. */
  float presence_penalty = 0.0f;
  /*! \brief Subtracted from the logits of tokens of the answer as often as they occur. */
  float frequency_penalty = 0.0f;
  /*! \brief Added to the logits of these tokens. */
  std::vector<std::pair<int32_t, float>> logit_bias;
  uint64_t seed = 0;
  /*! \brief Alternatives to report; -1: no log-probabilities at all. */
  int32_t logprobs = -1;

  bool HasPenalties() const {
    return repetition_penalty != 1.0f || presence_penalty != 0.0f || frequency_penalty != 0.0f;
  }
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_SAMPLING_PARAMS_H_
