/*!
 * \file speculation_test.cc
 * \brief Drafts of any quality change how many steps an answer takes, never the answer.
 */
#include "engine/speculation.h"

#include <cmath>
#include <set>

#include "check.h"
#include "engine/draft_model.h"
#include "engine/ngram_proposer.h"
#include "engine_fixture.h"

using namespace node_mlc_test;  // NOLINT: the fixture's names
using node_mlc::Draft;
using node_mlc::DraftModel;
using node_mlc::DraftModelLimits;
using node_mlc::ModelRunner;
using node_mlc::Proposer;

namespace {

using Tokens = std::vector<int32_t>;

/*! \brief Knows what the fake model will say, and is wrong now and then. */
class Oracle final : public Proposer {
 public:
  Oracle(double right, std::set<int64_t>* forgotten) : right_(right), forgotten_(forgotten) {}

  void Propose(std::vector<Draft>* drafts) override {
    for (Draft& draft : *drafts) {
      const auto count =
          right_ == 1.0 ? draft.most : static_cast<int32_t>(random_() % (draft.most + 1));
      draft.tokens = Answer(draft.request->tokens, count);
      for (int32_t& token : draft.tokens) {
        if (random_() % 1000 >= right_ * 1000) token = (token + 1) % kVocab;
      }
    }
  }

  void Forget(int64_t id) override { forgotten_->insert(id); }

 private:
  const double right_;
  std::set<int64_t>* const forgotten_;
  std::mt19937 random_{7};
};

std::unique_ptr<DraftModel> MakeDraftModel(int32_t pages, std::unique_ptr<ModelRunner> runner) {
  return std::make_unique<DraftModel>(DraftModelLimits{pages, 4, 64, 4, 8, kVocab},
                                      std::move(runner));
}

/*! \brief A fake model that is another one after every third history. */
class OtherRunner final : public FakeRunner {
 public:
  using FakeRunner::FakeRunner;
  node_mlc::Logits Forward(const node_mlc::StepInput& input) override {
    node_mlc::Logits logits = FakeRunner::Forward(input);
    for (size_t i = 0; i < input.logit_rows.size(); ++i) {
      if (input.positions[input.logit_rows[i]] % 3 == 0) logits.row(i)[1] = 20.0f;
    }
    return logits;
  }
};

}  // namespace

TEST("speculation: right drafts take fewer steps to the same answer") {
  std::set<int64_t> forgotten;
  Fixture fixture(Limits(40, 4, 32));
  fixture.engine->Speculate(std::make_unique<Oracle>(1.0, &forgotten), 8);
  fixture.engine->Submit(MakeRequest(1, {3, 4, 5}, 40));
  fixture.Run();
  CHECK(fixture.seen[1].tokens == Answer({3, 4, 5}, 40));
  // Each drafted token saves a step. How many are drafted depends on the time steps take.
  CHECK_EQUAL(fixture.runner->forwards + fixture.seen[1].accepted_tokens, 40);
  CHECK(fixture.seen[1].accepted_tokens > 0);
  CHECK_EQUAL(fixture.seen[1].drafted_tokens, fixture.seen[1].accepted_tokens);
  CHECK_EQUAL(fixture.engine->stats().accepted_tokens, fixture.seen[1].accepted_tokens);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 40);
  CHECK(forgotten == (std::set<int64_t>{1}));
}

TEST("speculation: a stop token inside a draft ends the answer there") {
  std::set<int64_t> forgotten;
  const Tokens answer = Answer({3, 4, 5}, 30);
  Fixture fixture(Limits(40, 4, 32));
  fixture.engine->Speculate(std::make_unique<Oracle>(1.0, &forgotten), 8);
  auto request = MakeRequest(1, {3, 4, 5}, 30);
  request->stop_tokens = {answer[20]};
  fixture.engine->Submit(std::move(request));
  fixture.Run();
  const auto end = std::find(answer.begin(), answer.end(), answer[20]);
  CHECK(fixture.seen[1].tokens == Tokens(answer.begin(), end + 1));
  CHECK(fixture.seen[1].finish == FinishReason::kStop);
}

