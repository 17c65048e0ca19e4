/*!
 * \file scheduler_test.cc
 */
#include "engine/scheduler.h"

#include <map>
#include <random>
#include <string>

#include "check.h"

using node_mlc::FinishReason;
using node_mlc::PageTable;
using node_mlc::Request;
using node_mlc::ScheduledBatch;
using node_mlc::Scheduler;
using node_mlc::SchedulerLimits;

namespace {

std::unique_ptr<Request> MakeRequest(int64_t id, int prompt, int max_tokens) {
  auto request = std::make_unique<Request>();
  request->id = id;
  request->tokens.assign(prompt, 1);
  request->prompt_length = prompt;
  request->max_tokens = max_tokens;
  return request;
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

/*! \brief Schedules and computes one step with token 2 as every answer; ends what is finished. */
std::string Step(Scheduler* scheduler) {
  const ScheduledBatch& batch = scheduler->Schedule();
  std::string text = Text(batch);
  std::vector<int64_t> ended;
  for (const auto& sequence : batch) {
    Scheduler::Advance(sequence.request, sequence.count);
    if (sequence.sample && scheduler->Append(sequence.request, 2) != FinishReason::kNone) {
      ended.push_back(sequence.request->id);
    }
  }
  for (int64_t id : ended) scheduler->Remove(id);
  scheduler->CheckIntegrity();
  return text;
}

}  // namespace

TEST("scheduler: prompts in chunks share the step with decodes") {
  PageTable pages(100, 4);
  Scheduler scheduler({64, 4, 8}, &pages);
  scheduler.Add(MakeRequest(1, 3, 10));
  CHECK_EQUAL(Step(&scheduler), "1:3!");
  scheduler.Add(MakeRequest(2, 12, 2));
  scheduler.Add(MakeRequest(3, 2, 2));
  CHECK_EQUAL(Step(&scheduler), "1:1! 2:7");
  CHECK_EQUAL(Step(&scheduler), "1:1! 2:5! 3:2!");
  CHECK_EQUAL(Step(&scheduler), "1:1! 2:1! 3:1!");
  CHECK_EQUAL(Step(&scheduler), "1:1!");
}

TEST("scheduler: no more requests than the batch allows, in order of arrival") {
  PageTable pages(100, 4);
  Scheduler scheduler({64, 2, 8}, &pages);
  for (int id = 1; id <= 3; ++id) scheduler.Add(MakeRequest(id, 1, 2));
  CHECK_EQUAL(Step(&scheduler), "1:1! 2:1!");
  CHECK_EQUAL(Step(&scheduler), "1:1! 2:1!");
  CHECK_EQUAL(Step(&scheduler), "3:1!");
}

TEST("scheduler: a request waits for pages, and nobody passes it") {
  PageTable pages(4, 4);
  Scheduler scheduler({16, 4, 16}, &pages);
  scheduler.Add(MakeRequest(1, 8, 2));  // 2 pages, then 3
  scheduler.Add(MakeRequest(2, 9, 1));  // 3 pages
  scheduler.Add(MakeRequest(3, 1, 1));
  CHECK_EQUAL(Step(&scheduler), "1:8!");
  CHECK_EQUAL(Step(&scheduler), "1:1!");
  CHECK_EQUAL(Step(&scheduler), "2:9!");  // a page stays in reserve for 2
  CHECK_EQUAL(Step(&scheduler), "3:1!");
  CHECK_EQUAL(pages.free(), 4);
}

TEST("scheduler: the youngest gives up its pages and is computed again") {
  PageTable pages(4, 4);
  Scheduler scheduler({16, 4, 16}, &pages);
  scheduler.Add(MakeRequest(1, 4, 9));
  scheduler.Add(MakeRequest(2, 4, 4));
  CHECK_EQUAL(Step(&scheduler), "1:4! 2:4!");
  CHECK_EQUAL(Step(&scheduler), "1:1! 2:1!");
  CHECK_EQUAL(pages.free(), 0);
  CHECK_EQUAL(Step(&scheduler), "1:1! 2:1!");
  CHECK_EQUAL(Step(&scheduler), "1:1! 2:1!");
  CHECK_EQUAL(Step(&scheduler), "1:1!");  // 2 is finished
  scheduler.Add(MakeRequest(3, 4, 9));
  CHECK_EQUAL(Step(&scheduler), "1:1!");  // a page stays in reserve for 1
  CHECK_EQUAL(scheduler.preemptions(), 0);
}

TEST("scheduler: preemption starts the victim over with prompt and answer") {
  PageTable pages(5, 4);
  Scheduler scheduler({16, 4, 16}, &pages);
  scheduler.Add(MakeRequest(1, 4, 12));
  scheduler.Add(MakeRequest(2, 4, 12));
  for (int i = 0; i < 5; ++i) Step(&scheduler);  // both have 9 tokens, 8 of them in 2 pages each
  CHECK_EQUAL(pages.free(), 1);
  CHECK_EQUAL(Step(&scheduler), "1:1!");
  CHECK_EQUAL(scheduler.preemptions(), 1);
  CHECK_EQUAL(scheduler.waiting(), 1);
  CHECK_EQUAL(pages.free(), 2);
  for (int i = 0; i < 6; ++i) CHECK_EQUAL(Step(&scheduler), "1:1!");
  CHECK_EQUAL(Step(&scheduler), "2:9!");
}

TEST("scheduler: a paused request keeps its pages and leaves its place to others") {
  PageTable pages(8, 4);
  Scheduler scheduler({16, 1, 16}, &pages);
  scheduler.Add(MakeRequest(1, 4, 9));
  scheduler.Add(MakeRequest(2, 2, 3));
  CHECK_EQUAL(Step(&scheduler), "1:4!");
  scheduler.Pause(1);
  CHECK_EQUAL(Step(&scheduler), "2:2!");
  CHECK_EQUAL(pages.free(), 6);
  scheduler.Resume(1);
  CHECK_EQUAL(Step(&scheduler), "1:1!");  // the older one has the only place
  scheduler.Pause(1);
  scheduler.Pause(2);
  CHECK(!scheduler.HasRunnable());
  CHECK_EQUAL(Step(&scheduler), "");
  scheduler.Resume(2);
  CHECK_EQUAL(Step(&scheduler), "2:1!");
}

TEST("scheduler: a paused request loses its pages to one that can run") {
  PageTable pages(4, 4);
  Scheduler scheduler({16, 2, 16}, &pages);
  scheduler.Add(MakeRequest(1, 8, 4));
  CHECK_EQUAL(Step(&scheduler), "1:8!");
  scheduler.Pause(1);
  scheduler.Add(MakeRequest(2, 12, 2));
  CHECK_EQUAL(Step(&scheduler), "2:12!");
  CHECK_EQUAL(scheduler.preemptions(), 1);
  CHECK_EQUAL(Step(&scheduler), "2:1!");
  CHECK(!scheduler.HasRunnable());
  scheduler.Resume(1);
  CHECK_EQUAL(Step(&scheduler), "1:9!");
}

TEST("scheduler: aborting frees pages at once, wherever the request is") {
  PageTable pages(8, 4);
  Scheduler scheduler({64, 2, 4}, &pages);
  scheduler.Add(MakeRequest(1, 10, 5));
  scheduler.Add(MakeRequest(2, 2, 5));
  scheduler.Add(MakeRequest(3, 2, 5));
  Step(&scheduler);  // 1 is in the middle of its prompt
  CHECK_EQUAL(pages.free(), 5);
  CHECK(scheduler.Remove(1) != nullptr);
  CHECK_EQUAL(pages.free(), 8);
  Step(&scheduler);
  CHECK(scheduler.Remove(3) != nullptr);
  CHECK(scheduler.Remove(2) != nullptr);
  CHECK(scheduler.Remove(2) == nullptr);
  CHECK_EQUAL(pages.free(), 8);
  CHECK(scheduler.Schedule().empty());
}

TEST("scheduler: length and stop tokens end a request") {
  PageTable pages(2, 4);
  Scheduler scheduler({64, 2, 8}, &pages);
  CHECK_EQUAL(scheduler.max_length(), 8);
  Request request;
  request.tokens = {5, 5};
  request.prompt_length = 2;
  request.max_tokens = 3;
  request.stop_tokens = {9};
  CHECK(scheduler.Append(&request, 1) == FinishReason::kNone);
  CHECK(scheduler.Append(&request, 9) == FinishReason::kStop);
  CHECK(scheduler.Append(&request, 1) == FinishReason::kLength);
  request.max_tokens = 100;
  request.tokens.assign(6, 5);
  CHECK(scheduler.Append(&request, 1) == FinishReason::kNone);
  CHECK(scheduler.Append(&request, 1) == FinishReason::kLength);
}

TEST("scheduler: random traces keep every invariant and finish every request") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    auto below = [&](int n) { return static_cast<int>(random() % n); };
    PageTable pages(6 + below(20), 1 + below(8));
    SchedulerLimits limits{20 + below(60), 1 + below(6), 1 + below(24)};
    Scheduler scheduler(limits, &pages);
    int64_t next_id = 0;
    std::map<int64_t, bool> open;
    for (int step = 0; step < 600 || !open.empty(); ++step) {
      if (step < 600 && below(4) == 0 && scheduler.max_length() > 1) {
        int prompt = 1 + below(scheduler.max_length() - 1);
        scheduler.Add(MakeRequest(next_id, prompt, 1 + below(40)));
        open[next_id++] = true;
      }
      if (step < 600 && below(20) == 0 && next_id > 0) {
        int64_t id = below(static_cast<int>(next_id));
        bool known = open.erase(id) > 0;
        CHECK_EQUAL(scheduler.Remove(id) != nullptr, known);
        scheduler.CheckIntegrity();
      }
      if (below(50) == 0) scheduler.PreemptYoungest();
      const ScheduledBatch& batch = scheduler.Schedule();
      int rows = 0;
      for (const auto& sequence : batch) rows += sequence.count;
      CHECK(rows <= limits.prefill_chunk);
      CHECK(static_cast<int>(batch.size()) <= limits.max_batch);
      CHECK(!batch.empty() || open.empty());
      for (const auto& sequence : batch) {
        CHECK(sequence.count >= 1);
        int64_t room = static_cast<int64_t>(sequence.request->pages.size()) * pages.page_size();
        CHECK(sequence.request->computed + sequence.count <= room);
        CHECK_EQUAL(sequence.sample, sequence.count == sequence.request->remaining());
      }
      std::vector<int64_t> ended;
      for (const auto& sequence : batch) {
        Scheduler::Advance(sequence.request, sequence.count);
        if (!sequence.sample) continue;
        if (scheduler.Append(sequence.request, 1) != FinishReason::kNone)
          ended.push_back(sequence.request->id);
      }
      for (int64_t id : ended) {
        CHECK(scheduler.Remove(id) != nullptr);
        open.erase(id);
      }
      scheduler.CheckIntegrity();
      CHECK(step < 200000);
    }
    CHECK_EQUAL(pages.free(), pages.total());
  }
}
