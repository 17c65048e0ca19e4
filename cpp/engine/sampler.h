/*!
 * \file engine/sampler.h
 * \brief Chooses the next token from logits.
 */
#ifndef NODE_MLC_ENGINE_SAMPLER_H_
#define NODE_MLC_ENGINE_SAMPLER_H_

#include <cstdint>
#include <vector>

#include "engine/request.h"
#include "engine/softmax.h"

namespace node_mlc {

/*!
 * \brief Greedy choice, or a draw after temperature, top-k, top-p, min-p and typical-p, in this
 * order (that of Hugging Face), then XTC; or after temperature and Mirostat.
 *
 * Sums are kept in double precision; no step sorts the vocabulary. Ties go to the lower id. Keeps
 * scratch memory between calls, results depend on the arguments only. Engine thread only.
 *
 * Typical-p: Meister et al., Locally Typical Sampling, 2022. XTC, exclude top choices: p-e-w 2024,
 * text-generation-webui #6335. Mirostat 2.0: Basu et al., Mirostat, 2021, algorithm 2 with the
 * probabilities after truncation in its feedback, as llama.cpp has it.
 */
class Sampler {
 public:
  /*!
   * \brief The token for position `index` of the answer, given finite or -inf `logits` [vocab].
   * `state` is read and changed by Mirostat alone; nullptr for a first token.
   * Throws CodedError(ERR_NATIVE) when a logit is NaN or +inf, or all are -inf.
   */
  int32_t Sample(const SamplingParams& params, int64_t index, const float* logits, int32_t vocab,
                 SamplingState* state = nullptr);

  /*! \brief Log-probability of `token` and of the `top` likeliest tokens. */
  static TokenLogprobs Logprobs(const float* logits, int32_t vocab, int32_t token, int32_t top);

 private:
  /*! \brief A token and its logit or weight. */
  struct Candidate {
    float weight;
    int32_t id;
  };

  /*! \brief A candidate and how far its surprise is from the expected one. */
  struct TypicalCandidate {
    float weight;
    int32_t id;
    double distance;
  };

  int32_t DrawMirostat(const SamplingParams& params, double uniform, const Highest& highest,
                       const float* logits, int32_t vocab, SamplingState* state);
  void CollectTopK(const SamplingParams& params, float highest, const float* logits, int32_t vocab);
  /*! \brief Candidates of at least this weight, and above 0. */
  void CollectAbove(double least);
  void DropBelow(float least);
  /*! \brief Keeps the likeliest candidates that weigh `p` of `total` together, at least one. */
  void KeepTopP(float p, double total);
  /*! \brief Keeps the most typical candidates that weigh `p` of them all together, at least one. */
  void KeepTypical(float p);
  /*! \brief Drops, as often as asked, the candidates above the threshold but the least likely. */
  void ExcludeTop(const SamplingParams& params, int64_t index);
  double TotalWeight() const;
  int32_t DrawFromAll(double target) const;
  Candidate Draw(double uniform, double total) const;

  static bool Likelier(const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  }

  std::vector<float> weights_;
  std::vector<Candidate> candidates_;
  std::vector<TypicalCandidate> typical_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_SAMPLER_H_
