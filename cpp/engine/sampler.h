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

  /*! \brief log(sum(exp(logits))); throws as Sample() does. */
  static double LogSumExp(const float* logits, int32_t vocab);

 private:
  /*! \brief A token and its logit or weight. */
  struct Candidate {
    float weight;
    int32_t id;
  };

  void CollectTopK(const SamplingParams& params, float highest, const float* logits, int32_t vocab);
  void CollectAbove(double least);
  /*! \brief Keeps the likeliest candidates that weigh `p` of `total` together, at least one. */
  void KeepTopP(float p, double total);
  int32_t DrawFromAll(double target) const;
  int32_t DrawFromCandidates(double uniform, float min_p) const;

  static bool Likelier(const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  }

  std::vector<float> weights_;
  std::vector<Candidate> candidates_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_SAMPLER_H_
