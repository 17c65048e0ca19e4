/*!
 * \file trace_test.cc
 * \brief What a trace records of steps and requests.
 */
#include "engine/trace.h"

#include <algorithm>
#include <map>

#include "check.h"
#include "engine/clock.h"
#include "engine/engine.h"
#include "fake_runner.h"

using node_mlc::Engine;
using node_mlc::EngineLimits;
using node_mlc::FinishReason;
using node_mlc::Request;
using node_mlc::RequestEvent;
using node_mlc::Ring;
using node_mlc::Trace;
using node_mlc::TracePhase;
using node_mlc::TraceSpan;
using node_mlc_test::FakeRunner;

namespace {

constexpr int32_t kVocab = 50;
constexpr size_t kEnough = 1000;

std::unique_ptr<Request> MakeRequest(int64_t id, int32_t prompt, int32_t max_tokens) {
  auto request = std::make_unique<Request>();
  request->id = id;
  request->tokens.assign(prompt, static_cast<int32_t>(id));
  request->prompt_length = prompt;
  request->max_tokens = max_tokens;
  request->sampling.temperature = 0.0f;
  return request;
}

/*! \brief An engine of pages of 4 tokens, two sequences and eight rows a step. */
std::unique_ptr<Engine> MakeEngine(int32_t pages) {
  EngineLimits limits;
  limits.scheduler = {64, 2, 8};
  limits.pages = pages;
  limits.page_size = 4;
  limits.vocab_size = kVocab;
  return std::make_unique<Engine>(limits, std::make_unique<FakeRunner>(pages, 4, kVocab),
                                  [](std::vector<RequestEvent>) {});
}

void Run(Engine* engine) {
  while (engine->HasWork()) engine->Step();
}

std::vector<TraceSpan> SpansOf(const Trace& trace, int64_t id) {
  std::vector<TraceSpan> spans;
  for (const TraceSpan& span : trace.spans) {
    if (span.id == id) spans.push_back(span);
  }
  return spans;
}

std::vector<TracePhase> PhasesOf(const Trace& trace, int64_t id) {
  std::vector<TracePhase> phases;
  for (const TraceSpan& span : SpansOf(trace, id)) phases.push_back(span.phase);
  return phases;
}

/*! \brief The phases of each request follow one another and fill the whole. */
void CheckSpans(const Trace& trace) {
  std::map<int64_t, std::vector<TraceSpan>> phases;
  for (const TraceSpan& span : trace.spans) {
    CHECK(span.start <= span.end);
    CHECK(span.start >= trace.start && span.end <= trace.end);
    if (span.phase != TracePhase::kWhole) {
      phases[span.id].push_back(span);
      continue;
    }
    const std::vector<TraceSpan>& parts = phases[span.id];
    CHECK(parts.front().start == span.start && parts.back().end == span.end);
    for (size_t i = 1; i < parts.size(); ++i) CHECK(parts[i].start == parts[i - 1].end);
  }
}

}  // namespace

TEST("trace: a ring keeps the last elements in order and counts the others") {
  Ring<int> ring(3);
  for (int i = 0; i < 8; ++i) ring.Add(i);
  CHECK(ring.Ordered() == (std::vector<int>{5, 6, 7}));
  CHECK_EQUAL(ring.dropped(), static_cast<size_t>(5));
  Ring<int> empty(3);
  CHECK(empty.Ordered().empty());
}

TEST("trace: a request is queued, prefilled and decoded, and its steps say what they computed") {
  auto engine = MakeEngine(40);
  engine->StartTrace(kEnough);
  engine->Submit(MakeRequest(1, 20, 4));
  Run(engine.get());
  const Trace trace = engine->StopTrace();
  CHECK(PhasesOf(trace, 1) == (std::vector<TracePhase>{TracePhase::kQueued, TracePhase::kPrefill,
                                                       TracePhase::kDecode, TracePhase::kWhole}));
  CheckSpans(trace);
  CHECK(trace.spans.back().finish == FinishReason::kLength);
  CHECK_EQUAL(trace.spans.back().prompt_tokens, 20);
  CHECK_EQUAL(trace.spans.back().completion_tokens, 4);
  CHECK_EQUAL(trace.steps.size(), static_cast<size_t>(6));
  CHECK_EQUAL(trace.steps[0].prefill_rows, 8);
  CHECK_EQUAL(trace.steps[0].decode_rows, 0);
  CHECK_EQUAL(trace.steps[5].prefill_rows, 0);
  CHECK_EQUAL(trace.steps[5].decode_rows, 1);
  CHECK_EQUAL(trace.steps[5].sequences, 1);
  CHECK_EQUAL(trace.dropped_steps, 0);
}

