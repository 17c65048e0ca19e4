/*!
 * \file engine_test.cc
 * \brief The engine over a fake model: answers, aborts, failures, evaluations.
 */
#include "engine/engine.h"

#include <map>
#include <random>

#include "check.h"
#include "engine_fixture.h"
#include "support/coded_error.h"

using node_mlc::CodedError;
using node_mlc::EvaluationPlan;
using namespace node_mlc_test;  // NOLINT: the fixture's names

namespace {

node_mlc::EvaluationResult Into(std::vector<float>* values, std::string* code) {
  return {[values](std::vector<float> result) { *values = std::move(result); },
          [code](const std::string& error, const std::string&) { *code = error; }};
}

}  // namespace

TEST("engine: answers are those of the model, with one publication a step") {
  Fixture fixture(Limits(40));
  fixture.engine->Submit(MakeRequest(1, {3, 4, 5}, 6));
  fixture.engine->Submit(MakeRequest(2, Prompt(20, 1), 5));
  fixture.Run();
  CHECK(fixture.seen[1].tokens == Answer({3, 4, 5}, 6));
  CHECK(fixture.seen[2].tokens == Answer(Prompt(20, 1), 5));
  CHECK(fixture.seen[1].finish == FinishReason::kLength);
  CHECK_EQUAL(fixture.seen[2].prompt_tokens, 20);
  CHECK_EQUAL(fixture.seen[2].completion_tokens, 5);
  CHECK(fixture.publications <= fixture.runner->forwards);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 40);
  CHECK_EQUAL(fixture.engine->stats().prompt_tokens, 23);
}

TEST("engine: random load with preemption, aborts and evaluations gives the same answers") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    auto below = [&](int n) { return static_cast<int>(random() % n); };
    Fixture fixture(Limits(16 + below(8), 1 + below(5), 1 + below(12)));
    std::map<int64_t, std::pair<std::vector<int32_t>, int32_t>> asked;
    std::vector<float> values;
    std::string code;
    for (int step = 0; step < 300; ++step) {
      if (below(5) == 0) {
        int64_t id = step;
        asked[id] = {Prompt(1 + below(30), random()), 1 + below(25)};
        fixture.engine->Submit(MakeRequest(id, asked[id].first, asked[id].second));
      }
      if (below(30) == 0 && !asked.empty()) {
        auto chosen = std::next(asked.begin(), below(static_cast<int>(asked.size())));
        fixture.engine->Abort(chosen->first);
      }
      if (below(60) == 0) {
        EvaluationPlan plan{{Prompt(20, step), Prompt(20, step + 1)}, 20, 5, 3, 2, 8};
        fixture.engine->Evaluate(
            std::make_unique<node_mlc::LogitsEvaluation>(plan, kVocab, Into(&values, &code)));
      }
      if (fixture.engine->HasWork()) fixture.engine->Step();
      fixture.engine->CheckIntegrity();
    }
    fixture.Run();
    int complete = 0;
    for (auto& [id, request] : asked) {
      RequestEvent& event = fixture.seen[id];
      CHECK(event.finish == FinishReason::kLength || event.finish == FinishReason::kAbort);
      std::vector<int32_t> expected = Answer(request.first, request.second);
      CHECK(event.tokens.size() <= expected.size());
      expected.resize(event.tokens.size());
      CHECK(event.tokens == expected);
      if (event.finish == FinishReason::kLength) ++complete;
    }
    CHECK(complete > 0);
    CHECK_EQUAL(code, "");
    CHECK_EQUAL(fixture.engine->stats().pages_free, fixture.engine->stats().pages_total);
  }
}

TEST("engine: stop tokens are reported and end the answer") {
  Fixture fixture(Limits(40));
  auto request = MakeRequest(1, {3, 4, 5}, 50);
  request->stop_tokens = {Answer({3, 4, 5}, 4).back()};
  fixture.engine->Submit(std::move(request));
  fixture.Run();
  CHECK(fixture.seen[1].finish == FinishReason::kStop);
  CHECK_EQUAL(fixture.seen[1].tokens.back(), Answer({3, 4, 5}, 4).back());
}

TEST("engine: a failing forward pass fails its requests and nothing else") {
  Fixture fixture(Limits(40, 1));
  fixture.runner->on_forward = [](const node_mlc::StepInput& input) {
    if (input.tokens.front() == 7) throw CodedError("ERR_NATIVE", "the model broke");
  };
  fixture.engine->Submit(MakeRequest(1, {7}, 5));
  fixture.engine->Submit(MakeRequest(2, {3}, 1));
  fixture.Run();
  CHECK(fixture.seen[1].finish == FinishReason::kError);
  CHECK_EQUAL(fixture.seen[1].error_message, "the model broke");
  CHECK(fixture.seen[2].finish == FinishReason::kLength);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 40);
  CHECK_EQUAL(fixture.engine->stats().failed, 1);
}

TEST("engine: a request whose bias breaks its logits fails alone") {
  Fixture fixture(Limits(40));
  auto broken = MakeRequest(1, {1, 2}, 3);
  broken->sampling.logit_bias = {{4, std::nanf("")}};
  fixture.engine->Submit(std::move(broken));
  fixture.engine->Submit(MakeRequest(2, {1, 2}, 3));
  fixture.Run();
  CHECK(fixture.seen[1].finish == FinishReason::kError);
  CHECK(fixture.seen[2].tokens == Answer({1, 2}, 3));
}

