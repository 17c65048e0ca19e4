/*!
 * \file node/grammar_arguments.h
 * \brief Grammars and vocabularies from JavaScript, checked.
 */
#ifndef NODE_MLC_NODE_GRAMMAR_ARGUMENTS_H_
#define NODE_MLC_NODE_GRAMMAR_ARGUMENTS_H_

#include <node_api.h>

#include <vector>

#include "engine/model_config.h"
#include "grammar/grammar.h"
#include "node/object_reader.h"

namespace node_mlc {

/*! \brief NativeGrammar; throws CodedError(ERR_INVALID_ARGUMENT). */
GrammarSource ReadGrammar(const ObjectReader& grammar);

/*! \brief bytes, lengths and stopTokens of useVocabulary(); throws
 * CodedError(ERR_INVALID_ARGUMENT). */
Vocabulary ToVocabulary(napi_env env, napi_value bytes, napi_value lengths, napi_value stop_tokens,
                        const ModelConfig& config);

/*! \brief Texts of `method`: an array of Int32Array. */
std::vector<std::vector<int32_t>> ToTexts(napi_env env, napi_value rows, const ModelConfig& config,
                                          const char* method);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_GRAMMAR_ARGUMENTS_H_
