/*!
 * \file scheduler_test.cc
 */
#include "engine/scheduler.h"

#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>

#include "check.h"

using node_mlc::FinishReason;
using node_mlc::PageTable;
using node_mlc::PrefixCache;
using node_mlc::Request;
using node_mlc::ScheduledBatch;
using node_mlc::Scheduler;
using node_mlc::SchedulerLimits;

namespace {

constexpr int kPageSize = 4;

std::vector<int32_t> Range(int from, int count) {
  std::vector<int32_t> tokens(count);
  std::iota(tokens.begin(), tokens.end(), from);
  return tokens;
}

std::unique_ptr<Request> MakeRequest(int64_t id, std::vector<int32_t> prompt, int max_tokens,
                                     int priority = 0) {
  auto request = std::make_unique<Request>();
  request->id = id;
  request->prompt_length = static_cast<int32_t>(prompt.size());
  request->tokens = std::move(prompt);
  request->max_tokens = max_tokens;
  request->priority = priority;
  return request;
}

/*! \brief A request that shares nothing with others. */
std::unique_ptr<Request> MakeRequest(int64_t id, int prompt, int max_tokens, int priority = 0) {
  return MakeRequest(id, Range(static_cast<int>(id) * 1000, prompt), max_tokens, priority);
}

/*! \brief "id:count" for each sequence, "!" where a token is sampled. */
std::string Text(const ScheduledBatch& batch) {
  std::string text;
  for (const auto& sequence : batch) {
    text += (text.empty() ? "" : " ") + std::to_string(sequence.request->id) + ":" +
            std::to_string(sequence.count) + (sequence.sample ? "!" : "");
  }
  return text;
}

/*! \brief A scheduler over pages of 4 tokens (or `page_size`) and their cache. */
struct Fixture {
  Fixture(int page_count, SchedulerLimits limits, int page_size = kPageSize, bool caching = true,
          int most_idle = PageTable::kUnbounded)
      : pages(page_count, page_size, most_idle),
        cache(&pages, caching),
        scheduler(limits, &pages, &cache) {}

  void Add(std::unique_ptr<Request> request) { scheduler.Add(std::move(request)); }

  /*! \brief Schedules and computes one step with token 2 as every answer; ends what is finished. */
  std::string Step() {
    const ScheduledBatch& batch = scheduler.Schedule();
    std::string text = Text(batch);
    std::vector<int64_t> ended;
    for (const auto& sequence : batch) {
      if (!sequence.request->started) sequence.request->started = node_mlc::Clock::now();
      cached[sequence.request->id] = sequence.request->cached_tokens;
      scheduler.Advance(sequence.request, sequence.count);
      if (sequence.sample && scheduler.Append(sequence.request, 2) != FinishReason::kNone) {
        ended.push_back(sequence.request->id);
      }
    }
    for (int64_t id : ended) scheduler.Remove(id);
    scheduler.CheckIntegrity();
    return text;
  }

  PageTable pages;
  PrefixCache cache;
  Scheduler scheduler;
  std::map<int64_t, int32_t> cached;
};

}  // namespace

TEST("scheduler: prompts in chunks share the step with decodes") {
  Fixture fixture(100, {64, 4, 8});
  fixture.Add(MakeRequest(1, 3, 10));
  CHECK_EQUAL(fixture.Step(), "1:3!");
  fixture.Add(MakeRequest(2, 12, 2));
  fixture.Add(MakeRequest(3, 2, 2));
  CHECK_EQUAL(fixture.Step(), "1:1! 2:5 3:2!");
  CHECK_EQUAL(fixture.Step(), "1:1! 3:1! 2:6");
  CHECK_EQUAL(fixture.Step(), "1:1! 2:1!");
  CHECK_EQUAL(fixture.Step(), "1:1! 2:1!");
  CHECK_EQUAL(fixture.Step(), "1:1!");
}

TEST("scheduler: no more requests than the batch allows, in order of arrival") {
  Fixture fixture(100, {64, 2, 8});
  for (int id = 1; id <= 3; ++id) fixture.Add(MakeRequest(id, 1, 2));
  CHECK_EQUAL(fixture.Step(), "1:1! 2:1!");
  CHECK_EQUAL(fixture.Step(), "1:1! 2:1!");
  CHECK_EQUAL(fixture.Step(), "3:1!");
}

