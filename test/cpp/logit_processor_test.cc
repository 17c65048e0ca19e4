/*!
 * \file logit_processor_test.cc
 */
#include "engine/logit_processor.h"

#include <cmath>
#include <limits>
#include <vector>

#include "check.h"

using node_mlc::CountPromptTokens;
using node_mlc::ProcessLogits;
using node_mlc::Request;

namespace {

Request MakeRequest() {
  Request request;
  request.tokens = {0, 1, 1};
  request.prompt_length = 3;
  return request;
}

}  // namespace

TEST("logit processor: does nothing by default") {
  Request request = MakeRequest();
  CountPromptTokens(&request);
  CHECK(request.counts.empty());
  std::vector<float> logits = {1.0f, -2.0f, 3.0f};
  ProcessLogits(request, logits.data(), 3);
  CHECK(logits == (std::vector<float>{1.0f, -2.0f, 3.0f}));
}

TEST("logit processor: the repetition penalty counts prompt and answer, by sign") {
  Request request = MakeRequest();
  request.sampling.repetition_penalty = 2.0f;
  CountPromptTokens(&request);
  request.counts[3].answer = 5;
  std::vector<float> logits = {1.0f, -2.0f, 3.0f, 4.0f};
  ProcessLogits(request, logits.data(), 4);
  CHECK(logits == (std::vector<float>{0.5f, -4.0f, 3.0f, 2.0f}));
}

TEST("logit processor: presence and frequency penalties count the answer only") {
  Request request = MakeRequest();
  request.sampling.presence_penalty = 0.5f;
  request.sampling.frequency_penalty = 0.25f;
  CountPromptTokens(&request);
  request.counts[1].answer = 1;
  request.counts[2].answer = 3;
  std::vector<float> logits = {1.0f, 1.0f, 1.0f, 1.0f};
  ProcessLogits(request, logits.data(), 4);
  CHECK(logits == (std::vector<float>{1.0f, 0.25f, -0.25f, 1.0f}));
}

TEST("logit processor: the bias is added") {
  Request request = MakeRequest();
  request.sampling.logit_bias = {{2, -100.0f}, {0, 1.5f}};
  std::vector<float> logits = {1.0f, 1.0f, 1.0f};
  ProcessLogits(request, logits.data(), 3);
  CHECK(logits == (std::vector<float>{2.5f, 1.0f, -99.0f}));
}

TEST("logit processor: penalties look at the window alone") {
  Request request = MakeRequest();
  request.tokens = {0, 1, 1, 2, 3, 3};  // a prompt of three, then the answer
  request.sampling.repetition_penalty = 2.0f;
  request.sampling.frequency_penalty = 1.0f;
  CountPromptTokens(&request);
  request.counts[2].answer = 1;
  request.counts[3].answer = 2;
  auto process = [&](int32_t window) {
    request.sampling.penalty_window = window;
    std::vector<float> logits = {8.0f, 8.0f, 8.0f, 8.0f};
    ProcessLogits(request, logits.data(), 4);
    return logits;
  };
  const std::vector<float> all = {4.0f, 4.0f, 3.0f, 2.0f};
  CHECK(process(-1) == all);
  CHECK(process(6) == all);
  CHECK(process(100) == all);
  CHECK(process(4) == (std::vector<float>{8.0f, 4.0f, 3.0f, 2.0f}));
  CHECK(process(1) == (std::vector<float>{8.0f, 8.0f, 8.0f, 3.0f}));
  CHECK(process(0) == (std::vector<float>{8.0f, 8.0f, 8.0f, 8.0f}));
}

TEST("logit processor: stop tokens are impossible before min_tokens, whatever their bias") {
  Request request = MakeRequest();
  request.stop_tokens = {2, 0};
  request.sampling.min_tokens = 2;
  request.sampling.logit_bias = {{2, 100.0f}};
  for (int32_t answered = 0; answered < 4; ++answered) {
    std::vector<float> logits = {1.0f, 1.0f, 1.0f};
    ProcessLogits(request, logits.data(), 3);
    const bool masked = logits[0] == -std::numeric_limits<float>::infinity();
    CHECK_EQUAL(masked, answered < 2);
    CHECK_EQUAL(std::isfinite(logits[2]), answered >= 2);
    CHECK_EQUAL(logits[1], 1.0f);
    request.tokens.push_back(1);
  }
}

TEST("logit processor: DRY goes on from the penalties, bias from DRY") {
  Request request = MakeRequest();
  request.tokens = {1, 2, 3, 1, 2};
  request.prompt_length = 5;
  request.sampling.repetition_penalty = 2.0f;
  request.sampling.dry.multiplier = 1.0f;
  request.sampling.logit_bias = {{3, 0.5f}};
  CountPromptTokens(&request);
  std::vector<float> logits = {4.0f, 4.0f, 4.0f, 4.0f};
  ProcessLogits(request, logits.data(), 4);
  CHECK(logits == (std::vector<float>{4.0f, 2.0f, 2.0f, 1.5f}));
}
