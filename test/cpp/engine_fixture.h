/*!
 * \file engine_fixture.h
 * \brief An engine over the fake model, and requests for it.
 */
#ifndef NODE_MLC_TEST_CPP_ENGINE_FIXTURE_H_
#define NODE_MLC_TEST_CPP_ENGINE_FIXTURE_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "check.h"
#include "engine/engine.h"
#include "fake_runner.h"

namespace node_mlc_test {

using node_mlc::Engine;
using node_mlc::EngineLimits;
using node_mlc::FinishReason;
using node_mlc::Request;
using node_mlc::RequestEvent;

inline constexpr int32_t kVocab = 50;

/*! \brief An engine with its fake model and everything it published. */
struct Fixture {
  explicit Fixture(EngineLimits limits) {
    auto owned = std::make_unique<FakeRunner>(limits.pages, limits.page_size, limits.vocab_size);
    runner = owned.get();
    engine = std::make_unique<Engine>(
        limits, std::move(owned), [this](std::vector<RequestEvent> events) {
          ++publications;
          for (RequestEvent& event : events) {
            RequestEvent& all = seen[event.id];
            CHECK(all.finish == FinishReason::kNone);
            all.tokens.insert(all.tokens.end(), event.tokens.begin(), event.tokens.end());
            std::vector<int32_t> tokens = std::move(all.tokens);
            all = event;
            all.tokens = std::move(tokens);
          }
        });
  }

  void Run() {
    while (engine->HasWork()) {
      engine->Step();
      engine->CheckIntegrity();
    }
  }

  FakeRunner* runner;
  std::unique_ptr<Engine> engine;
  std::map<int64_t, RequestEvent> seen;
  int publications = 0;
};

inline EngineLimits Limits(int32_t pages, int32_t batch = 4, int32_t chunk = 8) {
  return {{64, batch, chunk}, pages, 4, kVocab};
}

inline std::unique_ptr<Request> MakeRequest(int64_t id, std::vector<int32_t> prompt,
                                            int32_t max_tokens) {
  auto request = std::make_unique<Request>();
  request->id = id;
  request->prompt_length = static_cast<int32_t>(prompt.size());
  request->tokens = std::move(prompt);
  request->max_tokens = max_tokens;
  request->sampling.temperature = 0.0f;
  return request;
}

/*! \brief What the fake model says after `history`. */
inline std::vector<int32_t> Answer(std::vector<int32_t> history, int32_t tokens) {
  std::vector<int32_t> answer;
  for (int32_t i = 0; i < tokens; ++i) {
    answer.push_back(NextToken(history, kVocab));
    history.push_back(answer.back());
  }
  return answer;
}

/*! \brief What it says while the text slides: the rule of Scheduler::Slide() written out. */
inline std::vector<int32_t> SlidingAnswer(std::vector<int32_t> text, int32_t tokens, int32_t keep,
                                          int32_t max_length) {
  std::vector<int32_t> answer;
  keep = std::min(keep, max_length / 2);
  while (static_cast<int32_t>(answer.size()) < tokens) {
    if (static_cast<int32_t>(text.size()) == max_length) {
      const int32_t drop = (max_length - keep + 1) / 2;
      text.erase(text.begin() + keep, text.begin() + keep + drop);
    }
    answer.push_back(NextToken(text, kVocab));
    text.push_back(answer.back());
  }
  return answer;
}

inline std::vector<int32_t> Prompt(int32_t length, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> prompt(length);
  for (int32_t& token : prompt) token = static_cast<int32_t>(random() % kVocab);
  return prompt;
}

}  // namespace node_mlc_test

#endif  // NODE_MLC_TEST_CPP_ENGINE_FIXTURE_H_