TEST("scheduler: a request waits for pages, and nobody passes it") {
  Fixture fixture(4, {16, 4, 16});
  fixture.Add(MakeRequest(1, 8, 2));  // 2 pages, then 3
  fixture.Add(MakeRequest(2, 9, 1));  // 3 pages
  fixture.Add(MakeRequest(3, 1, 1));
  CHECK_EQUAL(fixture.Step(), "1:8!");
  CHECK_EQUAL(fixture.Step(), "1:1!");
  CHECK_EQUAL(fixture.Step(), "2:9!");  // a page stays in reserve for 2
  CHECK_EQUAL(fixture.Step(), "3:1!");
  CHECK_EQUAL(fixture.pages.available(), 4);
}

TEST("scheduler: the youngest gives up its pages and is computed again") {
  Fixture fixture(4, {16, 4, 16});
  fixture.Add(MakeRequest(1, 4, 9));
  fixture.Add(MakeRequest(2, 4, 4));
  CHECK_EQUAL(fixture.Step(), "1:4! 2:4!");
  CHECK_EQUAL(fixture.Step(), "1:1! 2:1!");
  CHECK_EQUAL(fixture.pages.available(), 0);
  CHECK_EQUAL(fixture.Step(), "1:1! 2:1!");
  CHECK_EQUAL(fixture.Step(), "1:1! 2:1!");
  CHECK_EQUAL(fixture.Step(), "1:1!");  // 2 is finished
  fixture.Add(MakeRequest(3, 4, 9));
  CHECK_EQUAL(fixture.Step(), "1:1!");  // a page stays in reserve for 1
  CHECK_EQUAL(fixture.scheduler.preemptions(), 0);
}

TEST("scheduler: the victim of a preemption starts over with prompt and answer") {
  Fixture fixture(5, {16, 4, 16});
  fixture.Add(MakeRequest(1, 4, 12));
  fixture.Add(MakeRequest(2, 4, 12));
  for (int i = 0; i < 5; ++i) fixture.Step();  // both have 9 tokens, 8 of them in 2 pages each
  CHECK_EQUAL(fixture.pages.available(), 1);
  CHECK_EQUAL(fixture.Step(), "1:1!");
  CHECK_EQUAL(fixture.scheduler.preemptions(), 1);
  CHECK_EQUAL(fixture.scheduler.waiting(), 1);
  CHECK_EQUAL(fixture.pages.available(), 2);
  for (int i = 0; i < 6; ++i) CHECK_EQUAL(fixture.Step(), "1:1!");
  CHECK_EQUAL(fixture.Step(), "2:5!");  // one of its pages is still there
}

TEST("scheduler: a paused request keeps its pages and leaves its place to others") {
  Fixture fixture(8, {16, 1, 16});
  fixture.Add(MakeRequest(1, 4, 9));
  fixture.Add(MakeRequest(2, 2, 3));
  CHECK_EQUAL(fixture.Step(), "1:4!");
  fixture.scheduler.Pause(1);
  CHECK_EQUAL(fixture.Step(), "2:2!");
  CHECK_EQUAL(fixture.pages.available(), 6);
  fixture.scheduler.Resume(1);
  CHECK_EQUAL(fixture.Step(), "1:1!");  // the older one has the only place
  fixture.scheduler.Pause(1);
  fixture.scheduler.Pause(2);
  CHECK(!fixture.scheduler.HasRunnable());
  CHECK_EQUAL(fixture.Step(), "");
  fixture.scheduler.Resume(2);
  CHECK_EQUAL(fixture.Step(), "2:1!");
}

TEST("scheduler: a paused request loses its pages to one that can run") {
  Fixture fixture(4, {16, 2, 16});
  fixture.Add(MakeRequest(1, 8, 4));
  CHECK_EQUAL(fixture.Step(), "1:8!");
  fixture.scheduler.Pause(1);
  fixture.Add(MakeRequest(2, 12, 2));
  CHECK_EQUAL(fixture.Step(), "2:12!");
  CHECK_EQUAL(fixture.scheduler.preemptions(), 1);
  CHECK_EQUAL(fixture.Step(), "2:1!");
  CHECK(!fixture.scheduler.HasRunnable());
  fixture.scheduler.Resume(1);
  CHECK_EQUAL(fixture.Step(), "1:9!");
}

TEST("scheduler: aborting frees pages at once, wherever the request is") {
  Fixture fixture(8, {64, 2, 4});
  fixture.Add(MakeRequest(1, 10, 5));
  fixture.Add(MakeRequest(2, 2, 5));
  fixture.Add(MakeRequest(3, 2, 5));
  fixture.Step();  // 1 is in the middle of its prompt
  CHECK_EQUAL(fixture.pages.available(), 4);
  CHECK(fixture.scheduler.Remove(1) != nullptr);
  CHECK_EQUAL(fixture.pages.available(), 7);
  fixture.Step();
  CHECK(fixture.scheduler.Remove(3) != nullptr);
  CHECK(fixture.scheduler.Remove(2) != nullptr);
  CHECK(fixture.scheduler.Remove(2) == nullptr);
  CHECK_EQUAL(fixture.pages.available(), 8);
  CHECK(fixture.scheduler.Schedule().empty());
}

