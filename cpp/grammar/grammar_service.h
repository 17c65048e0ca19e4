/*!
 * \file grammar/grammar_service.h
 * \brief Grammars of one engine: compiled on a thread of their own, kept, and matched ahead.
 */
#ifndef NODE_MLC_GRAMMAR_GRAMMAR_SERVICE_H_
#define NODE_MLC_GRAMMAR_GRAMMAR_SERVICE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "grammar/constraint.h"
#include "grammar/grammar.h"
#include "grammar/grammar_cache.h"
#include "support/worker_thread.h"

namespace node_mlc {

/*! \brief A grammar that a request waits for. */
struct PendingGrammar {
  explicit PendingGrammar(GrammarSource source) : source(std::move(source)) {}

  const GrammarSource source;
  /*! \brief False once the request has ended: it need not be compiled. */
  std::atomic<bool> wanted{true};
};

/*! \brief A constraint, or why there is none. */
struct ConstraintResult {
  std::unique_ptr<Constraint> constraint;
  std::string error_code;
  std::string error_message;
};

/*! \brief How far texts match a grammar, or why that is not known. */
struct MatchResult {
  /*! \brief Tokens of each text that may follow one another; one more where the text may also end
   * there. */
  std::vector<int32_t> lengths;
  std::string error_code;
  std::string error_message;
};

/*!
 * \brief Compiles grammars one after the other on one thread, computes masks on another: a grammar
 * that takes seconds holds up no answer. Engine thread; results come on the first thread. Its end
 * waits for the grammar in progress.
 */
class GrammarService {
 public:
  /*! \brief Bytes of compiled grammars that are kept. */
  static constexpr int64_t kCacheBytes = int64_t{64} << 20;

  GrammarService(std::unique_ptr<GrammarCompiler> compiler, int32_t vocab,
                 int64_t cache_bytes = kCacheBytes);

  /*! \brief Makes the constraint of a request with these stop tokens. `done` is not called for a
   * grammar that is not wanted any more, nor after the end. */
  void Constrain(std::shared_ptr<const PendingGrammar> pending, std::vector<int32_t> stop_tokens,
                 std::function<void(ConstraintResult)> done);

  /*! \brief Matches each of `texts` from its beginning, by the masks. `done` is called in any
   * case, with ERR_ABORTED where the end comes first. */
  void Match(GrammarSource source, std::vector<std::vector<int32_t>> texts,
             std::function<void(MatchResult)> done);

 private:
  std::shared_ptr<const CompiledGrammar> Compile(const GrammarSource& source);
  int32_t MatchedLength(const CompiledGrammar& grammar, const std::vector<int32_t>& text) const;

  const std::unique_ptr<GrammarCompiler> compiler_;
  const int32_t vocab_;
  GrammarCache cache_;
  WorkerThread masks_;
  WorkerThread compiling_;  // last: its tasks use all else
};

}  // namespace node_mlc

#endif  // NODE_MLC_GRAMMAR_GRAMMAR_SERVICE_H_
