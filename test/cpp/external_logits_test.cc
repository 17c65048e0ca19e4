/*!
 * \file external_logits_test.cc
 * \brief Requests whose logits leave the engine and come back, among others and with few pages.
 */
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "engine_fixture.h"

using namespace node_mlc_test;

namespace {

std::unique_ptr<Request> MakeExternal(int64_t id, std::vector<int32_t> prompt, int32_t max_tokens) {
  auto request = MakeRequest(id, std::move(prompt), max_tokens);
  request->sampling.external_logits = true;
  request->speculate = false;
  return request;
}

/*! \brief Takes the logits of a request's last event, if it brought any. */
std::shared_ptr<std::vector<float>> TakeLogits(Fixture* fixture, int64_t id) {
  return std::exchange(fixture->seen[id].logits, nullptr);
}

}  // namespace

TEST("external logits: a request waits for them, keeps its place and needs no step meanwhile") {
  Fixture fixture(Limits(16));
  fixture.engine->Submit(MakeExternal(1, {5, 6, 7}, 3));
  for (int32_t token : Answer({5, 6, 7}, 3)) {
    fixture.Run();
    CHECK(!fixture.engine->HasWork());
    auto logits = TakeLogits(&fixture, 1);
    CHECK(logits != nullptr);
    CHECK_EQUAL((*logits)[token], 10.0f);
    fixture.engine->ReplyLogits(1, std::move(*logits));
    fixture.engine->CheckIntegrity();
    CHECK_EQUAL(fixture.seen[1].tokens.back(), token);
  }
  CHECK(fixture.seen[1].finish == FinishReason::kLength);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 16);
  CHECK_EQUAL(fixture.runner->forwards, 3);
}

TEST("external logits: a reply to nobody, twice or after the end does nothing") {
  Fixture fixture(Limits(16));
  const std::vector<float> logits(kVocab, 0.0f);
  fixture.engine->ReplyLogits(9, logits);
  fixture.engine->Submit(MakeExternal(1, {1, 2}, 5));
  fixture.engine->ReplyLogits(1, logits);  // none are out yet
  fixture.Run();
  fixture.engine->ReplyLogits(1, logits);
  fixture.engine->ReplyLogits(1, logits);
  CHECK_EQUAL(fixture.seen[1].tokens.size(), 1u);
  fixture.engine->Abort(1);
  fixture.engine->ReplyLogits(1, logits);
  CHECK(fixture.seen[1].finish == FinishReason::kAbort);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 16);
}

TEST("external logits: NaN ends the request alone, with the caller's error") {
  Fixture fixture(Limits(16));
  fixture.engine->Submit(MakeExternal(1, {1, 2}, 5));
  fixture.engine->Submit(MakeRequest(2, {3, 4}, 5));
  fixture.Run();
  std::vector<float> logits(kVocab, 0.0f);
  logits[3] = std::numeric_limits<float>::quiet_NaN();
  fixture.engine->ReplyLogits(1, logits);
  CHECK(fixture.seen[1].finish == FinishReason::kError);
  CHECK_EQUAL(fixture.seen[1].error_code, std::string("ERR_INVALID_ARGUMENT"));
  CHECK(fixture.seen[2].tokens == Answer({3, 4}, 5));
  CHECK_EQUAL(fixture.engine->stats().pages_free, 16);
}

TEST("external logits: late replies, preemptions and aborts leave every text right and no page") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Fixture fixture(Limits(12, 3));
    const int kRequests = 9;
    std::vector<bool> aborted(kRequests, false);
    for (int id = 0; id < kRequests; ++id) {
      auto prompt = Prompt(1 + static_cast<int32_t>(random() % 20), seed * 100 + id);
      fixture.engine->Submit(id % 3 == 0 ? MakeRequest(id, prompt, 12)
                                         : MakeExternal(id, prompt, 12));
    }
    std::vector<std::pair<int64_t, std::vector<float>>> out;
    for (int step = 0; step < 2000; ++step) {
      if (fixture.engine->HasWork()) fixture.engine->Step();
      fixture.engine->CheckIntegrity();
      for (int id = 0; id < kRequests; ++id) {
        if (auto logits = TakeLogits(&fixture, id)) out.emplace_back(id, std::move(*logits));
      }
      if (!out.empty() && random() % 3 == 0) {
        std::swap(out.back(), out[random() % out.size()]);
        fixture.engine->ReplyLogits(out.back().first, std::move(out.back().second));
        fixture.engine->CheckIntegrity();
        out.pop_back();
      }
      if (random() % 100 == 0) {
        const int id = static_cast<int>(random() % kRequests);
        if (fixture.seen[id].finish == FinishReason::kNone) aborted[id] = true;
        fixture.engine->Abort(id);
      }
    }
    for (int id = 0; id < kRequests; ++id) {
      const RequestEvent& end = fixture.seen[id];
      CHECK(end.finish == (aborted[id] ? FinishReason::kAbort : FinishReason::kLength));
      std::mt19937 again(seed);
      int32_t length = 0;
      for (int i = 0; i <= id; ++i) length = 1 + static_cast<int32_t>(again() % 20);
      const std::vector<int32_t> answer = Answer(Prompt(length, seed * 100 + id), 12);
      CHECK(std::equal(end.tokens.begin(), end.tokens.end(), answer.begin()));
      if (!aborted[id]) CHECK_EQUAL(end.tokens.size(), 12u);
    }
    CHECK_EQUAL(fixture.engine->stats().pages_free, 12);
  }
}