TEST("scheduler: length and stop tokens end a request") {
  Fixture fixture(2, {64, 2, 8});
  CHECK_EQUAL(fixture.scheduler.max_length(), 8);
  Request request;
  request.tokens = {5, 5};
  request.prompt_length = 2;
  request.max_tokens = 3;
  request.stop_tokens = {9};
  CHECK(fixture.scheduler.Append(&request, 1) == FinishReason::kNone);
  CHECK(fixture.scheduler.Append(&request, 9) == FinishReason::kStop);
  CHECK(fixture.scheduler.Append(&request, 1) == FinishReason::kLength);
  request.max_tokens = 100;
  request.tokens.assign(6, 5);
  CHECK(fixture.scheduler.Append(&request, 1) == FinishReason::kNone);
  CHECK(fixture.scheduler.Append(&request, 1) == FinishReason::kLength);
}

TEST("scheduler: random traces keep every invariant and finish every request") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    auto below = [&](int n) { return static_cast<int>(random() % n); };
    SchedulerLimits limits{20 + below(60), 1 + below(6), 1 + below(24)};
    Fixture fixture(6 + below(20), limits, 1 + below(8), seed % 5 > 0);
    Scheduler& scheduler = fixture.scheduler;
    int64_t next_id = 0;
    std::set<int64_t> open;
    for (int step = 0; step < 600 || !open.empty(); ++step) {
      if (step < 600 && below(4) == 0 && scheduler.max_length() > 1) {
        // Prompts out of three texts, cut anywhere.
        const int length = 1 + below(scheduler.max_length() - 1);
        fixture.Add(
            MakeRequest(next_id, Range(below(3) * 1000, length), 1 + below(40), below(3) - 1));
        open.insert(next_id++);
      }
      if (step < 600 && below(20) == 0 && next_id > 0) {
        int64_t id = below(static_cast<int>(next_id));
        bool known = open.erase(id) > 0;
        CHECK_EQUAL(scheduler.Remove(id) != nullptr, known);
        scheduler.CheckIntegrity();
      }
      if (below(50) == 0) scheduler.PreemptLast();
      const ScheduledBatch& batch = scheduler.Schedule();
      int rows = 0;
      for (const auto& sequence : batch) rows += sequence.count;
      CHECK(rows <= limits.prefill_chunk);
      CHECK(static_cast<int>(batch.size()) <= limits.max_batch);
      CHECK(!batch.empty() || open.empty());
      std::vector<int64_t> ended;
      for (const auto& sequence : batch) {
        CHECK(sequence.count >= 1);
        int64_t room =
            static_cast<int64_t>(sequence.request->pages.size()) * fixture.pages.page_size();
        CHECK(sequence.request->computed + sequence.count <= room);
        CHECK_EQUAL(sequence.sample, sequence.count == sequence.request->remaining());
        scheduler.Advance(sequence.request, sequence.count);
        if (sequence.sample && scheduler.Append(sequence.request, 1) != FinishReason::kNone) {
          ended.push_back(sequence.request->id);
        }
      }
      for (int64_t id : ended) {
        CHECK(scheduler.Remove(id) != nullptr);
        open.erase(id);
      }
      scheduler.CheckIntegrity();
      CHECK(step < 200000);
    }
    CHECK_EQUAL(fixture.pages.available(), fixture.pages.total());
  }
}

TEST("scheduler: a long prompt and short ones do not hold each other up") {
  Fixture fixture(100, {64, 4, 8});
  fixture.Add(MakeRequest(1, 44, 1));
  CHECK_EQUAL(fixture.Step(), "1:8");
  fixture.Add(MakeRequest(2, 6, 1));
  fixture.Add(MakeRequest(3, 3, 1));
  CHECK_EQUAL(fixture.Step(), "1:4 2:1 3:3!");  // half to the oldest, then the shortest
  CHECK_EQUAL(fixture.Step(), "1:4 2:4");
  CHECK_EQUAL(fixture.Step(), "2:1! 1:7");
  fixture.Add(MakeRequest(4, 5, 1));  // however many short ones come, the long one goes on
  CHECK_EQUAL(fixture.Step(), "1:4 4:4");
  fixture.Add(MakeRequest(5, 5, 1));
  CHECK_EQUAL(fixture.Step(), "4:1! 1:4 5:3");
  fixture.Add(MakeRequest(6, 5, 1));
  CHECK_EQUAL(fixture.Step(), "1:4 5:2! 6:2");
}

