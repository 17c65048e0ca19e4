/*!
 * \file engine/speculation.h
 * \brief Speculative decoding: which requests of a step get drafts, how long, and what became of
 * them.
 */
#ifndef NODE_MLC_ENGINE_SPECULATION_H_
#define NODE_MLC_ENGINE_SPECULATION_H_

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/batch.h"
#include "engine/draft_length.h"
#include "engine/proposer.h"

namespace node_mlc {

/*! \brief Since the engine was loaded. */
struct SpeculationStats {
  /*! \brief Tokens of drafts that were computed. */
  int64_t drafted_tokens = 0;
  /*! \brief Of those, tokens that the model chose too. */
  int64_t accepted_tokens = 0;
};

/*!
 * \brief Drafts for the decodes of a step, as long as they are likely to pay (DraftLength).
 *
 * The model computes a request's next token and its draft in one step, then chooses token after
 * token as it always does, from its own logits with the request's own random numbers; a drafted
 * token stays when it is the one chosen. So each token is the one that would have been chosen
 * without a draft: not only the distribution, the text itself is the same. Engine thread only.
 */
class Speculation {
 public:
  /*! \brief `most`: the longest draft. */
  Speculation(std::unique_ptr<Proposer> proposer, int32_t most);

  /*!
   * \brief Fills in the drafts of the decodes of `batch`: together at most `rows` tokens, none
   * beyond the request's or the engine's (`max_length`) last token.
   */
  void Propose(ScheduledBatch* batch, int32_t rows, int32_t max_length);

  /*! \brief `accepted` of the `drafted` tokens that were computed for a request held. */
  void Observe(Request* request, int32_t drafted, int32_t accepted);

  /*! \brief A step of decodes and drafts took the model `forward_ms`. */
  void ObserveStep(int32_t rows, double forward_ms) { cost_.Observe(rows, forward_ms); }

  /*! \brief A request has ended. */
  void Forget(int64_t id);

  const SpeculationStats& stats() const { return stats_; }

 private:
  const std::unique_ptr<Proposer> proposer_;
  const int32_t most_;
  StepCost cost_;
  /*! \brief Time to draft one token, lately. */
  double draft_ms_ = 0.0;
  /*! \brief By request. */
  std::unordered_map<int64_t, DraftLength> lengths_;
  SpeculationStats stats_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_SPECULATION_H_
