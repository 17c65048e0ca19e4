/*!
 * \file engine/proposer.h
 * \brief Who guesses the next tokens of requests for speculative decoding.
 */
#ifndef NODE_MLC_ENGINE_PROPOSER_H_
#define NODE_MLC_ENGINE_PROPOSER_H_

#include <cstdint>
#include <vector>

#include "engine/request.h"

namespace node_mlc {

/*! \brief The draft of one request's next tokens. */
struct Draft {
  const Request* request = nullptr;
  /*! \brief Tokens wanted, at least 1. */
  int32_t most = 0;
  /*! \brief Tokens guessed, `most` or fewer. */
  std::vector<int32_t> tokens;
};

/*!
 * \brief Guesses tokens. A wrong guess costs time and changes no result: the model decides.
 *
 * Implementations: NgramProposer, DraftModel, and fakes in tests. Engine thread only.
 */
class Proposer {
 public:
  virtual ~Proposer() = default;

  /*! \brief Fills in the tokens of each draft; of ids that every model vocabulary of the engine
   * has. Throws CodedError. */
  virtual void Propose(std::vector<Draft>* drafts) = 0;

  /*! \brief A request has ended; nothing of it is kept. Unknown ids: nothing. */
  virtual void Forget(int64_t id) = 0;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_PROPOSER_H_
