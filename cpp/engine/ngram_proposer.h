/*!
 * \file engine/ngram_proposer.h
 * \brief Drafts from the request's own text.
 */
#ifndef NODE_MLC_ENGINE_NGRAM_PROPOSER_H_
#define NODE_MLC_ENGINE_NGRAM_PROPOSER_H_

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/ngram_index.h"
#include "engine/proposer.h"

namespace node_mlc {

/*! \brief Continues each text as it went on where its last tokens occurred before; costs almost
 * nothing and needs no second model. Engine thread only. */
class NgramProposer final : public Proposer {
 public:
  void Propose(std::vector<Draft>* drafts) override {
    for (Draft& draft : *drafts) {
      draft.tokens = indices_[draft.request->id].Continue(draft.request->tokens, draft.most);
    }
  }

  void Forget(int64_t id) override { indices_.erase(id); }

 private:
  /*! \brief By request. */
  std::unordered_map<int64_t, NgramIndex> indices_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_NGRAM_PROPOSER_H_
