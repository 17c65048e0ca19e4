/*!
 * \file node/engine_arguments.cc
 */
#include "node/engine_arguments.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "node/argument_check.h"
#include "node/engine_report.h"
#include "node/error_conversion.h"
#include "node/grammar_arguments.h"
#include "node/object_reader.h"
#include "node/sampling_arguments.h"
#include "node/value_conversion.h"

namespace node_mlc {

namespace {

constexpr NumberRange kPositive{1, std::numeric_limits<int32_t>::max()};
constexpr NumberRange kNatural{0, std::numeric_limits<int32_t>::max()};
constexpr NumberRange kSafe{0, 9007199254740991.0};
constexpr NumberRange kShare{0, 1};
constexpr NumberRange kPriority{-1000, 1000};
constexpr double kMostAlternatives = 20;
constexpr double kMostDraftTokens = 64;
/*! \brief The address space of a process. */
constexpr double kMostPoolBytes = 0x1p47;
/*! \brief Logits of one scoring step stay below this. */
constexpr int64_t kScoreBytes = int64_t{64} << 20;

/*! \brief Most tokens of one sequence that the KV pool holds. */
int64_t PoolTokens(const ModelConfig& config) { return int64_t{config.pages} * config.page_size; }

void CheckPrompt(const std::vector<int32_t>& tokens, const ModelConfig& config) {
  const int64_t length = static_cast<int64_t>(tokens.size());
  if (length == 0) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Expected at least one token for 'tokens' of submit() but received none.");
  }
  CheckTokens(tokens, config.vocab_size, "'tokens' of submit()");
  if (length > config.context_length - 1) {
    throw CodedError("ERR_CONTEXT_OVERFLOW",
                     "Expected a prompt of at most " + std::to_string(config.context_length - 1) +
                         " tokens (context length " + std::to_string(config.context_length) +
                         " less one to generate) but received " + std::to_string(length) +
                         ". Shorten the prompt or compile with a longer context.");
  }
  if (length >= PoolTokens(config)) {
    throw CodedError("ERR_INSUFFICIENT_MEMORY",
                     "Expected a prompt that fits into the KV cache of " +
                         std::to_string(PoolTokens(config)) + " tokens but received " +
                         std::to_string(length) + ". Load the engine with a larger KV cache.");
  }
}

ParameterConfig ReadParameter(const ObjectReader& reader) {
  ParameterConfig param;
  param.name = reader.String("name");
  param.dtype = reader.String("dtype");
  param.shape = reader.Integers("shape", kSafe);
  param.shard = reader.Integer("shard", kNatural);
  param.offset = reader.Integer("offset", kSafe);
  param.bytes = reader.Integer("bytes", kSafe);
  return param;
}

napi_value MakeObject(napi_env env) {
  napi_value object;
  Check(env, napi_create_object(env, &object));
  return object;
}

napi_value MakeNumber(napi_env env, double value) {
  napi_value number;
  Check(env, napi_create_double(env, value, &number));
  return number;
}

void SetValue(napi_env env, napi_value object, const char* name, napi_value value) {
  Check(env, napi_set_named_property(env, object, name, value));
}

template <typename Element, typename Convert>
napi_value ToJsArray(napi_env env, const std::vector<Element>& elements, Convert convert) {
  napi_value array;
  Check(env, napi_create_array_with_length(env, elements.size(), &array));
  for (size_t i = 0; i < elements.size(); ++i) {
    Check(env, napi_set_element(env, array, static_cast<uint32_t>(i), convert(elements[i])));
  }
  return array;
}

napi_value ToJsLogprobs(napi_env env, const TokenLogprobs& logprobs) {
  napi_value object = MakeObject(env);
  SetNumber(env, object, "logprob", logprobs.logprob);
  SetValue(env, object, "top", ToJsArray(env, logprobs.top, [env](const auto& entry) {
             napi_value alternative = MakeObject(env);
             SetNumber(env, alternative, "id", entry.first);
             SetNumber(env, alternative, "logprob", entry.second);
             return alternative;
           }));
  return object;
}

const char* FinishName(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kAbort:
      return "abort";
    default:
      return "error";
  }
}

