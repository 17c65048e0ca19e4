/*!
 * \file node/engine_report.cc
 */
#include "node/engine_report.h"

#include <memory>
#include <utility>

#include "engine/kv_cache.h"
#include "node/engine_arguments.h"
#include "node/error_conversion.h"
#include "node/external_memory.h"

namespace node_mlc {

namespace {

template <typename Element>
napi_value ToTypedArray(napi_env env, napi_typedarray_type type, std::vector<Element> values) {
  auto owner = std::make_unique<std::vector<Element>>(std::move(values));
  const size_t length = owner->size();
  void* data = owner->data();
  napi_value buffer =
      MakeExternalArrayBuffer(env, data, length * sizeof(Element), std::move(owner));
  napi_value array;
  Check(env, napi_create_typedarray(env, type, length, buffer, 0, &array));
  return array;
}

napi_value ToJsHistogram(napi_env env, const Histogram& histogram) {
  const HistogramBounds& bounds = histogram.bounds();
  std::vector<double> counts;
  for (size_t i = 0; i <= bounds.count; ++i) {
    counts.push_back(static_cast<double>(histogram.bucket(i)));
  }
  napi_value object;
  Check(env, napi_create_object(env, &object));
  Check(env, napi_set_named_property(env, object, "bounds",
                                     ToFloat64Array(env, {bounds.values.begin(),
                                                          bounds.values.begin() + bounds.count})));
  Check(env,
        napi_set_named_property(env, object, "counts", ToFloat64Array(env, std::move(counts))));
  SetNumber(env, object, "count", static_cast<double>(histogram.count()));
  SetNumber(env, object, "sum", histogram.sum());
  return object;
}

napi_value ToJsHistograms(napi_env env, const EngineStats& stats) {
  napi_value object;
  Check(env, napi_create_object(env, &object));
  auto set = [&](const char* name, const Histogram& histogram) {
    Check(env, napi_set_named_property(env, object, name, ToJsHistogram(env, histogram)));
  };
  set("queueSeconds", stats.queue_seconds);
  set("firstTokenSeconds", stats.first_token_seconds);
  set("interTokenSeconds", stats.inter_token_seconds);
  set("requestSeconds", stats.request_seconds);
  set("requestPromptTokens", stats.request_prompt_tokens);
  set("requestGeneratedTokens", stats.request_generated_tokens);
  set("stepSeconds", stats.step_seconds);
  set("stepSequences", stats.step_sequences);
  set("stepRows", stats.step_rows);
  return object;
}

/*! \brief The columns of NativeTrace.steps. */
std::vector<double> StepColumns(const Trace& trace) {
  std::vector<double> columns;
  columns.reserve(trace.steps.size() * 6);
  for (const StepRecord& step : trace.steps) {
    columns.insert(columns.end(),
                   {MillisecondsBetween(trace.start, step.start), step.forward_ms, step.sampling_ms,
                    static_cast<double>(step.sequences), static_cast<double>(step.prefill_rows),
                    static_cast<double>(step.decode_rows)});
  }
  return columns;
}

/*! \brief The columns of NativeTrace.spans. */
std::vector<double> SpanColumns(const Trace& trace) {
  std::vector<double> columns;
  columns.reserve(trace.spans.size() * 7);
  for (const TraceSpan& span : trace.spans) {
    columns.insert(
        columns.end(),
        {static_cast<double>(span.id), static_cast<double>(span.phase),
         MillisecondsBetween(trace.start, span.start), MillisecondsBetween(trace.start, span.end),
         static_cast<double>(span.prompt_tokens), static_cast<double>(span.completion_tokens),
         static_cast<double>(span.finish)});
  }
  return columns;
}

}  // namespace

napi_value ToFloat32Array(napi_env env, std::vector<float> values) {
  return ToTypedArray(env, napi_float32_array, std::move(values));
}

napi_value ToUint8Array(napi_env env, std::vector<uint8_t> values) {
  return ToTypedArray(env, napi_uint8_array, std::move(values));
}

napi_value ToInt32Array(napi_env env, std::vector<int32_t> values) {
  return ToTypedArray(env, napi_int32_array, std::move(values));
}

napi_value ToFloat64Array(napi_env env, std::vector<double> values) {
  return ToTypedArray(env, napi_float64_array, std::move(values));
}

napi_value ToJsStats(napi_env env, const EngineStats& stats, const ModelConfig& config,
                     const EngineFacts& facts) {
  napi_value object;
  Check(env, napi_create_object(env, &object));
  auto set = [&](const char* name, double value) { SetNumber(env, object, name, value); };
  auto count = [&](const char* name, int64_t value) { set(name, static_cast<double>(value)); };
  count("waiting", stats.waiting);
  count("running", stats.running);
  count("pagesTotal", config.pages);
  count("pagesFree", stats.pages_free);
  count("pagesCached", stats.pages_cached);
  count("pagesPeak", stats.pages_peak);
  set("kvBytes", static_cast<double>(KvPageBytes(config)) * config.pages);
  count("weightBytes", config.weight_bytes());
  count("threads", facts.threads);
  count("pins", stats.pins);
  count("steps", stats.steps);
  count("promptTokens", stats.prompt_tokens);
  count("generatedTokens", stats.generated_tokens);
  count("finished", stats.finished);
  count("aborted", stats.aborted);
  count("failed", stats.failed);
  count("preemptions", stats.preemptions);
  count("prefixLookups", stats.prefix_lookups);
  count("prefixLookupTokens", stats.prefix_lookup_tokens);
  count("prefixHitTokens", stats.prefix_hit_tokens);
  count("prefixEvictions", stats.prefix_evictions);
  count("draftedTokens", stats.drafted_tokens);
  count("acceptedTokens", stats.accepted_tokens);
  set("forwardMs", stats.forward_ms);
  set("samplingMs", stats.sampling_ms);
  set("loadMs", facts.load_ms);
  Check(env, napi_set_named_property(env, object, "histograms", ToJsHistograms(env, stats)));
  return object;
}

napi_value ToJsTrace(napi_env env, const Trace& trace) {
  napi_value object;
  Check(env, napi_create_object(env, &object));
  SetNumber(env, object, "durationMs", MillisecondsBetween(trace.start, trace.end));
  SetNumber(env, object, "droppedSteps", static_cast<double>(trace.dropped_steps));
  SetNumber(env, object, "droppedSpans", static_cast<double>(trace.dropped_spans));
  Check(env,
        napi_set_named_property(env, object, "steps", ToFloat64Array(env, StepColumns(trace))));
  Check(env,
        napi_set_named_property(env, object, "spans", ToFloat64Array(env, SpanColumns(trace))));
  return object;
}

}  // namespace node_mlc
