/*!
 * \file engine_trace_test.cc
 * \brief Random traces of everything an engine may be told: nothing is lost, and every request gets
 * the tokens it gets alone.
 */
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "check.h"
#include "engine/engine.h"
#include "engine_fixture.h"

using namespace node_mlc_test;  // NOLINT: the fixture's names

namespace {

/*! \brief What a request asks for. */
struct Asked {
  std::vector<int32_t> prompt;
  int32_t max_tokens = 1;
  float temperature = 0.0f;
  uint64_t seed = 0;
  int32_t priority = 0;
  int32_t slide_keep = -1;
};

std::unique_ptr<Request> ToRequest(int64_t id, const Asked& asked) {
  auto request = MakeRequest(id, asked.prompt, asked.max_tokens);
  request->sampling.temperature = asked.temperature;
  request->sampling.seed = asked.seed;
  request->priority = asked.priority;
  request->slide_keep = asked.slide_keep;
  return request;
}

/*! \brief The tokens of a request in an engine of its own, computed at once and without a cache. */
std::vector<int32_t> Alone(const Asked& asked, int32_t max_length) {
  EngineLimits limits = Limits(16, 1, 64);
  limits.scheduler.context_length = max_length;
  limits.prefix_cache = false;
  Fixture fixture(limits);
  fixture.engine->Submit(ToRequest(1, asked));
  fixture.Run();
  return fixture.seen[1].tokens;
}

/*! \brief Tells an engine random things and keeps account of its requests. */
class RandomUser {
 public:
  RandomUser(unsigned seed, const EngineLimits& limits)
      : random_(seed),
        fixture_(limits),
        max_length_(std::min(limits.scheduler.context_length, limits.pages * limits.page_size)) {}

  void Step() {
    if (Below(3) == 0) Submit(RandomPrompt());
    if (Below(25) == 0) Fork();
    if (Below(40) == 0 && !open_.empty()) fixture_.engine->Abort(AnyOpen());
    if (Below(20) == 0 && !open_.empty()) Pause(AnyOpen());
    if (Below(6) == 0) ResumeOne();
    if (Below(120) == 0) Evaluate();
    if (fixture_.engine->HasWork()) fixture_.engine->Step();
    CheckAccount();
  }

  void Finish() {
    while (!paused_.empty()) ResumeOne();
    while (fixture_.engine->HasWork()) {
      fixture_.engine->Step();
      CheckAccount();
    }
    CHECK(open_.empty());
    CHECK_EQUAL(evaluations_, 0);
    CHECK_EQUAL(fixture_.engine->stats().pages_free, fixture_.engine->stats().pages_total);
  }

  /*! \brief Requests that ended with all of their tokens; fails if any token is another's. */
  int CheckAnswers() {
    int complete = 0;
    for (const auto& [id, asked] : asked_) {
      const RequestEvent& event = fixture_.seen[id];
      CHECK(event.finish == FinishReason::kLength || event.finish == FinishReason::kAbort);
      std::vector<int32_t> expected = Alone(asked, max_length_);
      CHECK(event.tokens.size() <= expected.size());
      if (asked.slide_keep >= 0) {
        CHECK_EQUAL(expected.size(), static_cast<size_t>(asked.max_tokens));
        if (asked.temperature == 0.0f) {
          CHECK(expected ==
                SlidingAnswer(asked.prompt, asked.max_tokens, asked.slide_keep, max_length_));
        }
        if (event.finish == FinishReason::kLength) slid_ += event.dropped_tokens;
      }
      if (event.finish == FinishReason::kLength) {
        CHECK_EQUAL(event.tokens.size(), expected.size());
        ++complete;
      }
      expected.resize(event.tokens.size());
      CHECK(event.tokens == expected);
    }
    return complete;
  }

  node_mlc::EngineStats stats() const { return fixture_.engine->stats(); }
  /*! \brief Tokens that complete requests left out. */
  int64_t slid() const { return slid_; }

 private:
  int32_t Below(int32_t n) { return static_cast<int32_t>(random_() % n); }

  /*! \brief The beginning of one of four texts, sometimes with an end of its own. */
  std::vector<int32_t> RandomPrompt() {
    std::vector<int32_t> prompt = Prompt(1 + Below(max_length_ - 1), Below(4));
    if (Below(2) == 0) prompt.back() = Below(kVocab);
    return prompt;
  }

  void Submit(std::vector<int32_t> prompt) {
    if (static_cast<int32_t>(prompt.size()) >= max_length_) return;
    Asked asked;
    asked.prompt = std::move(prompt);
    asked.max_tokens = 1 + Below(20);
    asked.temperature = Below(2) == 0 ? 0.0f : 4.0f;
    asked.seed = random_();
    asked.priority = Below(5) - 2;
    if (Below(3) == 0) {
      asked.slide_keep = Below(max_length_);
      asked.max_tokens = 1 + Below(3 * max_length_);
    }
    const int64_t id = static_cast<int64_t>(asked_.size());
    fixture_.engine->Submit(ToRequest(id, asked));
    asked_[id] = std::move(asked);
    open_.insert(id);
  }