TEST("scheduler: prompts of one length are computed one after the other") {
  Fixture fixture(100, {64, 4, 8});
  for (int id = 1; id < 4; ++id) fixture.Add(MakeRequest(id, 8, 1));
  CHECK_EQUAL(fixture.Step(), "1:8!");
  CHECK_EQUAL(fixture.Step(), "2:8!");
  CHECK_EQUAL(fixture.Step(), "3:8!");
}

TEST("scheduler: prompts advance beside as many decodes as there are rows") {
  Fixture fixture(100, {64, 8, 3});
  for (int id = 1; id < 6; ++id) fixture.Add(MakeRequest(id, 1, 20));
  fixture.Add(MakeRequest(6, 5, 2));
  CHECK_EQUAL(fixture.Step(), "1:1! 2:1! 3:1!");
  fixture.scheduler.Remove(1);
  fixture.scheduler.Remove(4);
  fixture.scheduler.Remove(5);
  CHECK_EQUAL(fixture.Step(), "2:1! 3:1! 6:1");
  CHECK_EQUAL(fixture.Step(), "2:1! 3:1! 6:1");
}

TEST("scheduler: a higher priority goes first, equal ones in order of arrival") {
  Fixture fixture(100, {64, 1, 8});
  fixture.Add(MakeRequest(1, 1, 1));
  fixture.Add(MakeRequest(2, 1, 1, 2));
  fixture.Add(MakeRequest(3, 1, 1, -1));
  fixture.Add(MakeRequest(4, 1, 1, 2));
  for (const char* expected : {"2:1!", "4:1!", "1:1!", "3:1!"}) {
    CHECK_EQUAL(fixture.Step(), expected);
  }
}

TEST("scheduler: a higher priority takes place and pages of lower ones, which go on after it") {
  Fixture fixture(100, {64, 1, 8});
  fixture.Add(MakeRequest(1, 6, 4));
  CHECK_EQUAL(fixture.Step(), "1:6!");
  fixture.Add(MakeRequest(2, 2, 2));
  CHECK_EQUAL(fixture.Step(), "1:1!");
  fixture.Add(MakeRequest(3, 2, 2, 1));
  CHECK_EQUAL(fixture.Step(), "3:2!");
  CHECK_EQUAL(fixture.Step(), "3:1!");
  CHECK_EQUAL(fixture.Step(), "1:4!");  // 8 tokens, of which a page was kept
  CHECK_EQUAL(fixture.cached[1], 0);    // of its own work

  Fixture small(4, {64, 4, 8});
  small.Add(MakeRequest(1, 6, 4));
  small.Add(MakeRequest(2, 1, 4, 1));
  CHECK_EQUAL(small.Step(), "2:1! 1:6!");
  small.Add(MakeRequest(3, 5, 1, 1));
  CHECK_EQUAL(small.Step(), "2:1! 3:5!");
}

TEST("scheduler: who has waited long goes before newcomers of a higher priority") {
  Fixture fixture(100, {64, 1, 8});
  fixture.Add(MakeRequest(0, 1, 1, 0));
  int64_t next_id = 1;
  int64_t steps = 0;
  for (std::string text; text != "0:1!"; ++steps) {
    fixture.Add(MakeRequest(next_id++, 1, 1, 1));
    text = fixture.Step();
    CHECK(steps <= Scheduler::kStepsPerPriority);
  }
  CHECK_EQUAL(steps, Scheduler::kStepsPerPriority + 1);
}

TEST("scheduler: a second prompt with the same beginning takes its pages, also while it runs") {
  Fixture fixture(100, {64, 4, 16});
  fixture.Add(MakeRequest(1, Range(0, 10), 9));
  CHECK_EQUAL(fixture.Step(), "1:10!");
  fixture.Add(MakeRequest(2, Range(0, 10), 1));
  CHECK_EQUAL(fixture.Step(), "1:1! 2:2!");
  CHECK_EQUAL(fixture.cached[2], 8);
  for (int i = 0; i < 7; ++i) fixture.Step();
  CHECK_EQUAL(fixture.pages.used(), 0);
  // The next turn finds the answer too: 10 tokens and 8 of 9 times token 2.
  std::vector<int32_t> turn = Range(0, 10);
  turn.insert(turn.end(), 9, 2);
  turn.push_back(77);
  fixture.Add(MakeRequest(3, turn, 1));
  CHECK_EQUAL(fixture.Step(), "3:4!");
  CHECK_EQUAL(fixture.cached[3], 16);
}