TEST("trace: what was made after the trace was asked for has waited in it") {
  auto engine = MakeEngine(40);
  const auto asked = node_mlc::Clock::now();
  auto request = MakeRequest(1, 3, 2);
  engine->StartTrace(kEnough, asked);
  engine->Submit(std::move(request));
  Run(engine.get());
  CHECK(PhasesOf(engine->StopTrace(), 1).front() == TracePhase::kQueued);
}

TEST("trace: a request that loses its pages is preempted and computed again") {
  auto engine = MakeEngine(10);
  engine->StartTrace(kEnough);
  engine->Submit(MakeRequest(1, 16, 20));
  engine->Submit(MakeRequest(2, 16, 20));
  Run(engine.get());
  const Trace trace = engine->StopTrace();
  CHECK(engine->stats().preemptions > 0);
  CheckSpans(trace);
  int preempted = 0;
  for (const TraceSpan& span : trace.spans) preempted += span.phase == TracePhase::kPreempted;
  CHECK_EQUAL(preempted, engine->stats().preemptions);
}

TEST("trace: it may begin and end in the middle of requests") {
  auto engine = MakeEngine(40);
  engine->Submit(MakeRequest(1, 3, 10));
  engine->Submit(MakeRequest(2, 3, 10));
  engine->Submit(MakeRequest(3, 3, 10));
  engine->Step();
  engine->Step();
  engine->StartTrace(kEnough);
  engine->Step();
  const Trace trace = engine->StopTrace();
  CheckSpans(trace);
  CHECK(PhasesOf(trace, 1) == (std::vector<TracePhase>{TracePhase::kDecode, TracePhase::kWhole}));
  CHECK(PhasesOf(trace, 3) == (std::vector<TracePhase>{TracePhase::kQueued, TracePhase::kWhole}));
  CHECK(SpansOf(trace, 1).back().finish == FinishReason::kNone);
  CHECK_EQUAL(trace.steps.size(), static_cast<size_t>(1));
  Run(engine.get());
  CHECK(engine->StopTrace().spans.empty());
}

TEST("trace: an abort in the queue is a whole request that only waited") {
  auto engine = MakeEngine(40);
  engine->StartTrace(kEnough);
  engine->Submit(MakeRequest(1, 3, 10));
  engine->Abort(1);
  const Trace trace = engine->StopTrace();
  CheckSpans(trace);
  CHECK(PhasesOf(trace, 1) == (std::vector<TracePhase>{TracePhase::kQueued, TracePhase::kWhole}));
  CHECK(trace.spans.back().finish == FinishReason::kAbort);
}

TEST("trace: memory is bounded, the newest stays and what was dropped is counted") {
  auto engine = MakeEngine(40);
  engine->StartTrace(5);
  for (int64_t id = 1; id <= 6; ++id) engine->Submit(MakeRequest(id, 3, 10));
  Run(engine.get());
  const int64_t steps = engine->stats().steps;
  const Trace trace = engine->StopTrace();
  CHECK_EQUAL(trace.steps.size(), static_cast<size_t>(5));
  CHECK_EQUAL(trace.dropped_steps, steps - 5);
  CHECK_EQUAL(trace.spans.size(), static_cast<size_t>(5));
  CHECK_EQUAL(trace.dropped_spans, 6 * 4 - 5);
  CHECK(std::is_sorted(trace.steps.begin(), trace.steps.end(),
                       [](const auto& a, const auto& b) { return a.start < b.start; }));
}