napi_value ToJsTiming(napi_env env, const RequestEvent& event) {
  napi_value timing = MakeObject(env);
  SetNumber(env, timing, "queueMs", event.queue_ms);
  SetNumber(env, timing, "prefillMs", event.prefill_ms);
  SetNumber(env, timing, "decodeMs", event.decode_ms);
  return timing;
}

void AddFinish(napi_env env, napi_value object, const RequestEvent& event) {
  SetValue(env, object, "finish", ToJsString(env, FinishName(event.finish)));
  if (event.finish == FinishReason::kError) {
    napi_value error = MakeObject(env);
    SetValue(env, error, "code", ToJsString(env, event.error_code));
    SetValue(env, error, "message", ToJsString(env, event.error_message));
    SetValue(env, object, "error", error);
  }
  SetNumber(env, object, "promptTokens", event.prompt_tokens);
  SetNumber(env, object, "completionTokens", event.completion_tokens);
  SetNumber(env, object, "preemptions", event.preemptions);
  SetNumber(env, object, "draftedTokens", event.drafted_tokens);
  SetNumber(env, object, "acceptedTokens", event.accepted_tokens);
}

napi_value ToJsEvent(napi_env env, const RequestEvent& event) {
  napi_value object = MakeObject(env);
  SetNumber(env, object, "id", static_cast<double>(event.id));
  SetValue(env, object, "tokens",
           ToJsArray(env, event.tokens, [env](int32_t token) { return MakeNumber(env, token); }));
  if (!event.logprobs.empty()) {
    SetValue(env, object, "logprobs",
             ToJsArray(env, event.logprobs, [env](const TokenLogprobs& logprobs) {
               return ToJsLogprobs(env, logprobs);
             }));
  }
  const bool ended = event.finish != FinishReason::kNone;
  if (event.logits != nullptr && !ended) {
    SetValue(env, object, "logits", ToFloat32Array(env, std::move(*event.logits)));
  }
  if (event.first_token || ended) {
    SetNumber(env, object, "cachedTokens", event.cached_tokens);
    SetValue(env, object, "timing", ToJsTiming(env, event));
  }
  if (event.dropped_tokens > 0) SetNumber(env, object, "droppedTokens", event.dropped_tokens);
  if (event.thought_tokens > 0) SetNumber(env, object, "thoughtTokens", event.thought_tokens);
  if (ended) AddFinish(env, object, event);
  return object;
}

}  // namespace

void SetNumber(napi_env env, napi_value object, const char* name, double value) {
  SetValue(env, object, name, MakeNumber(env, value));
}