TEST("scheduler: a fork of a running sequence takes its full pages") {
  Fixture fixture(100, {64, 4, 16});
  fixture.Add(MakeRequest(1, Range(0, 6), 20));
  fixture.Step();
  for (int i = 0; i < 7; ++i) fixture.Step();  // 14 tokens, 13 of them computed
  std::vector<int32_t> tokens = Range(0, 6);
  tokens.insert(tokens.end(), 8, 2);
  for (int id = 2; id < 4; ++id) fixture.Add(MakeRequest(id, tokens, 20));
  CHECK_EQUAL(fixture.Step(), "1:1! 2:2! 3:2!");
  CHECK_EQUAL(fixture.pages.used(), 3 + 3);  // 12 tokens shared, a page for each one's next
  CHECK_EQUAL(fixture.cached[3], 12);
}

TEST("scheduler: prompts that begin alike and come together are computed once") {
  Fixture fixture(100, {64, 8, 8});
  for (int id = 1; id < 4; ++id) fixture.Add(MakeRequest(id, Range(0, 14), 5));
  fixture.Add(MakeRequest(4, 2, 5));
  CHECK_EQUAL(fixture.Step(), "1:6 4:2!");  // 2 and 3 wait, 4 does not
  CHECK_EQUAL(fixture.Step(), "4:1! 1:7");
  CHECK_EQUAL(fixture.Step(), "1:1! 4:1! 2:2! 3:2!");
  CHECK_EQUAL(fixture.cached[2], 12);
  CHECK_EQUAL(fixture.cached[3], 12);
}

TEST("scheduler: nobody waits for the prefix of one that is paused or of lower priority") {
  Fixture fixture(100, {64, 8, 4});
  fixture.Add(MakeRequest(1, Range(0, 14), 5, -1));
  CHECK_EQUAL(fixture.Step(), "1:4");
  fixture.Add(MakeRequest(2, Range(0, 14), 5));
  CHECK_EQUAL(fixture.Step(), "2:4");
  fixture.scheduler.Pause(2);
  fixture.Add(MakeRequest(3, Range(0, 14), 5));
  CHECK_EQUAL(fixture.Step(), "3:4");
  CHECK_EQUAL(fixture.cached[3], 8);
}

TEST("scheduler: one that was preempted finds its pages again") {
  Fixture fixture(100, {64, 4, 32});
  fixture.Add(MakeRequest(1, 18, 9));
  fixture.Step();
  fixture.Step();
  CHECK(fixture.scheduler.PreemptLast());
  CHECK_EQUAL(fixture.pages.used(), 0);
  CHECK_EQUAL(fixture.Step(), "1:4!");  // 20 tokens, of which 4 pages were kept: 19 were computed
}

TEST("scheduler: without a cache nothing is shared and nobody waits for another") {
  Fixture fixture(100, {64, 4, 32}, kPageSize, false);
  for (int id = 1; id < 3; ++id) fixture.Add(MakeRequest(id, Range(0, 9), 1));
  CHECK_EQUAL(fixture.Step(), "1:9! 2:9!");
  CHECK_EQUAL(fixture.pages.free(), 100);
}

TEST("scheduler: beside decodes prompts get no more than their share of a step") {
  Fixture fixture(100, {64, 4, 16, 5});
  fixture.Add(MakeRequest(1, 20, 9));
  CHECK_EQUAL(fixture.Step(), "1:16");
  CHECK_EQUAL(fixture.Step(), "1:4!");
  fixture.Add(MakeRequest(2, 9, 1));
  fixture.Add(MakeRequest(3, 2, 1));
  CHECK_EQUAL(fixture.Step(), "1:1! 2:3 3:2!");
  CHECK_EQUAL(fixture.Step(), "1:1! 2:5");
}

TEST("scheduler: what a victim leaves may take the place of a prefix that was found") {
  Fixture fixture(100, {64, 1, 16}, kPageSize, true, 2);
  fixture.Add(MakeRequest(1, Range(0, 9), 1));
  CHECK_EQUAL(fixture.Step(), "1:9!");  // leaves two pages
  fixture.Add(MakeRequest(2, 9, 5));
  CHECK_EQUAL(fixture.Step(), "2:9!");
  fixture.Add(MakeRequest(3, Range(0, 9), 1, 1));
  CHECK_EQUAL(fixture.Step(), "3:9!");  // request 2 has left two others
}