  /*! \brief A request that goes on from where another one is, in queue, prompt or answer. */
  void Fork() {
    if (open_.empty()) return;
    const int64_t id = AnyOpen();
    std::vector<int32_t> tokens = asked_[id].prompt;
    const std::vector<int32_t>& answer = fixture_.seen[id].tokens;
    tokens.insert(tokens.end(), answer.begin(), answer.end());
    for (int32_t i = Below(3); i >= 0; --i) Submit(tokens);
  }

  void Pause(int64_t id) {
    fixture_.engine->Pause(id);
    paused_.insert(id);
  }

  void ResumeOne() {
    if (paused_.empty()) return;
    const int64_t id = *std::next(paused_.begin(), Below(static_cast<int32_t>(paused_.size())));
    fixture_.engine->Resume(id);
    paused_.erase(id);
  }

  void Evaluate() {
    const int32_t length = 1 + Below(max_length_ / 3);
    node_mlc::EvaluationPlan plan{
        {Prompt(length, 0), Prompt(length, 1)}, length, 1 + Below(8), Below(length + 1), 2, 8};
    ++evaluations_;
    fixture_.engine->Evaluate(std::make_unique<node_mlc::LogitsEvaluation>(
        plan, kVocab,
        node_mlc::EvaluationResult{
            [this](std::vector<float>) { --evaluations_; },
            [](const std::string&, const std::string& message) { CHECK_EQUAL(message, ""); }}));
  }

  void CheckAccount() {
    for (auto id = open_.begin(); id != open_.end();) {
      id = fixture_.seen[*id].finish == FinishReason::kNone ? std::next(id) : open_.erase(id);
    }
    const node_mlc::EngineStats stats = fixture_.engine->stats();
    CHECK_EQUAL(static_cast<size_t>(stats.running + stats.waiting), open_.size());
    fixture_.engine->CheckIntegrity();
  }

  int64_t AnyOpen() { return *std::next(open_.begin(), Below(static_cast<int32_t>(open_.size()))); }

  std::mt19937 random_;
  Fixture fixture_;
  const int32_t max_length_;
  std::map<int64_t, Asked> asked_;
  std::set<int64_t> open_;
  std::set<int64_t> paused_;
  int evaluations_ = 0;
  int64_t slid_ = 0;
};

EngineLimits RandomLimits(std::mt19937* random) {
  auto below = [&](int32_t n) { return static_cast<int32_t>((*random)() % n); };
  EngineLimits limits = Limits(12 + below(24), 1 + below(6), 1 + below(16));
  limits.prefix_cache = below(4) > 0;
  if (below(2) == 0) limits.cached_pages = below(8);
  return limits;
}

}  // namespace

TEST("engine trace: thousands of random steps lose nothing and change no token") {
  int64_t preemptions = 0, hits = 0, evictions = 0, slid = 0;
  for (unsigned seed = 0; seed < 12; ++seed) {
    std::mt19937 random(seed);
    RandomUser user(seed, RandomLimits(&random));
    for (int step = 0; step < 700; ++step) user.Step();
    user.Finish();
    CHECK(user.CheckAnswers() > 20);
    preemptions += user.stats().preemptions;
    hits += user.stats().prefix_hit_tokens;
    evictions += user.stats().prefix_evictions;
    slid += user.slid();
  }
  // The traces did what they are for.
  CHECK(preemptions > 100);
  CHECK(hits > 1000);
  CHECK(evictions > 1000);
  CHECK(slid > 1000);
}

TEST("engine trace: a seeded request gets the same tokens in any company, chunking and cache") {
  const Asked asked{Prompt(30, 0), 15, 4.0f, 1234, 0};
  const std::vector<int32_t> expected = Alone(asked, 64);
  CHECK_EQUAL(expected.size(), 15u);
  CHECK(expected != Answer(asked.prompt, 15));
  std::set<int32_t> cached;
  for (unsigned seed = 100; seed < 160; ++seed) {
    std::mt19937 random(seed);
    auto below = [&](int32_t n) { return static_cast<int32_t>(random() % n); };
    Fixture fixture(RandomLimits(&random));
    for (int64_t id = 1; id < 2 + below(10); ++id) {
      Asked other{Prompt(1 + below(30), below(2)), 1 + below(30), 2.0f, random(), below(3) - 1};
      fixture.engine->Submit(ToRequest(id, other));
    }
    for (int step = below(20); step > 0 && fixture.engine->HasWork(); --step)
      fixture.engine->Step();
    fixture.engine->Submit(ToRequest(0, asked));
    fixture.Run();
    CHECK(fixture.seen[0].tokens == expected);
    cached.insert(fixture.seen[0].cached_tokens);
  }
  CHECK(cached.size() > 3);  // found in the cache to different lengths
}