namespace {

DLDevice ReadDevice(const ObjectReader& reader) {
  const std::string type = reader.String("type");
  const auto index = static_cast<int32_t>(reader.Integer("index", kNatural));
  if (type == "opencl") return {kDLOpenCL, index};
  // Vulkan's code goes through WGSL, and its runtime is under the name of that.
  if (type == "vulkan") return {kDLWebGPU, index};
  if (type == "cuda") return {kDLCUDA, index};
  reader.Reject("type", R"("opencl", "vulkan" or "cuda")", "\"" + type + "\"");
}

ModelConfig ReadModel(const ObjectReader& reader) {
  auto positive = [&](const char* name) {
    return static_cast<int32_t>(reader.Integer(name, kPositive));
  };
  ModelConfig config;
  config.library = reader.String("library");
  if (reader.Has("device")) config.device = ReadDevice(reader.Object("device"));
  for (const ObjectReader& shard : reader.Objects("shards")) {
    config.shards.push_back({shard.String("path"), shard.Integer("bytes", kSafe)});
  }
  for (const ObjectReader& param : reader.Objects("params")) {
    config.params.push_back(ReadParameter(param));
  }
  config.vocab_size = positive("vocabSize");
  config.layers = positive("layers");
  config.kv_heads = positive("kvHeads");
  config.head_dim = positive("headDim");
  config.kv_dtype = reader.String("kvDtype");
  if (config.kv_dtype != "float32" && config.kv_dtype != "float16" && config.kv_dtype != "int8") {
    reader.Reject("kvDtype", R"("float32", "float16" or "int8")", "\"" + config.kv_dtype + "\"");
  }
  config.page_size = positive("pageSize");
  config.pages = static_cast<int32_t>(reader.Integer("pages", {1, 1 << 24}));
  config.context_length = positive("contextLength");
  config.max_batch = static_cast<int32_t>(reader.Integer("maxBatch", {1, 1 << 12}));
  config.prefill_chunk = static_cast<int32_t>(reader.Integer("prefillChunk", {1, 1 << 20}));
  if (reader.Has("encoder")) config.encoder = reader.Boolean("encoder");
  if (config.encoder && config.prefill_chunk < config.context_length) {
    reader.Reject("prefillChunk", "at least the contextLength of an encoder",
                  std::to_string(config.prefill_chunk));
  }
  if (reader.Has("labels")) {
    config.labels = positive("labels");
    if (!config.encoder) reader.Reject("labels", "none of a model that generates", "some");
  }
  if (reader.Has("mixedPrefill")) config.mixed_prefill = positive("mixedPrefill");
  if (reader.Has("threads")) config.threads = positive("threads");
  if (reader.Has("prefixCache")) config.prefix_cache = reader.Boolean("prefixCache");
  if (reader.Has("cachedPages")) {
    config.cached_pages = static_cast<int32_t>(reader.Integer("cachedPages", kNatural));
  }
  if (reader.Has("lockMemory")) config.lock_memory = reader.Boolean("lockMemory");
  // In floating point, lest the product overflow before it is checked.
  const double pool =
      8.0 * config.layers * config.kv_heads * config.head_dim * config.page_size * config.pages;
  if (pool > kMostPoolBytes) {
    throw CodedError("ERR_INSUFFICIENT_MEMORY",
                     "Expected a KV cache of less than 128 TiB, the address space of a process, "
                     "but received " +
                         std::to_string(config.pages) + " pages for load().");
  }
  return config;
}

void ReadSpeculation(const ObjectReader& speculation, ModelConfig* config) {
  config->draft_tokens =
      static_cast<int32_t>(speculation.Integer("draftTokens", {1, kMostDraftTokens}));
  if (!speculation.Has("model")) return;
  ModelConfig draft = ReadModel(speculation.Object("model"));
  if (draft.encoder) speculation.Reject("model", "a model that generates", "an encoder");
  config->draft_model = std::make_shared<const ModelConfig>(std::move(draft));
}

ThoughtParams ReadThought(const ObjectReader& thought, const ModelConfig& config) {
  auto mark = [&](const char* name) {
    std::vector<int32_t> tokens = thought.Int32Array(name);
    if (tokens.empty()) thought.Reject(name, "at least one token", "none");
    CheckTokens(tokens, config.vocab_size, std::string("'") + name + "' of thought of submit()");
    return tokens;
  };
  ThoughtParams params{mark("begin"), mark("end"), mark("close")};
  if (thought.Has("budget")) {
    params.budget = static_cast<int32_t>(thought.Integer("budget", kNatural));
  }
  params.begun = thought.Boolean("begun");
  return params;
}

}  // namespace

ModelConfig ToModelConfig(napi_env env, napi_value object) {
  const ObjectReader reader(env, object, "load()");
  ModelConfig config = ReadModel(reader);
  if (config.encoder && reader.Has("speculation")) {
    reader.Reject("speculation", "none of an encoder", "one");
  }
  if (reader.Has("speculation")) ReadSpeculation(reader.Object("speculation"), &config);
  return config;
}

std::unique_ptr<Request> ToRequest(napi_env env, napi_value object, const ModelConfig& config) {
  const ObjectReader reader(env, object, "submit()");
  auto request = std::make_unique<Request>();
  request->id = reader.Integer("id", kSafe);
  request->tokens = reader.Int32Array("tokens");
  CheckPrompt(request->tokens, config);
  request->prompt_length = request->length();
  request->max_tokens = static_cast<int32_t>(reader.Integer("maxTokens", kPositive));
  std::vector<int32_t> stop_tokens = reader.Int32Array("stopTokens");
  const bool ignore_stop = reader.Has("ignoreEos") && reader.Boolean("ignoreEos");
  if (!ignore_stop) request->stop_tokens = std::move(stop_tokens);
  if (reader.Has("priority")) {
    request->priority = static_cast<int32_t>(reader.Integer("priority", kPriority));
  }
  if (reader.Has("slideKeep")) {
    request->slide_keep = static_cast<int32_t>(reader.Integer("slideKeep", kNatural));
  }
  request->sampling = ReadSampling(reader, config);
  if (request->sampling.external_logits) request->speculate = false;
  if (reader.Has("thought")) {
    request->thought = std::make_unique<Thought>(ReadThought(reader.Object("thought"), config));
  }
  if (reader.Has("grammar")) {
    request->pending_grammar =
        std::make_shared<PendingGrammar>(ReadGrammar(reader.Object("grammar")));
  }
  return request;
}

