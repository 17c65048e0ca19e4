/*!
 * \file engine/sampler.h
 * \brief Chooses the next token from logits.
 */
#ifndef NODE_MLC_ENGINE_SAMPLER_H_
#define NODE_MLC_ENGINE_SAMPLER_H_

#include <cstdint>
#include <vector>

#include "engine/request.h"

namespace node_mlc {

/*!
 * \brief Greedy choice, or a draw after temperature, top-k, top-p and min-p, in this order (that of
 * Hugging Face).
 *
 * Sums are kept in double precision; no step sorts the vocabulary. Ties go to the lower id. Keeps
 * scratch memory between calls, results depend on the arguments only. Engine thread only.
 */
class Sampler {
 public:
  /*!
   * \brief The token for position `index` of the answer, given finite or -inf `logits` [vocab].
   * Throws CodedError(ERR_NATIVE) when a logit is NaN or +inf, or all are -inf.
   */
  int32_t Sample(const SamplingParams& params, int64_t index, const float* logits, int32_t vocab);

  /*! \brief Log-probability of `token` and of the `top` likeliest tokens. */
  static TokenLogprobs Logprobs(const float* logits, int32_t vocab, int32_t token, int32_t top);

  /*! \brief log(sum(exp(logits))), in double precision. */
  static double LogSumExp(const float* logits, int32_t vocab);

 private:
  struct Candidate {
    float weight;
    int32_t id;
  };

  void Collect(float highest, float temperature, const float* logits, int32_t vocab);
  void KeepTopK(int32_t k);
  void KeepTopP(float p);

  static bool Likelier(const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  }

  std::vector<Candidate> candidates_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_SAMPLER_H_