TEST("speculation: who is not to be drafted for is not") {
  std::set<int64_t> forgotten;
  Fixture fixture(Limits(40, 4, 32));
  fixture.engine->Speculate(std::make_unique<Oracle>(1.0, &forgotten), 8);
  auto request = MakeRequest(1, {3, 4, 5}, 20);
  request->speculate = false;
  fixture.engine->Submit(std::move(request));
  fixture.Run();
  CHECK_EQUAL(fixture.engine->stats().drafted_tokens, 0);
  CHECK_EQUAL(fixture.runner->forwards, 20);
}

TEST("speculation: random loads with drafts of every quality give the answers of the model alone") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    auto below = [&](int n) { return static_cast<int>(random() % n); };
    std::set<int64_t> forgotten;
    // Small pools and few rows: drafts are cut, requests are preempted.
    Fixture fixture(Limits(16 + below(12), 1 + below(5), 2 + below(20)));
    fixture.engine->Speculate(std::make_unique<Oracle>(0.25 * (seed % 5), &forgotten),
                              1 + below(8));
    std::map<int64_t, std::pair<Tokens, int32_t>> asked;
    for (int64_t step = 0; step < 200; ++step) {
      if (below(4) == 0) {
        asked[step] = {Prompt(1 + below(30), random()), 1 + below(25)};
        fixture.engine->Submit(MakeRequest(step, asked[step].first, asked[step].second));
      }
      if (below(40) == 0 && !asked.empty()) {
        fixture.engine->Abort(
            std::next(asked.begin(), below(static_cast<int>(asked.size())))->first);
      }
      if (fixture.engine->HasWork()) fixture.engine->Step();
      fixture.engine->CheckIntegrity();
    }
    fixture.Run();
    for (const auto& [id, request] : asked) {
      const RequestEvent& seen = fixture.seen[id];
      const auto length = static_cast<int32_t>(seen.tokens.size());
      CHECK(seen.tokens == Answer(request.first, length));
      if (seen.finish == FinishReason::kLength) {
        const int32_t most =
            std::min(64 - static_cast<int32_t>(request.first.size()), request.second);
        CHECK_EQUAL(length, most);
      } else {
        CHECK(seen.finish == FinishReason::kAbort);
      }
      CHECK_EQUAL(forgotten.count(id), 1u);
    }
    CHECK_EQUAL(fixture.engine->stats().pages_free, fixture.engine->stats().pages_total);
  }
}

TEST("speculation: an answer that outgrows the context slides as it does without drafts") {
  int64_t accepted = 0;
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    std::set<int64_t> forgotten;
    Fixture fixture(Limits(24 + static_cast<int32_t>(random() % 20), 3, 32));
    fixture.engine->Speculate(std::make_unique<Oracle>(0.5 * (seed % 3), &forgotten), 8);
    std::map<int64_t, std::pair<Tokens, int32_t>> asked;
    for (int64_t id = 1; id <= 3; ++id) {
      asked[id] = {Prompt(1 + static_cast<int32_t>(random() % 40), random()),
                   static_cast<int32_t>(random() % 64)};
      auto request = MakeRequest(id, asked[id].first, 200);
      request->slide_keep = asked[id].second;
      fixture.engine->Submit(std::move(request));
    }
    fixture.Run();
    for (const auto& [id, request] : asked) {
      CHECK(fixture.seen[id].tokens == SlidingAnswer(request.first, 200, request.second, 64));
      CHECK(fixture.seen[id].dropped_tokens > 0);
      accepted += fixture.seen[id].accepted_tokens;
    }
    CHECK_EQUAL(fixture.engine->stats().pages_free, fixture.engine->stats().pages_total);
  }
  CHECK(accepted > 1000);
}

