/*!
 * \file grammar/grammar.h
 * \brief What the engine needs of grammars: compile one, match a text token by token.
 */
#ifndef NODE_MLC_GRAMMAR_GRAMMAR_H_
#define NODE_MLC_GRAMMAR_GRAMMAR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "grammar/token_mask.h"

namespace node_mlc {

/*! \brief A grammar as it was asked for. */
struct GrammarSource {
  enum class Kind { kJsonSchema, kEbnf, kRegex, kStructuralTag };

  Kind kind = Kind::kJsonSchema;
  std::string text;
  /*! \brief First rule; kEbnf alone. */
  std::string root;
  /*! \brief Rules in EBNF whose names begin with `prefix`: a constant of the text that is such a
   * name stands for its rule. Empty: none; kJsonSchema and kStructuralTag alone. */
  std::string rules;
  std::string prefix;

  bool operator<(const GrammarSource& other) const {
    return std::tie(kind, text, root, rules) <
           std::tie(other.kind, other.text, other.root, other.rules);
  }
};

/*! \brief What each token id stands for; an empty text never matches (control tokens, padding). */
struct Vocabulary {
  std::vector<std::string> tokens;
  /*! \brief The model's own end tokens. */
  std::vector<int32_t> stop_tokens;
};

/*! \brief Where one text is in its grammar. One thread at a time. */
class GrammarMatcher {
 public:
  virtual ~GrammarMatcher() = default;

  /*! \brief The tokens that may follow: `mask` gets their bits, and those of the stop tokens where
   * the text may end. */
  virtual void Fill(TokenMask* mask) = 0;

  /*! \brief Goes on by a token; false, and nothing happens, where it may not follow. */
  virtual bool Accept(int32_t token) = 0;
};

/*! \brief A grammar ready to match; any thread, any number of texts at a time. */
class CompiledGrammar {
 public:
  virtual ~CompiledGrammar() = default;

  /*! \brief A text at its beginning. `stop_tokens` may end it, in place of the vocabulary's; with
   * none of either nothing may follow its end. */
  virtual std::unique_ptr<GrammarMatcher> Match(const std::vector<int32_t>& stop_tokens) const = 0;

  /*! \brief The stop tokens of the vocabulary. */
  virtual const std::vector<int32_t>& stop_tokens() const = 0;

  /*! \brief Memory it takes, about. */
  virtual int64_t bytes() const = 0;
};

/*! \brief Compiles for one vocabulary; one thread at a time. */
class GrammarCompiler {
 public:
  virtual ~GrammarCompiler() = default;

  /*! \brief Throws CodedError: ERR_INVALID_GRAMMAR for a wrong grammar, ERR_NATIVE where the
   * library that compiles is missing. */
  virtual std::shared_ptr<const CompiledGrammar> Compile(const GrammarSource& source) = 0;
};

}  // namespace node_mlc

#endif  // NODE_MLC_GRAMMAR_GRAMMAR_H_
