/*!
 * \file grammar/constraint.h
 * \brief What holds one answer to its grammar; the mask of its next token is computed ahead.
 */
#ifndef NODE_MLC_GRAMMAR_CONSTRAINT_H_
#define NODE_MLC_GRAMMAR_CONSTRAINT_H_

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "grammar/grammar.h"
#include "support/worker_thread.h"

namespace node_mlc {

/*!
 * \brief The text of one answer in its grammar. Engine thread, but for the mask: a worker computes
 * it while the model computes the logits. Whoever comes first computes it, so nobody waits for a
 * worker that is busy with something else.
 */
class Constraint {
 public:
  /*! \brief An answer that `stop_tokens` may end; with none it ends where nothing may follow.
   * `worker` must outlive Accept(); null: masks are computed when they are asked for. */
  Constraint(const CompiledGrammar& grammar, int32_t vocab, const std::vector<int32_t>& stop_tokens,
             WorkerThread* worker);

  /*! \brief Computes the first mask now, on this thread. */
  void Prepare() { state_->Compute(); }

  /*! \brief The tokens that may come next. Throws what computing them threw. */
  const TokenMask& NextTokens();

  /*! \brief Whether nothing may follow: no token, or stop tokens alone. */
  bool Ended();

  /*! \brief The answer has gone on by a token of NextTokens(). Throws std::logic_error for another
   * one. */
  void Accept(int32_t token);

 private:
  struct State {
    State(const CompiledGrammar& grammar, int32_t vocab, const std::vector<int32_t>& stop_tokens);

    /*! \brief Computes the mask unless it is there; leaves an exception for NextTokens(). */
    void Compute();

    std::mutex mutex;
    const std::unique_ptr<GrammarMatcher> matcher;
    /*! \brief Of the request, or of the vocabulary where the request has none. */
    const std::vector<int32_t> stop_tokens;
    const bool may_stop;
    TokenMask mask;
    bool ended = false;
    bool ready = false;
    std::exception_ptr failure;
  };

  // Shared with tasks of the worker that may come late.
  const std::shared_ptr<State> state_;
  WorkerThread* const worker_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_GRAMMAR_CONSTRAINT_H_
