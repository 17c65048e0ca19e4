/*!
 * \file grammar_test.cc
 * \brief Requests with grammars: masks, waiting, ends; and what keeps compiled grammars.
 */
#include <algorithm>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "engine_fixture.h"
#include "grammar/constraint.h"
#include "grammar/grammar_cache.h"
#include "grammar/grammar_service.h"
#include "support/coded_error.h"

using namespace node_mlc_test;
using namespace node_mlc;

namespace {

constexpr int32_t kStop = 49;
constexpr int32_t kPeriod = 5;

/*! \brief Whether token `token` may be the one at `index` of an answer. */
bool Allowed(int32_t token, size_t index) {
  return token != kStop && token % kPeriod == static_cast<int32_t>(index % kPeriod);
}

/*! \brief Answers of exactly `length` tokens, each Allowed(). */
class FakeMatcher final : public GrammarMatcher {
 public:
  FakeMatcher(size_t length, std::vector<int32_t> stop_tokens)
      : length_(length), stop_tokens_(std::move(stop_tokens)) {}

  void Fill(TokenMask* mask) override {
    std::fill(mask->words(), mask->words() + mask->word_count(), 0u);
    auto allow = [&](int32_t token) { mask->words()[token / 32] |= 1u << (token % 32); };
    if (index_ == length_) {
      for (int32_t token : stop_tokens_) allow(token);
      return;
    }
    for (int32_t token = 0; token < kVocab; ++token) {
      if (Allowed(token, index_)) allow(token);
    }
  }

  bool Accept(int32_t token) override {
    if (index_ == length_ || !Allowed(token, index_)) return false;
    ++index_;
    return true;
  }

 private:
  const size_t length_;
  const std::vector<int32_t> stop_tokens_;
  size_t index_ = 0;
};

class FakeGrammar final : public CompiledGrammar {
 public:
  explicit FakeGrammar(size_t length, int64_t bytes = 100) : length_(length), bytes_(bytes) {}
  std::unique_ptr<GrammarMatcher> Match(const std::vector<int32_t>& stop_tokens) const override {
    return std::make_unique<FakeMatcher>(length_, stop_tokens.empty() ? stop_tokens_ : stop_tokens);
  }
  const std::vector<int32_t>& stop_tokens() const override { return stop_tokens_; }
  int64_t bytes() const override { return bytes_; }

 private:
  const size_t length_;
  const int64_t bytes_;
  const std::vector<int32_t> stop_tokens_ = {kStop};
};

/*! \brief What tests see of the compiler, which lives on another thread. */
struct CompilerLog {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> compiled;  // guarded by mutex
  bool held = false;                  // guarded by mutex

  void Hold(bool hold) {
    std::lock_guard<std::mutex> lock(mutex);
    held = hold;
    changed.notify_all();
  }

  size_t count() {
    std::lock_guard<std::mutex> lock(mutex);
    return compiled.size();
  }

  void WaitFor(size_t count) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return compiled.size() >= count; });
  }
};

/*! \brief The text of a grammar is the length of its answers; "bad" is none. */
class FakeCompiler final : public GrammarCompiler {
 public:
  explicit FakeCompiler(CompilerLog* log) : log_(log) {}

  std::shared_ptr<const CompiledGrammar> Compile(const GrammarSource& source) override {
    {
      std::unique_lock<std::mutex> lock(log_->mutex);
      log_->compiled.push_back(source.text);
      log_->changed.notify_all();
      log_->changed.wait(lock, [&] { return !log_->held; });
    }
    if (source.text == "bad") throw CodedError("ERR_INVALID_GRAMMAR", "bad grammar");
    return std::make_shared<FakeGrammar>(std::stoul(source.text));
  }

 private:
  CompilerLog* const log_;
};