TEST("engine: abort in queue, prefill and decode frees pages before its event") {
  Fixture fixture(Limits(20, 2, 4));
  fixture.engine->Submit(MakeRequest(1, Prompt(10, 1), 20));
  fixture.engine->Submit(MakeRequest(2, {1}, 20));
  fixture.engine->Submit(MakeRequest(3, {1}, 20));
  fixture.engine->Step();
  CHECK_EQUAL(fixture.engine->stats().pages_free, 16);
  fixture.engine->Abort(1);  // in the middle of its prompt
  CHECK_EQUAL(fixture.engine->stats().pages_free, 19);
  CHECK(fixture.seen[1].finish == FinishReason::kAbort);
  fixture.engine->Step();
  fixture.engine->Step();
  fixture.engine->Abort(2);
  CHECK(fixture.seen[2].finish == FinishReason::kAbort);
  CHECK(!fixture.seen[2].tokens.empty());
  fixture.engine->AbortAll();
  CHECK(fixture.seen[3].finish == FinishReason::kAbort);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 20);
  CHECK(!fixture.engine->HasWork());
}

TEST("engine: evaluations give the same logits whole, in chunks, by decode and together") {
  std::vector<std::vector<int32_t>> rows = {Prompt(13, 1), Prompt(13, 2), Prompt(13, 3)};
  std::vector<float> whole;
  for (EvaluationPlan plan :
       {EvaluationPlan{rows, 13, 64, 0, 1, 64}, EvaluationPlan{rows, 13, 5, 0, 1, 64},
        EvaluationPlan{rows, 13, 64, 4, 1, 64}, EvaluationPlan{rows, 13, 64, 13, 1, 64},
        EvaluationPlan{rows, 13, 5, 4, 2, 64}, EvaluationPlan{rows, 13, 64, 0, 3, 16},
        EvaluationPlan{rows, 13, 7, 2, 3, 9}}) {
    Fixture fixture(Limits(40));
    std::vector<float> values;
    std::string code;
    fixture.engine->Evaluate(
        std::make_unique<node_mlc::LogitsEvaluation>(plan, kVocab, Into(&values, &code)));
    fixture.Run();
    CHECK_EQUAL(code, "");
    CHECK_EQUAL(values.size(), static_cast<size_t>(3 * 13 * kVocab));
    if (whole.empty()) whole = values;
    CHECK(values == whole);
    CHECK_EQUAL(fixture.engine->stats().pages_free, 40);
  }
  std::vector<int32_t> history(rows[2].begin(), rows[2].begin() + 8);
  CHECK_EQUAL(whole[(2 * 13 + 7) * kVocab + NextToken(history, kVocab)], 10.0f);
}

TEST("engine: an evaluation that can never fit, or is cut off, fails with a code") {
  Fixture fixture(Limits(2));
  std::vector<float> values;
  std::string too_large, aborted;
  EvaluationPlan plan{{Prompt(13, 1)}, 13, 64, 0, 1, 64};
  fixture.engine->Evaluate(
      std::make_unique<node_mlc::LogitsEvaluation>(plan, kVocab, Into(&values, &too_large)));
  fixture.Run();
  CHECK_EQUAL(too_large, "ERR_INSUFFICIENT_MEMORY");
  plan.rows = {Prompt(4, 1)};
  plan.length = 4;
  plan.chunk = 1;
  fixture.engine->Evaluate(
      std::make_unique<node_mlc::LogitsEvaluation>(plan, kVocab, Into(&values, &aborted)));
  fixture.engine->Step();
  fixture.engine->AbortAll();
  CHECK_EQUAL(aborted, "ERR_ABORTED");
  CHECK_EQUAL(fixture.engine->stats().pages_free, 2);
}

TEST("engine: at rest pages that hold nothing are given back") {
  EngineLimits limits = Limits(40);
  limits.prefix_cache = false;
  Fixture fixture(limits);
  fixture.engine->Rest();
  CHECK_EQUAL(fixture.runner->released, -1);
  fixture.engine->Submit(MakeRequest(1, Prompt(9, 1), 4));
  fixture.engine->Step();
  fixture.engine->Rest();
  CHECK_EQUAL(fixture.runner->released, -1);
  fixture.Run();
  fixture.engine->Rest();
  CHECK_EQUAL(fixture.runner->released, 3);
  fixture.engine->Submit(MakeRequest(2, {3, 4, 5}, 6));
  fixture.Run();
  CHECK(fixture.seen[2].tokens == Answer({3, 4, 5}, 6));
}

TEST("engine: at rest cached pages stay") {
  Fixture fixture(Limits(40));
  fixture.engine->Submit(MakeRequest(1, Prompt(9, 1), 6));  // 14 tokens are computed
  fixture.Run();
  fixture.engine->Rest();
  CHECK_EQUAL(fixture.runner->released, 1);
  CHECK_EQUAL(fixture.engine->stats().pages_cached, 3);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 40);
  fixture.engine->Submit(MakeRequest(2, Prompt(9, 1), 6));
  fixture.Run();
  CHECK(fixture.seen[2].tokens == fixture.seen[1].tokens);
  CHECK_EQUAL(fixture.seen[2].cached_tokens, 8);
}
