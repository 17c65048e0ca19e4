/*!
 * \file node/grammar_arguments.cc
 */
#include "node/grammar_arguments.h"

#include <string>
#include <utility>

#include "node/error_conversion.h"
#include "node/sampling_arguments.h"

namespace node_mlc {

GrammarSource ReadGrammar(const ObjectReader& grammar) {
  GrammarSource source;
  const std::string kind = grammar.String("kind");
  if (kind == "json_schema") {
    source.kind = GrammarSource::Kind::kJsonSchema;
  } else if (kind == "ebnf") {
    source.kind = GrammarSource::Kind::kEbnf;
    source.root = grammar.String("root");
  } else if (kind == "regex") {
    source.kind = GrammarSource::Kind::kRegex;
  } else if (kind == "structural_tag") {
    source.kind = GrammarSource::Kind::kStructuralTag;
  } else {
    grammar.Reject("kind", R"("json_schema", "ebnf", "regex" or "structural_tag")",
                   "\"" + kind + "\"");
  }
  source.text = grammar.String("text");
  if (grammar.Has("rules")) {
    source.rules = grammar.String("rules");
    source.prefix = grammar.String("prefix");
    if (source.prefix.empty()) grammar.Reject("prefix", "a name's beginning", "none");
  }
  return source;
}

Vocabulary ToVocabulary(napi_env env, napi_value bytes, napi_value lengths, napi_value stop_tokens,
                        const ModelConfig& config) {
  const std::vector<uint8_t> all = ReadUint8Array(env, bytes, "'bytes' of useVocabulary()");
  const std::vector<int32_t> ends = ReadInt32Array(env, lengths, "'lengths' of useVocabulary()");
  Vocabulary vocabulary;
  vocabulary.stop_tokens = ReadInt32Array(env, stop_tokens, "'stopTokens' of useVocabulary()");
  CheckTokens(vocabulary.stop_tokens, config.vocab_size, "'stopTokens' of useVocabulary()");
  size_t begin = 0;
  vocabulary.tokens.reserve(ends.size());
  for (int32_t length : ends) {
    if (length < 0 || static_cast<size_t>(length) > all.size() - begin) break;
    vocabulary.tokens.emplace_back(all.begin() + begin, all.begin() + begin + length);
    begin += length;
  }
  const auto wanted = static_cast<size_t>(config.vocab_size);
  if (begin != all.size() || vocabulary.tokens.size() != wanted || ends.size() != wanted) {
    throw CodedError(
        "ERR_INVALID_ARGUMENT",
        "Expected " + std::to_string(wanted) +
            " lengths that sum to those of the bytes for useVocabulary() but received " +
            std::to_string(ends.size()) + " for " + std::to_string(all.size()) + " bytes.");
  }
  return vocabulary;
}

std::vector<std::vector<int32_t>> ToTexts(napi_env env, napi_value rows, const ModelConfig& config,
                                          const char* method) {
  uint32_t count = 0;
  Check(env, napi_get_array_length(env, rows, &count));
  std::vector<std::vector<int32_t>> texts;
  for (uint32_t i = 0; i < count; ++i) {
    napi_value row;
    Check(env, napi_get_element(env, rows, i, &row));
    const std::string what = "texts[" + std::to_string(i) + "] of " + method + "()";
    texts.push_back(ReadInt32Array(env, row, what));
    CheckTokens(texts.back(), config.vocab_size, what);
  }
  return texts;
}

}  // namespace node_mlc