EvaluationPlan ToEvaluationPlan(napi_env env, napi_value rows, napi_value options,
                                const ModelConfig& config) {
  EvaluationPlan plan;
  uint32_t count = 0;
  Check(env, napi_get_array_length(env, rows, &count));
  for (uint32_t i = 0; i < count; ++i) {
    napi_value row;
    Check(env, napi_get_element(env, rows, i, &row));
    const std::string what = "rows[" + std::to_string(i) + "] of evaluate()";
    plan.rows.push_back(ReadInt32Array(env, row, what));
    CheckTokens(plan.rows.back(), config.vocab_size, what);
    if (plan.rows.back().size() != plan.rows.front().size()) {
      throw CodedError("ERR_INVALID_ARGUMENT",
                       "Expected rows of one length for evaluate() but received " +
                           std::to_string(plan.rows.front().size()) + " and " +
                           std::to_string(plan.rows.back().size()) + " tokens.");
    }
  }
  if (plan.rows.empty() || plan.rows.front().empty()) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Expected at least one row of at least one token for evaluate().");
  }
  plan.length = static_cast<int32_t>(plan.rows.front().size());
  if (plan.length > config.context_length) {
    throw CodedError("ERR_CONTEXT_OVERFLOW",
                     "Expected rows of at most " + std::to_string(config.context_length) +
                         " tokens but received " + std::to_string(plan.length) + ".");
  }
  plan.chunk = plan.budget = config.prefill_chunk;
  napi_valuetype type;
  Check(env, napi_typeof(env, options, &type));
  if (type == napi_undefined) return plan;
  const ObjectReader reader(env, options, "evaluate()");
  if (reader.Has("chunk")) {
    plan.chunk = static_cast<int32_t>(
        std::min<int64_t>(reader.Integer("chunk", kPositive), config.prefill_chunk));
  }
  if (reader.Has("decode")) {
    plan.decode =
        static_cast<int32_t>(reader.Integer("decode", {0, static_cast<double>(plan.length)}));
  }
  if (reader.Has("together") && reader.Boolean("together")) {
    plan.group = std::min(config.max_batch, config.prefill_chunk);
  }
  return plan;
}

EvaluationPlan ToScorePlan(napi_env env, napi_value tokens, const ModelConfig& config) {
  EvaluationPlan plan;
  plan.rows.push_back(ReadInt32Array(env, tokens, "'tokens' of score()"));
  CheckTokens(plan.rows.front(), config.vocab_size, "'tokens' of score()");
  const int64_t length = static_cast<int64_t>(plan.rows.front().size());
  if (length < 2) {
    throw CodedError(
        "ERR_INVALID_ARGUMENT",
        "Expected at least two tokens for score() but received " + std::to_string(length) + ".");
  }
  if (length > config.context_length) {
    throw CodedError("ERR_CONTEXT_OVERFLOW",
                     "Expected at most " + std::to_string(config.context_length) +
                         " tokens for score() but received " + std::to_string(length) + ".");
  }
  // The last token is scored by the one before it and need not be computed.
  plan.length = static_cast<int32_t>(length) - 1;
  const int64_t rows = kScoreBytes / (int64_t{config.vocab_size} * 4);
  plan.chunk = plan.budget =
      static_cast<int32_t>(std::clamp<int64_t>(rows, 1, config.prefill_chunk));
  return plan;
}

napi_value ToJsEvents(napi_env env, const std::vector<RequestEvent>& events) {
  return ToJsArray(env, events, [env](const RequestEvent& event) { return ToJsEvent(env, event); });
}

}  // namespace node_mlc