TEST("speculation: sampled answers are the ones without drafts") {
  int64_t accepted = 0;
  auto answer = [&accepted](bool drafts, uint64_t seed) {
    std::set<int64_t> forgotten;
    Fixture fixture(Limits(40, 4, 32));
    if (drafts)
      fixture.engine->Speculate(MakeDraftModel(40, std::make_unique<OtherRunner>(40, 4, kVocab)),
                                6);
    auto request = MakeRequest(1, {3, 4, 5}, 40);
    request->sampling.temperature = 4.0f;
    request->sampling.seed = seed;
    fixture.engine->Submit(std::move(request));
    fixture.Run();
    accepted += fixture.engine->stats().accepted_tokens;
    return fixture.seen[1].tokens;
  };
  std::set<Tokens> different;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Tokens alone = answer(false, seed);
    CHECK(answer(true, seed) == alone);
    different.insert(alone);
  }
  CHECK_EQUAL(different.size(), 20u);
  CHECK(accepted > 0);
}

TEST("speculation: n-grams save steps where a text repeats itself") {
  Fixture fixture(Limits(40, 4, 32));
  fixture.engine->Speculate(std::make_unique<node_mlc::NgramProposer>(), 8);
  // The prompt holds its own answer.
  Tokens prompt{3, 4, 5};
  const Tokens answer = Answer(prompt, 12);
  fixture.engine->Submit(MakeRequest(1, prompt, 12));
  fixture.Run();
  CHECK(fixture.seen[1].tokens == answer);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 40);
}

TEST(
    "draft model: reads long prompts in chunks, several requests at a time, and gives pages back") {
  auto owned = std::make_unique<FakeRunner>(24, 4, kVocab);
  FakeRunner* runner = owned.get();
  auto model = MakeDraftModel(24, std::move(owned));
  auto first = MakeRequest(1, Prompt(20, 1), 20), second = MakeRequest(2, Prompt(3, 2), 20);
  std::vector<Draft> drafts{{first.get(), 3, {}}, {second.get(), 2, {}}};
  auto again = [&] {
    for (Draft& draft : drafts) draft.tokens.clear();
    model->Propose(&drafts);
    model->CheckIntegrity();
  };
  // 8 rows a pass: the first prompt takes three passes and leaves nothing to the second.
  again();
  CHECK(drafts[0].tokens.empty() && drafts[1].tokens.empty());
  again();
  CHECK(drafts[0].tokens.empty() && drafts[1].tokens.empty());
  again();
  CHECK(drafts[0].tokens == Answer(first->tokens, 3));
  CHECK(drafts[1].tokens == Answer(second->tokens, 2));
  // Two drafted tokens hold, then another one comes: only what is new is read.
  first->tokens.insert(first->tokens.end(), {drafts[0].tokens[0], drafts[0].tokens[1], 49});
  second->tokens.push_back(drafts[1].tokens[0]);
  int32_t rows = 0;
  runner->on_forward = [&rows](const node_mlc::StepInput& input) {
    if (rows == 0) rows = input.rows();
  };
  again();
  CHECK(drafts[0].tokens == Answer(first->tokens, 3));
  CHECK(drafts[1].tokens == Answer(second->tokens, 2));
  CHECK_EQUAL(rows, 2);
  model->Forget(1);
  model->Forget(2);
  model->Forget(3);
  model->CheckIntegrity();
}

TEST("draft model: without pages or beyond its context there is no draft") {
  auto model = MakeDraftModel(4, std::make_unique<FakeRunner>(4, 4, kVocab));
  auto small = MakeRequest(1, Prompt(5, 1), 20), large = MakeRequest(2, Prompt(14, 2), 20);
  auto beyond = MakeRequest(3, Prompt(63, 3), 20);
  std::vector<Draft> drafts{{small.get(), 2, {}}, {large.get(), 4, {}}, {beyond.get(), 2, {}}};
  model->Propose(&drafts);
  CHECK_EQUAL(drafts[0].tokens.size(), 2u);
  CHECK(drafts[1].tokens.empty());
  CHECK(drafts[2].tokens.empty());
  model->CheckIntegrity();
}