/*! \brief A fixture whose engine has grammars; Run() waits for those that are compiled. */
struct GrammarFixture : Fixture {
  explicit GrammarFixture(EngineLimits limits) : Fixture(limits) {
    engine->UseGrammars(
        std::make_unique<GrammarService>(std::make_unique<FakeCompiler>(&log), kVocab),
        [this](std::function<void(Engine*)> command) {
          std::lock_guard<std::mutex> lock(mutex);
          commands.push_back(std::move(command));
          posted.notify_all();
        });
  }
  // Its threads post here.
  ~GrammarFixture() { engine.reset(); }

  void Submit(std::unique_ptr<Request> request, const std::string& grammar) {
    GrammarSource source;
    source.text = grammar;
    request->pending_grammar = std::make_shared<PendingGrammar>(source);
    ++awaited;
    engine->Submit(std::move(request));
  }

  /*! \brief Runs the commands that have come; with `wait` those of all grammars awaited. */
  void RunCommands(bool wait) {
    std::vector<std::function<void(Engine*)>> due;
    {
      std::unique_lock<std::mutex> lock(mutex);
      if (wait) {
        posted.wait(lock, [this] { return commands.size() >= awaited; });
      }
      due.swap(commands);
    }
    awaited -= due.size();
    for (auto& command : due) command(engine.get());
    engine->CheckIntegrity();
  }

  void RunAll() {
    RunCommands(true);
    Run();
  }

  CompilerLog log;
  size_t awaited = 0;
  std::mutex mutex;
  std::condition_variable posted;
  std::vector<std::function<void(Engine*)>> commands;
};

std::unique_ptr<Request> MakeStopping(int64_t id, std::vector<int32_t> prompt, int32_t most) {
  auto request = MakeRequest(id, std::move(prompt), most);
  request->stop_tokens = {kStop};
  return request;
}

/*! \brief The greedy answer that the grammar leaves: the model's token, else the first allowed. */
std::vector<int32_t> HeldAnswer(std::vector<int32_t> text, size_t length) {
  std::vector<int32_t> answer;
  while (answer.size() < length) {
    int32_t token = NextToken(text, kVocab);
    if (!Allowed(token, answer.size())) token = static_cast<int32_t>(answer.size() % kPeriod);
    answer.push_back(token);
    text.push_back(token);
  }
  return answer;
}

}  // namespace

TEST("token mask: forbids all others, also in the last word of an odd vocabulary") {
  TokenMask mask(35);
  mask.words()[0] = 1u << 3;
  mask.words()[1] = 1u << 2 | 1u << 31;  // beyond the vocabulary: nothing
  std::vector<float> logits(36, 1.0f);
  mask.Apply(logits.data());
  for (int32_t token = 0; token < 35; ++token) {
    CHECK_EQUAL(mask.Has(token), token == 3 || token == 34);
    CHECK_EQUAL(logits[token], mask.Has(token) ? 1.0f : -std::numeric_limits<float>::infinity());
  }
  CHECK_EQUAL(logits[35], 1.0f);
  CHECK(!mask.Has(-1) && !mask.Has(35) && !mask.Has(63));
  CHECK(!mask.HasNoneBut({3}));
  CHECK(mask.HasNoneBut({34, 3, 99, -1}));
  mask.Remove({3});
  CHECK(mask.HasNoneBut({34}) && !mask.HasNoneBut({}));
}

TEST("grammar cache: keeps those asked for last within its bytes") {
  GrammarCache cache(350);
  auto source = [](const char* text) {
    GrammarSource result;
    result.text = text;
    return result;
  };
  for (const char* text : {"a", "b", "c"}) {
    cache.Add(source(text), std::make_shared<FakeGrammar>(1));
  }
  CHECK_EQUAL(cache.size(), 3);
  CHECK_EQUAL(cache.bytes(), 306);
  CHECK(cache.Find(source("a")) != nullptr);
  cache.Add(source("d"), std::make_shared<FakeGrammar>(1));
  CHECK(cache.Find(source("b")) == nullptr);
  CHECK(cache.Find(source("a")) != nullptr && cache.Find(source("c")) != nullptr);
  cache.Add(source("e"), std::make_shared<FakeGrammar>(1, 1000));
  CHECK(cache.Find(source("e")) == nullptr);
  CHECK_EQUAL(cache.size(), 3);
  GrammarSource other = source("a");
  other.kind = GrammarSource::Kind::kRegex;
  CHECK(cache.Find(other) == nullptr);
}

