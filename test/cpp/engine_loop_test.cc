/*!
 * \file engine_loop_test.cc
 * \brief Threads: commands, stop in mid-generation, failed loads.
 */
#include "engine/engine_loop.h"

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "check.h"
#include "fake_runner.h"
#include "support/coded_error.h"

using node_mlc::Engine;
using node_mlc::EngineLoop;
using node_mlc::FinishReason;
using node_mlc::Request;
using node_mlc::RequestEvent;
using node_mlc_test::FakeRunner;

namespace {

/*! \brief A loop over a fake model, with promises for what it reports. */
struct Fixture {
  explicit Fixture(std::chrono::microseconds step_time = std::chrono::microseconds(0))
      : loop(std::make_unique<EngineLoop>(
            [this, step_time](const std::atomic<bool>&) {
              auto runner = std::make_unique<FakeRunner>(64, 16, 30);
              runner->on_forward = [step_time](const node_mlc::StepInput&) {
                std::this_thread::sleep_for(step_time);
              };
              return std::make_unique<Engine>(node_mlc::EngineLimits{{1000, 4, 64}, 64, 16, 30},
                                              std::move(runner),
                                              [this](std::vector<RequestEvent> events) {
                                                for (const RequestEvent& event : events) {
                                                  tokens += static_cast<int>(event.tokens.size());
                                                  if (event.finish != FinishReason::kNone)
                                                    finishes.push_back(event.finish);
                                                }
                                              });
            },
            EngineLoop::Callbacks{[this] { loaded = true; },
                                  [](const std::string&, const std::string&) {},
                                  [this] { closed.set_value(); }})) {}

  void Submit(int64_t id, int32_t max_tokens) {
    auto request = std::make_shared<std::unique_ptr<Request>>(std::make_unique<Request>());
    (*request)->id = id;
    (*request)->tokens = {1, 2, 3};
    (*request)->prompt_length = 3;
    (*request)->max_tokens = max_tokens;
    loop->Post([request](Engine* engine) { engine->Submit(std::move(*request)); });
  }

  std::atomic<bool> loaded{false};
  std::atomic<int> tokens{0};
  std::vector<FinishReason> finishes;  // read after the end of the thread
  std::promise<void> closed;
  std::unique_ptr<EngineLoop> loop;
};

template <typename Condition>
void WaitUntil(Condition condition) {
  for (int i = 0; i < 5000 && !condition(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(condition());
}

}  // namespace

TEST("engine loop: computes while it is told to, then closes once") {
  Fixture fixture;
  fixture.Submit(1, 20);
  WaitUntil([&] { return fixture.tokens == 20; });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // asleep
  fixture.Submit(2, 5);
  WaitUntil([&] { return fixture.tokens == 25; });
  WaitUntil([&] { return fixture.loop->stats().finished == 2; });
  fixture.loop->Stop();
  fixture.closed.get_future().wait();
  fixture.loop->Join();
  CHECK(fixture.loaded);
  CHECK_EQUAL(fixture.finishes.size(), 2u);
}

TEST("engine loop: a stop in mid-generation aborts what runs and what was posted before") {
  Fixture fixture(std::chrono::milliseconds(1));
  fixture.Submit(1, 900);
  WaitUntil([&] { return fixture.tokens > 3; });
  fixture.Submit(2, 900);
  fixture.loop->Stop();
  fixture.closed.get_future().wait();
  fixture.loop->Join();
  CHECK_EQUAL(fixture.finishes.size(), 2u);
  CHECK(fixture.finishes[0] == FinishReason::kAbort && fixture.finishes[1] == FinishReason::kAbort);
}

TEST("engine loop: destruction in mid-generation is silent and quick") {
  int tokens = 0;
  {
    Fixture fixture(std::chrono::milliseconds(1));
    fixture.Submit(1, 900);
    WaitUntil([&] { return fixture.tokens > 3; });
    fixture.loop.reset();
    CHECK(fixture.finishes.empty());
    tokens = fixture.tokens;
  }
  CHECK(tokens < 900);
}

TEST("engine loop: a failed load reports its code, then closes") {
  std::promise<std::string> failed;
  std::promise<void> closed;
  std::atomic<bool> loaded{false};
  EngineLoop loop(
      [](const std::atomic<bool>&) -> std::unique_ptr<Engine> {
        throw node_mlc::CodedError("ERR_INVALID_PACKAGE", "nothing there");
      },
      {[&] { loaded = true; },
       [&](const std::string& code, const std::string&) { failed.set_value(code); },
       [&] { closed.set_value(); }});
  CHECK_EQUAL(failed.get_future().get(), "ERR_INVALID_PACKAGE");
  closed.get_future().wait();
  loop.Join();
  CHECK(!loaded);
}

TEST("engine loop: a stop reaches a load in progress") {
  std::promise<void> closed;
  EngineLoop loop(
      [](const std::atomic<bool>& stopped) -> std::unique_ptr<Engine> {
        while (!stopped) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        throw node_mlc::CodedError("ERR_ABORTED", "stopped");
      },
      {[] {}, [](const std::string&, const std::string&) {}, [&] { closed.set_value(); }});
  loop.Stop();
  closed.get_future().wait();
  loop.Join();
}

TEST("engine loop: fifty loops come and go, two at a time") {
  for (int i = 0; i < 25; ++i) {
    Fixture first, second;
    first.Submit(1, 3);
    second.Submit(1, 3);
    WaitUntil([&] { return first.tokens == 3 && second.tokens == 3; });
    first.loop->Stop();
    second.loop->Stop();
    first.loop->Join();
    second.loop->Join();
  }
}
