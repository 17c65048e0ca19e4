/*!
 * \file prefix_transfer_test.cc
 * \brief Prefixes that are pinned, read out and written back.
 */
#include "engine/prefix_transfer.h"

#include "check.h"
#include "engine_fixture.h"
#include "support/coded_error.h"

using namespace node_mlc_test;  // NOLINT: the fixture's names
using node_mlc::CodedError;

namespace {

using Tokens = std::vector<int32_t>;

Tokens operator+(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/*! \brief Runs one request; the text of prompt and answer, but the last token, is in the pages. */
Tokens Talk(Fixture* fixture, int64_t id, const Tokens& prompt, int32_t tokens) {
  fixture->engine->Submit(MakeRequest(id, prompt, tokens));
  fixture->Run();
  return prompt + fixture->seen[id].tokens;
}

}  // namespace

TEST("pins: what is pinned stays when all else is dropped, until it is unpinned") {
  EngineLimits limits = Limits(40);
  limits.cached_pages = 0;
  Fixture fixture(limits);
  const Tokens prompt = Prompt(18, 1);
  const Tokens text = Talk(&fixture, 1, prompt, 3);
  CHECK_EQUAL(fixture.engine->Pin(7, text), 0);  // nothing is kept without a user
  fixture.engine->Submit(MakeRequest(2, prompt, 3));
  fixture.engine->Step();
  fixture.engine->Step();
  fixture.engine->Step();
  CHECK_EQUAL(fixture.engine->Pin(7, text), 16);
  fixture.Run();
  CHECK_EQUAL(fixture.engine->stats().pages_free, 36);
  Talk(&fixture, 3, text, 2);
  CHECK_EQUAL(fixture.seen[3].cached_tokens, 16);
  fixture.engine->Unpin(7);
  fixture.engine->Unpin(8);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 40);
  fixture.engine->CheckIntegrity();
}

TEST("pins: a request that needs the pages gets them, the oldest pin goes first") {
  Fixture fixture(Limits(12));
  const Tokens first = Talk(&fixture, 1, Prompt(16, 1), 2);
  const Tokens second = Talk(&fixture, 2, Prompt(16, 2), 2);
  CHECK_EQUAL(fixture.engine->Pin(1, first), 16);
  CHECK_EQUAL(fixture.engine->Pin(2, second), 16);
  CHECK_EQUAL(fixture.engine->Pin(2, second), 16);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 4);
  Talk(&fixture, 3, Prompt(20, 3), 2);
  CHECK(fixture.seen[3].finish == FinishReason::kLength);
  CHECK_EQUAL(fixture.engine->stats().pins, 1);
  Talk(&fixture, 4, second, 1);
  CHECK_EQUAL(fixture.seen[4].cached_tokens, 16);
  Talk(&fixture, 5, Prompt(40, 4), 6);
  CHECK(fixture.seen[5].tokens == Answer(Prompt(40, 4), 6));
  CHECK_EQUAL(fixture.engine->stats().pins, 0);
}

TEST("prefix transfer: another engine goes on with what one has computed") {
  Fixture from(Limits(40)), to(Limits(40));
  const Tokens text = Talk(&from, 1, Prompt(30, 1), 9);
  const std::vector<uint8_t> data = from.engine->ReadPrefix(text);
  CHECK_EQUAL(data.size(), 9 * 4 * sizeof(int32_t));
  CHECK_EQUAL(to.engine->WritePrefix(1, text, data), 36);
  CHECK_EQUAL(to.engine->WritePrefix(2, text, data), 36);  // again: the pages are there
  CHECK_EQUAL(to.engine->stats().pages_free, 31);
  to.engine->CheckIntegrity();
  Talk(&to, 1, text, 5);
  CHECK_EQUAL(to.seen[1].cached_tokens, 36);
  CHECK(to.seen[1].tokens == Answer(text, 5));
  CHECK(to.engine->ReadPrefix(Prompt(20, 9)).empty());
}

TEST("prefix transfer: data of another size, or beyond the pool, is refused and nothing stays") {
  Fixture from(Limits(40)), to(Limits(6));
  const Tokens text = Talk(&from, 1, Prompt(30, 1), 9);
  std::vector<uint8_t> data = from.engine->ReadPrefix(text);
  CHECK_THROWS(CodedError, to.engine->WritePrefix(1, text, data), room);
  data.pop_back();
  CHECK_THROWS(CodedError, to.engine->WritePrefix(1, text, data), pages);
  CHECK_THROWS(CodedError, from.engine->WritePrefix(1, Prompt(8, 1), from.engine->ReadPrefix(text)),
               size);
  CHECK_EQUAL(to.engine->stats().pages_free, 6);
  to.engine->CheckIntegrity();
}