TEST("constraint: masks come from a worker or on demand, and are the same") {
  const FakeGrammar grammar(40);
  WorkerThread worker;
  Constraint ahead(grammar, kVocab, {kStop}, &worker);
  Constraint demanded(grammar, kVocab, {kStop}, nullptr);
  for (int32_t i = 0; i < 40; ++i) {
    CHECK(!ahead.Ended() && !demanded.Ended());
    for (int32_t token = 0; token < kVocab; ++token) {
      CHECK_EQUAL(ahead.NextTokens().Has(token), demanded.NextTokens().Has(token));
    }
    ahead.Accept(i % kPeriod);
    demanded.Accept(i % kPeriod);
  }
  CHECK(ahead.Ended() && demanded.Ended());
  CHECK(ahead.NextTokens().Has(kStop));
  bool refused = false;
  try {
    ahead.Accept(1);
  } catch (const std::logic_error&) {
    refused = true;
  }
  CHECK(refused);
}

TEST("grammar: an answer is held to it and ends with it; others are as without") {
  GrammarFixture fixture(Limits(32));
  fixture.Submit(MakeStopping(1, {5, 6, 7}, 30), "9");
  fixture.engine->Submit(MakeRequest(2, {3, 4}, 12));
  fixture.Submit(MakeStopping(3, {8}, 4), "9");
  fixture.RunAll();
  CHECK(fixture.seen[1].tokens == HeldAnswer({5, 6, 7}, 9));
  CHECK(fixture.seen[1].finish == FinishReason::kStop);
  CHECK_EQUAL(fixture.seen[1].completion_tokens, 9);
  CHECK(fixture.seen[2].tokens == Answer({3, 4}, 12));
  CHECK(fixture.seen[3].tokens == HeldAnswer({8}, 4));
  CHECK(fixture.seen[3].finish == FinishReason::kLength);
  CHECK_EQUAL(fixture.log.count(), 1u);  // the second found it
  CHECK_EQUAL(fixture.engine->stats().pages_free, 32);
}

TEST("grammar: ends whatever min_tokens says, without stop tokens too, and at once when empty") {
  GrammarFixture fixture(Limits(32));
  auto patient = MakeStopping(1, {5}, 30);
  patient->sampling.min_tokens = 20;
  fixture.Submit(std::move(patient), "6");
  fixture.Submit(MakeRequest(2, {6}, 30), "6");
  fixture.Submit(MakeStopping(3, {7}, 30), "0");
  fixture.RunAll();
  for (int64_t id : {1, 2}) {
    CHECK(fixture.seen[id].tokens == HeldAnswer({static_cast<int32_t>(id) + 4}, 6));
    CHECK(fixture.seen[id].finish == FinishReason::kStop);
  }
  CHECK(fixture.seen[3].tokens.empty());
  CHECK(fixture.seen[3].finish == FinishReason::kStop);
}

TEST("grammar: a request waits for its grammar without a step, and others go on") {
  GrammarFixture fixture(Limits(32));
  fixture.log.Hold(true);
  fixture.Submit(MakeStopping(1, {5}, 30), "3");
  CHECK(!fixture.engine->HasWork());
  fixture.engine->Submit(MakeRequest(2, {3}, 5));
  fixture.Run();
  CHECK(fixture.seen[2].tokens == Answer({3}, 5));
  CHECK_EQUAL(fixture.seen.count(1), 0u);
  CHECK_EQUAL(fixture.engine->stats().waiting, 1);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 32);
  fixture.log.Hold(false);
  fixture.RunAll();
  CHECK(fixture.seen[1].tokens == HeldAnswer({5}, 3));
}

