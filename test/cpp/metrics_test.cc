/*!
 * \file metrics_test.cc
 * \brief Histograms, and what the engine counts.
 */
#include "engine/metrics.h"

#include "check.h"
#include "engine/engine.h"
#include "fake_runner.h"

using node_mlc::Engine;
using node_mlc::EngineLimits;
using node_mlc::EngineStats;
using node_mlc::Histogram;
using node_mlc::HistogramBounds;
using node_mlc::Request;
using node_mlc::RequestEvent;
using node_mlc_test::FakeRunner;

namespace {

constexpr int32_t kVocab = 50;

std::unique_ptr<Request> MakeRequest(int64_t id, int32_t prompt, int32_t max_tokens) {
  auto request = std::make_unique<Request>();
  request->id = id;
  request->tokens.assign(prompt, 3 + static_cast<int32_t>(id));
  request->prompt_length = prompt;
  request->max_tokens = max_tokens;
  request->sampling.temperature = 0.0f;
  return request;
}

/*! \brief An engine of 40 pages of 4 tokens, two sequences and eight rows a step. */
std::unique_ptr<Engine> MakeEngine(Engine::Publish publish = [](std::vector<RequestEvent>) {}) {
  EngineLimits limits;
  limits.scheduler = {64, 2, 8};
  limits.pages = 40;
  limits.page_size = 4;
  limits.vocab_size = kVocab;
  return std::make_unique<Engine>(limits, std::make_unique<FakeRunner>(40, 4, kVocab),
                                  std::move(publish));
}

void Run(Engine* engine) {
  while (engine->HasWork()) engine->Step();
}

}  // namespace

TEST("metrics: a value falls into the first bucket whose bound it does not exceed") {
  static const HistogramBounds bounds{{1.0, 2.0, 4.0}, 3};
  Histogram histogram(&bounds);
  for (double value : {0.0, 1.0, 1.5, 2.0, 4.0, 4.1, 1e9}) histogram.Observe(value);
  CHECK_EQUAL(histogram.bucket(0), 2);
  CHECK_EQUAL(histogram.bucket(1), 2);
  CHECK_EQUAL(histogram.bucket(2), 1);
  CHECK_EQUAL(histogram.bucket(3), 2);
  CHECK_EQUAL(histogram.count(), 7);
  CHECK_EQUAL(histogram.sum(), 12.6 + 1e9);
}

TEST("metrics: the bounds of every histogram ascend") {
  for (const HistogramBounds* bounds : {&node_mlc::kLatencyBounds, &node_mlc::kStepTimeBounds,
                                        &node_mlc::kTokenBounds, &node_mlc::kStepSizeBounds}) {
    CHECK(bounds->count > 0 && bounds->count <= HistogramBounds::kMost);
    for (size_t i = 1; i < bounds->count; ++i) CHECK(bounds->values[i] > bounds->values[i - 1]);
  }
}

TEST("metrics: an engine's histograms hold each request, token and step once") {
  auto engine = MakeEngine();
  engine->Submit(MakeRequest(1, 10, 5));
  engine->Submit(MakeRequest(2, 3, 4));
  engine->Submit(MakeRequest(3, 3, 4));
  engine->Step();
  engine->Abort(3);
  Run(engine.get());
  const EngineStats stats = engine->stats();
  CHECK_EQUAL(stats.finished, 2);
  CHECK_EQUAL(stats.aborted, 1);
  CHECK_EQUAL(stats.queue_seconds.count(), 2);
  CHECK_EQUAL(stats.first_token_seconds.count(), 2);
  CHECK_EQUAL(stats.inter_token_seconds.count(), 4 + 3);
  CHECK_EQUAL(stats.generated_tokens, 5 + 4);
  CHECK_EQUAL(stats.request_seconds.count(), 2);
  CHECK_EQUAL(stats.request_prompt_tokens.count(), 3);
  CHECK_EQUAL(stats.request_prompt_tokens.sum(), 10 + 3 + 3);
  CHECK_EQUAL(stats.request_generated_tokens.sum(), 5 + 4);
  CHECK_EQUAL(stats.step_seconds.count(), stats.steps);
  CHECK_EQUAL(stats.step_sequences.count(), stats.steps);
  // All prompts, and each token but the last of an answer, which no step reads.
  CHECK_EQUAL(stats.step_rows.sum(), 10 + 3 + 4 + 3);
  CHECK(stats.first_token_seconds.sum() >= stats.queue_seconds.sum());
  CHECK(stats.step_seconds.sum() > 0);
}

TEST("metrics: the first token's event has the times that led to it") {
  std::vector<RequestEvent> events;
  auto engine = MakeEngine([&](std::vector<RequestEvent> step) {
    events.insert(events.end(), step.begin(), step.end());
  });
  engine->Submit(MakeRequest(1, 10, 3));
  Run(engine.get());
  CHECK_EQUAL(events.size(), static_cast<size_t>(3));
  CHECK(events[0].first_token);
  CHECK(!events[1].first_token && !events[2].first_token);
  CHECK(events[0].prefill_ms > 0);
  CHECK_EQUAL(events[2].prefill_ms, events[0].prefill_ms);
  CHECK_EQUAL(events[2].queue_ms, events[0].queue_ms);
}

TEST("metrics: a request is aborted as queued only before its first step") {
  auto engine = MakeEngine();
  engine->Submit(MakeRequest(1, 3, 8));
  engine->Submit(MakeRequest(2, 3, 8));
  engine->Submit(MakeRequest(3, 3, 8));
  engine->Step();
  for (int64_t id : {1, 2, 3, 4}) engine->AbortIfQueued(id);
  CHECK_EQUAL(engine->stats().aborted, 1);
  CHECK_EQUAL(engine->stats().waiting, 0);
  CHECK_EQUAL(engine->stats().running, 2);
  Run(engine.get());
  CHECK_EQUAL(engine->stats().finished, 2);
}
