/*!
 * \file node/sampling_arguments.cc
 */
#include "node/sampling_arguments.h"

#include <limits>
#include <string>

#include "node/error_conversion.h"

namespace node_mlc {

namespace {

constexpr double kLargestFloat = std::numeric_limits<float>::max();
constexpr double kLargestInt = std::numeric_limits<int32_t>::max();
constexpr NumberRange kNatural{0, kLargestInt};
/*! \brief -1 is all. */
constexpr NumberRange kWindow{-1, kLargestInt};
constexpr NumberRange kShare{0, 1};
constexpr double kMostAlternatives = 20;

float Optional(const ObjectReader& reader, const char* name, NumberRange range, float otherwise) {
  return reader.Has(name) ? static_cast<float>(reader.Number(name, range)) : otherwise;
}

void ReadBias(const ObjectReader& request, const ModelConfig& config, SamplingParams* sampling) {
  if (!request.Has("logitBias")) return;
  const ObjectReader bias = request.Object("logitBias");
  const std::vector<int32_t> ids = bias.Int32Array("ids");
  const std::vector<float> values = bias.Float32Array("values");
  if (ids.size() != values.size()) {
    bias.Reject("values", std::to_string(ids.size()) + " values, one an id",
                std::to_string(values.size()));
  }
  CheckTokens(ids, config.vocab_size, "'ids' of logitBias of submit()");
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!(values[i] >= -kLargestFloat && values[i] <= kLargestFloat)) {
      bias.Reject("values", "finite numbers", std::to_string(values[i]));
    }
    sampling->logit_bias.emplace_back(ids[i], values[i]);
  }
}

/*! \brief Sequences, one after the other in `breakers`, of `breakerLengths` tokens each. */
void ReadBreakers(const ObjectReader& dry, const ModelConfig& config, DryParams* params) {
  const std::vector<int32_t> tokens = dry.Int32Array("breakers");
  const std::vector<int32_t> lengths = dry.Int32Array("breakerLengths");
  CheckTokens(tokens, config.vocab_size, "'breakers' of dry of submit()");
  size_t begin = 0;
  for (int32_t length : lengths) {
    if (length < 1 || static_cast<size_t>(length) > tokens.size() - begin) {
      dry.Reject("breakerLengths", "lengths of at least 1 that sum to those of breakers",
                 std::to_string(length));
    }
    const auto first = tokens.begin() + begin;
    params->breakers[*first].emplace_back(first + 1, first + length);
    begin += length;
  }
  if (begin != tokens.size()) {
    dry.Reject("breakerLengths", "lengths that sum to " + std::to_string(tokens.size()),
               std::to_string(begin));
  }
}

DryParams ReadDry(const ObjectReader& dry, const ModelConfig& config) {
  DryParams params;
  params.multiplier = static_cast<float>(dry.Number("multiplier", {0, 1e6}));
  params.base = static_cast<float>(dry.Number("base", {1, 1e6}));
  params.allowed_length = static_cast<int32_t>(dry.Integer("allowedLength", kNatural));
  params.range = static_cast<int32_t>(dry.Integer("range", kWindow));
  ReadBreakers(dry, config, &params);
  return params;
}

}  // namespace

void CheckTokens(const std::vector<int32_t>& tokens, int32_t vocab, const std::string& what) {
  for (int32_t token : tokens) {
    if (token >= 0 && token < vocab) continue;
    throw CodedError("ERR_INVALID_ARGUMENT", "Expected token ids from 0 to " +
                                                 std::to_string(vocab - 1) + " for " + what +
                                                 " but received " + std::to_string(token) + ".");
  }
}

SamplingParams ReadSampling(const ObjectReader& request, const ModelConfig& config) {
  SamplingParams sampling;
  sampling.temperature = static_cast<float>(request.Number("temperature", {0, kLargestFloat}));
  sampling.top_k = static_cast<int32_t>(request.Integer("topK", kNatural));
  sampling.top_p = static_cast<float>(request.Number("topP", kShare));
  sampling.min_p = static_cast<float>(request.Number("minP", kShare));
  sampling.typical_p = Optional(request, "typicalP", kShare, 1.0f);
  sampling.xtc_probability = Optional(request, "xtcProbability", kShare, 0.0f);
  sampling.xtc_threshold = Optional(request, "xtcThreshold", kShare, 0.1f);
  sampling.mirostat_tau = Optional(request, "mirostatTau", {0, 100}, 0.0f);
  sampling.mirostat_eta = Optional(request, "mirostatEta", kShare, 0.1f);
  sampling.repetition_penalty =
      static_cast<float>(request.Number("repetitionPenalty", {1e-6, 1e6}));
  sampling.presence_penalty = static_cast<float>(request.Number("presencePenalty", {-1e6, 1e6}));
  sampling.frequency_penalty = static_cast<float>(request.Number("frequencyPenalty", {-1e6, 1e6}));
  if (request.Has("penaltyWindow")) {
    sampling.penalty_window = static_cast<int32_t>(request.Integer("penaltyWindow", kWindow));
  }
  if (request.Has("dry")) sampling.dry = ReadDry(request.Object("dry"), config);
  if (request.Has("minTokens")) {
    sampling.min_tokens = static_cast<int32_t>(request.Integer("minTokens", kNatural));
  }
  if (request.Has("externalLogits")) sampling.external_logits = request.Boolean("externalLogits");
  sampling.seed = request.BigInt("seed");
  if (request.Has("logprobs")) {
    sampling.logprobs = static_cast<int32_t>(request.Integer("logprobs", {0, kMostAlternatives}));
  }
  ReadBias(request, config, &sampling);
  return sampling;
}

}  // namespace node_mlc
