/*!
 * \file thought_test.cc
 * \brief Thoughts: what counts, and how their end is forced; alone and in the engine.
 */
#include "engine/thought.h"

#include <memory>
#include <utility>
#include <vector>

#include "check.h"
#include "engine/speculation.h"
#include "engine_fixture.h"

using namespace node_mlc_test;
using namespace node_mlc;

namespace {

constexpr int32_t kBegin = 40;
constexpr int32_t kEnd = 41;

ThoughtParams Params(int32_t budget, bool begun = false) {
  return {{kBegin}, {kEnd}, {7, kEnd}, budget, begun};
}

/*! \brief What the answer is if the model says `wanted`: forced tokens take their place. */
std::vector<int32_t> Follow(Thought* thought, const std::vector<int32_t>& wanted) {
  std::vector<int32_t> said;
  for (int32_t token : wanted) {
    said.push_back(thought->Forced().value_or(token));
    thought->Accept(said.back());
  }
  return said;
}

using Tokens = std::vector<int32_t>;

/*! \brief Drafts what the model would say if nobody spoke in its place. */
class Oracle final : public Proposer {
 public:
  void Propose(std::vector<Draft>* drafts) override {
    for (Draft& draft : *drafts) draft.tokens = Answer(draft.request->tokens, draft.most);
  }
  void Forget(int64_t) override {}
};

}  // namespace

TEST("thought: what is between its marks counts") {
  Thought thought(Params(-1));
  CHECK(Follow(&thought, {1, kBegin, 2, 3, kEnd, 4}) == Tokens({1, kBegin, 2, 3, kEnd, 4}));
  CHECK(thought.length() == 2);
}

TEST("thought: it is closed when its budget is used up") {
  Thought thought(Params(3));
  CHECK(Follow(&thought, {1, kBegin, 2, 3, 4, 5, 6, 8, 9}) ==
        Tokens({1, kBegin, 2, 3, 4, 7, kEnd, 8, 9}));
  CHECK(thought.length() == 3);
}

TEST("thought: one that the prompt began counts") {
  Thought thought(Params(2, true));
  CHECK(Follow(&thought, {1, 2, 3, 4, 5}) == Tokens({1, 2, 7, kEnd, 5}));
  CHECK(thought.length() == 2);
}

TEST("thought: with nothing to spend it ends at once") {
  Thought begun(Params(0, true));
  CHECK(Follow(&begun, {1, 2, 3}) == Tokens({7, kEnd, 3}));
  Thought later(Params(0));
  CHECK(Follow(&later, {1, kBegin, 2, 3, 4}) == Tokens({1, kBegin, 7, kEnd, 4}));
  CHECK(later.length() == 0);
}

TEST("thought: one that ends in time is left alone") {
  Thought thought(Params(3));
  CHECK(Follow(&thought, {kBegin, 1, 2, kEnd, 5, 6, 8}) == Tokens({kBegin, 1, 2, kEnd, 5, 6, 8}));
}

TEST("thought: all of an answer share one budget") {
  Thought thought(Params(3));
  CHECK(Follow(&thought, {kBegin, 1, 2, kEnd, 5, kBegin, 3, 4, 6, 8}) ==
        Tokens({kBegin, 1, 2, kEnd, 5, kBegin, 3, 7, kEnd, 8}));
  CHECK(thought.length() == 3);
}

TEST("thought: marks may have several tokens") {
  Thought thought({{10, 11}, {11, 12}, {11, 12}, 3, false});
  // The 11 of the beginning is no part of the end.
  CHECK(Follow(&thought, {10, 11, 12, 1, 2, 3, 4, 5}) == Tokens({10, 11, 12, 1, 2, 11, 12, 5}));
  Thought ends({{10, 11}, {11, 12}, {11, 12}, 9, false});
  CHECK(Follow(&ends, {10, 11, 1, 2, 11, 12, 5, 5}) == Tokens({10, 11, 1, 2, 11, 12, 5, 5}));
  CHECK(ends.length() == 2);
}

TEST("thought: one that ends otherwise is over") {
  Thought thought(Params(1, true));
  thought.Accept(1);
  CHECK(thought.Forced() == 7);
  thought.Accept(2);  // a grammar forbade it
  CHECK(thought.Forced() == 7);
  thought.Accept(kEnd);
  CHECK(!thought.Forced());
}

TEST("engine: a thought is closed and the answer goes on from there, with drafts too") {
  const std::vector<int32_t> prompt = Prompt(6, 3);
  for (bool drafts : {false, true}) {
    Fixture fixture(Limits(64));
    if (drafts) fixture.engine->Speculate(std::make_unique<Oracle>(), 3);
    auto request = MakeRequest(1, prompt, 12);
    request->thought = std::make_unique<Thought>(Params(4, true));
    fixture.engine->Submit(std::move(request));
    fixture.Run();
    std::vector<int32_t> history = prompt;
    std::vector<int32_t> expected;
    auto say = [&](int32_t token) {
      expected.push_back(token);
      history.push_back(token);
    };
    for (int32_t i = 0; i < 4; ++i) say(NextToken(history, kVocab));
    say(7);
    say(kEnd);
    while (expected.size() < 12) say(NextToken(history, kVocab));
    CHECK(fixture.seen[1].tokens == expected);
    CHECK(fixture.seen[1].thought_tokens == 4);
  }
}