TEST("grammar: an abort while it is compiled ends the request at once; its id is free again") {
  GrammarFixture fixture(Limits(32));
  fixture.log.Hold(true);
  fixture.Submit(MakeStopping(1, {5}, 30), "3");
  fixture.log.WaitFor(1);
  fixture.Submit(MakeStopping(2, {5}, 30), "4");  // never begun
  fixture.engine->Abort(1);
  fixture.engine->AbortIfQueued(2);
  CHECK(fixture.seen[1].finish == FinishReason::kAbort);
  CHECK(fixture.seen[2].finish == FinishReason::kAbort);
  fixture.seen.clear();
  fixture.Submit(MakeStopping(1, {9}, 30), "7");
  fixture.awaited = 2;  // of the first request and of the last
  fixture.log.Hold(false);
  fixture.RunAll();
  CHECK(fixture.seen[1].tokens == HeldAnswer({9}, 7));
  CHECK_EQUAL(fixture.seen.count(2), 0u);
  CHECK_EQUAL(fixture.log.count(), 2u);
}

TEST("grammar: one that does not compile ends its request alone") {
  GrammarFixture fixture(Limits(32));
  fixture.Submit(MakeStopping(1, {5}, 30), "bad");
  fixture.engine->Submit(MakeRequest(2, {3}, 5));
  fixture.RunAll();
  CHECK(fixture.seen[1].finish == FinishReason::kError);
  CHECK_EQUAL(fixture.seen[1].error_code, std::string("ERR_INVALID_GRAMMAR"));
  CHECK(fixture.seen[2].tokens == Answer({3}, 5));
}

TEST("grammar: the engine may end while a grammar is compiled") {
  GrammarFixture fixture(Limits(32));
  fixture.log.Hold(true);
  fixture.Submit(MakeStopping(1, {5}, 30), "3");
  fixture.log.WaitFor(1);
  int answers = 0;  // a result or ERR_ABORTED, by who comes first
  fixture.engine->MatchGrammar({}, {}, [&](MatchResult) { ++answers; });
  fixture.engine->AbortAll();
  fixture.log.Hold(false);
  fixture.engine.reset();
  CHECK(fixture.seen[1].finish == FinishReason::kAbort);
  CHECK_EQUAL(answers, 1);
}

TEST("grammar: preemptions and logits from elsewhere leave the answer right") {
  GrammarFixture fixture(Limits(10, 4));
  for (int64_t id = 0; id < 8; ++id) {
    auto request = MakeStopping(id, Prompt(5, static_cast<unsigned>(id)), 30);
    if (id % 2 == 1) request->sampling.external_logits = true;
    fixture.Submit(std::move(request), "14");
  }
  fixture.RunCommands(true);
  bool replied = true;
  while (fixture.engine->HasWork() || replied) {
    fixture.Run();
    replied = false;
    for (auto& [id, event] : fixture.seen) {
      auto logits = std::exchange(event.logits, nullptr);
      if (logits == nullptr) continue;
      fixture.engine->ReplyLogits(id, std::move(*logits));
      fixture.engine->CheckIntegrity();
      replied = true;
    }
  }
  CHECK(fixture.engine->stats().preemptions > 0);
  for (int64_t id = 0; id < 8; ++id) {
    CHECK(fixture.seen[id].tokens == HeldAnswer(Prompt(5, static_cast<unsigned>(id)), 14));
    CHECK(fixture.seen[id].finish == FinishReason::kStop);
  }
}

TEST("grammar: a text that slides stays in its grammar") {
  GrammarFixture fixture(Limits(32));
  auto request = MakeStopping(1, {5, 6, 7}, 200);
  request->slide_keep = 4;
  fixture.Submit(std::move(request), "150");
  fixture.RunAll();
  const std::vector<int32_t>& tokens = fixture.seen[1].tokens;
  CHECK_EQUAL(tokens.size(), 150u);
  for (size_t i = 0; i < tokens.size(); ++i) CHECK(Allowed(tokens[i], i));
  CHECK(fixture.seen[1].dropped_tokens > 0);
  CHECK(fixture.seen[1].finish == FinishReason::kStop);
}
