/*!
 * \file engine/draft_model.h
 * \brief Drafts from a second, smaller model.
 */
#ifndef NODE_MLC_ENGINE_DRAFT_MODEL_H_
#define NODE_MLC_ENGINE_DRAFT_MODEL_H_

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/batch.h"
#include "engine/model_runner.h"
#include "engine/page_table.h"
#include "engine/proposer.h"
#include "engine/sampler.h"

namespace node_mlc {

/*! \brief The bounds of a draft model's functions and KV pool. */
struct DraftModelLimits {
  int32_t pages = 0;
  int32_t page_size = 0;
  int32_t context_length = 0;
  int32_t max_batch = 0;
  int32_t prefill_chunk = 0;
  /*! \brief Tokens, from the first on, that the engine's model has too. */
  int32_t common_vocab = 0;
};

/*!
 * \brief Runs a model some tokens ahead (speculative decoding, Leviathan et al. 2023).
 *
 * It has a KV cache of its own, in which it keeps what it has read of each request; what turns out
 * otherwise is read again. A long prompt is read in chunks, one a step; the request has no drafts
 * until that is done. The draft's tokens are drawn with the very random numbers that the engine
 * will draw the real ones with, so that two similar distributions mostly choose the same token.
 * Engine thread only.
 */
class DraftModel final : public Proposer {
 public:
  DraftModel(const DraftModelLimits& limits, std::unique_ptr<ModelRunner> runner);

  void Propose(std::vector<Draft>* drafts) override;
  void Forget(int64_t id) override;

  /*! \brief Throws std::logic_error when pages and sequences disagree. */
  void CheckIntegrity() const;

 private:
  /*! \brief What was read of a request. */
  struct Sequence {
    /*! \brief Tokens whose keys and values lie in `pages`. */
    std::vector<int32_t> tokens;
    PageList pages;
  };
  /*! \brief One draft's share of a forward pass. */
  struct Share {
    Draft* draft;
    Sequence* sequence;
    /*! \brief The rows of the pass: the end of `text`. */
    int32_t count;
    /*! \brief The request's tokens and those drafted. */
    std::vector<int32_t> text;
  };

  /*! \brief The drafts that can be worked on, each with the rows that were not read yet. */
  std::vector<Share> BeginShares(std::vector<Draft>* drafts);
  /*! \brief One forward pass; keeps the shares that want another token. */
  void Advance(std::vector<Share>* shares);

  const DraftModelLimits limits_;
  PageTable pages_;
  const std::unique_ptr<ModelRunner> runner_;
  Sampler sampler_;
  StepInput input_;
  /*! \brief By request. */
  std::unordered_map<int64_t, Sequence> sequences_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_DRAFT_MODEL_H_
