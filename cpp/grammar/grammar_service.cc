/*!
 * \file grammar/grammar_service.cc
 */
#include "grammar/grammar_service.h"

#include <algorithm>
#include <new>
#include <utility>

#include "support/coded_error.h"

namespace node_mlc {

namespace {

/*! \brief Runs `body`, which fills in `result`; an exception becomes its error. */
template <typename Result, typename Body>
void Guarded(Result* result, Body&& body) {
  try {
    body();
  } catch (const CodedError& error) {
    result->error_code = error.code();
    result->error_message = error.what();
  } catch (const std::bad_alloc&) {
    result->error_code = "ERR_INSUFFICIENT_MEMORY";
    result->error_message = "Out of memory while compiling a grammar.";
  } catch (const std::exception& error) {
    result->error_code = "ERR_NATIVE";
    result->error_message = error.what();
  }
}

/*! \brief Calls `done` once: with a result, or at its end with ERR_ABORTED. */
class MatchReply {
 public:
  explicit MatchReply(std::function<void(MatchResult)> done) : done_(std::move(done)) {}
  ~MatchReply() {
    if (done_) done_({{}, "ERR_ABORTED", "The engine was disposed while a grammar was matched."});
  }
  MatchReply(const MatchReply&) = delete;
  MatchReply& operator=(const MatchReply&) = delete;

  void Give(MatchResult result) { std::exchange(done_, nullptr)(std::move(result)); }

 private:
  std::function<void(MatchResult)> done_;
};

}  // namespace

GrammarService::GrammarService(std::unique_ptr<GrammarCompiler> compiler, int32_t vocab,
                               int64_t cache_bytes)
    : compiler_(std::move(compiler)), vocab_(vocab), cache_(cache_bytes) {}

std::shared_ptr<const CompiledGrammar> GrammarService::Compile(const GrammarSource& source) {
  if (auto kept = cache_.Find(source)) return kept;
  auto grammar = compiler_->Compile(source);
  cache_.Add(source, grammar);
  return grammar;
}

void GrammarService::Constrain(std::shared_ptr<const PendingGrammar> pending,
                               std::vector<int32_t> stop_tokens,
                               std::function<void(ConstraintResult)> done) {
  compiling_.Post([this, pending = std::move(pending), stop_tokens = std::move(stop_tokens),
                   done = std::move(done)] {
    if (!pending->wanted) return;
    ConstraintResult result;
    Guarded(&result, [&] {
      result.constraint =
          std::make_unique<Constraint>(*Compile(pending->source), vocab_, stop_tokens, &masks_);
      result.constraint->Prepare();
    });
    done(std::move(result));
  });
}

void GrammarService::Match(GrammarSource source, std::vector<std::vector<int32_t>> texts,
                           std::function<void(MatchResult)> done) {
  auto reply = std::make_shared<MatchReply>(std::move(done));
  compiling_.Post([this, source = std::move(source), texts = std::move(texts), reply] {
    MatchResult result;
    Guarded(&result, [&] {
      const auto grammar = Compile(source);
      for (const auto& text : texts) result.lengths.push_back(MatchedLength(*grammar, text));
    });
    reply->Give(std::move(result));
  });
}

int32_t GrammarService::MatchedLength(const CompiledGrammar& grammar,
                                      const std::vector<int32_t>& text) const {
  const std::unique_ptr<GrammarMatcher> matcher = grammar.Match({});
  TokenMask mask(vocab_);
  int32_t length = 0;
  for (int32_t token : text) {
    matcher->Fill(&mask);
    if (!mask.Has(token) || !matcher->Accept(token)) return length;
    ++length;
  }
  matcher->Fill(&mask);
  const std::vector<int32_t>& stops = grammar.stop_tokens();
  const bool may_end =
      std::any_of(stops.begin(), stops.end(), [&](int32_t token) { return mask.Has(token); });
  return may_end ? length + 1 : length;
}

}  // namespace node_mlc
