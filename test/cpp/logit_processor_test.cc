/*!
 * \file logit_processor_test.cc
 */
#include "engine/logit_processor.h"

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
