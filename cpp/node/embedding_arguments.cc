/*!
 * \file node/embedding_arguments.cc
 */
#include "node/embedding_arguments.h"

#include <cstdint>
#include <vector>

#include "node/grammar_arguments.h"
#include "support/coded_error.h"

namespace node_mlc {

namespace {

Pooling ToPooling(const std::string& name) {
  if (name == "mean") return Pooling::kMean;
  if (name == "cls") return Pooling::kCls;
  if (name == "last") return Pooling::kLast;
  throw CodedError(
      "ERR_INVALID_ARGUMENT",
      R"(Expected "mean", "cls" or "last" for 'pooling' of embed() but received ")" + name + "\".");
}

void CheckText(const std::vector<int32_t>& text, size_t index, const ModelConfig& config) {
  const auto length = static_cast<int64_t>(text.size());
  const std::string what = "texts[" + std::to_string(index) + "] of embed()";
  if (length == 0) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Expected at least one token for " + what + " but received none.");
  }
  if (length > config.context_length) {
    throw CodedError("ERR_CONTEXT_OVERFLOW",
                     "Expected at most " + std::to_string(config.context_length) + " tokens for " +
                         what + " but received " + std::to_string(length) + ".");
  }
  const int64_t pool = int64_t{config.pages} * config.page_size;
  if (length > pool) {
    throw CodedError("ERR_INSUFFICIENT_MEMORY", "Expected a text that fits into the KV cache of " +
                                                    std::to_string(pool) + " tokens for " + what +
                                                    " but received " + std::to_string(length) +
                                                    ". Load the engine with a larger KV cache.");
  }
}

}  // namespace

EmbeddingRequest ToEmbeddingRequest(napi_env env, napi_value texts, const std::string& pooling,
                                    const ModelConfig& config) {
  EmbeddingRequest request;
  request.pooling = ToPooling(pooling);
  request.texts = ToTexts(env, texts, config, "embed");
  if (request.texts.empty()) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Expected at least one text for embed() but received none.");
  }
  for (size_t i = 0; i < request.texts.size(); ++i) CheckText(request.texts[i], i, config);
  return request;
}

}  // namespace node_mlc
