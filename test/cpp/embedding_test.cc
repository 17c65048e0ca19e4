/*!
 * \file embedding_test.cc
 * \brief Pooling, and texts that are embedded beside each other and beside generation.
 */
#include <cmath>
#include <limits>
#include <optional>

#include "engine_fixture.h"
#include "support/coded_error.h"

using node_mlc::EmbeddingRequest;
using node_mlc::LogitsWanted;
using node_mlc::Pooler;
using node_mlc::Pooling;
using node_mlc::RowsWanted;
using namespace node_mlc_test;

namespace {

struct Outcome {
  std::optional<std::vector<float>> vectors;
  std::string code;
};

/*! \brief Queues texts; the outcome is filled when they end. */
std::shared_ptr<Outcome> Embed(Fixture* fixture, int64_t id,
                               std::vector<std::vector<int32_t>> texts, Pooling pooling) {
  auto outcome = std::make_shared<Outcome>();
  EmbeddingRequest request;
  request.id = id;
  request.texts = std::move(texts);
  request.pooling = pooling;
  request.result = {[outcome](std::vector<float> vectors) {
                      CHECK(!outcome->vectors.has_value() && outcome->code.empty());
                      outcome->vectors = std::move(vectors);
                    },
                    [outcome](const std::string& code, const std::string&) {
                      CHECK(!outcome->vectors.has_value() && outcome->code.empty());
                      outcome->code = code;
                    }};
  fixture->engine->Embed(std::move(request));
  return outcome;
}

/*! \brief What the fake model's rows of a text pool to. */
std::vector<float> Pooled(const std::vector<int32_t>& text, Pooling pooling) {
  std::vector<double> sum(2, 0.0);
  for (size_t end = 1; end <= text.size(); ++end) {
    const bool counts = pooling == Pooling::kMean || (pooling == Pooling::kCls && end == 1) ||
                        (pooling == Pooling::kLast && end == text.size());
    if (!counts) continue;
    const std::vector<float> row = HiddenRow({text.begin(), text.begin() + end}, kVocab);
    for (size_t i = 0; i < 2; ++i) sum[i] += row[i];
  }
  const double rows = pooling == Pooling::kMean ? static_cast<double>(text.size()) : 1.0;
  return {static_cast<float>(sum[0] / rows), static_cast<float>(sum[1] / rows)};
}

constexpr Pooling kAll[] = {Pooling::kMean, Pooling::kCls, Pooling::kLast};

}  // namespace

TEST("embedding: pooling asks for its rows only, and sums in double") {
  CHECK(RowsWanted(Pooling::kMean, 3, 4, 20) == LogitsWanted::kAll);
  CHECK(RowsWanted(Pooling::kCls, 0, 4, 20) == LogitsWanted::kFirst);
  CHECK(RowsWanted(Pooling::kCls, 4, 16, 20) == LogitsWanted::kNone);
  CHECK(RowsWanted(Pooling::kLast, 0, 19, 20) == LogitsWanted::kNone);
  CHECK(RowsWanted(Pooling::kLast, 19, 1, 20) == LogitsWanted::kLast);
  // In float the small ones would be lost.
  Pooler pooler(Pooling::kMean);
  const float large = 16777216.0f, one = 1.0f;
  pooler.Take(&large, 1);
  for (int i = 0; i < 15; ++i) pooler.Take(&one, 1);
  CHECK(pooler.Finish() == std::vector<float>{(large + 15.0f) / 16.0f});
}

TEST("embedding: the same bits alone, in a batch and in chunks of any size") {
  for (Pooling pooling : kAll) {
    std::vector<std::vector<int32_t>> texts;
    std::vector<float> expected;
    for (int32_t length : {1, 2, 8, 9, 25, 60, 3, 1}) {
      texts.push_back(Prompt(length, 100 + length));
      for (float value : Pooled(texts.back(), pooling)) expected.push_back(value);
    }
    for (int32_t chunk : {1, 3, 8, 64, 256}) {
      Fixture fixture(Limits(64, 4, chunk));
      auto outcome = Embed(&fixture, 1, texts, pooling);
      fixture.Run();
      CHECK(outcome->vectors == expected);
      CHECK_EQUAL(fixture.engine->stats().pages_free, 64);
    }
  }
}

TEST("embedding: an encoder's texts are never cut") {
  EngineLimits limits = Limits(64, 4, 64);
  limits.encoder = true;
  Fixture fixture(limits);
  std::vector<std::vector<int32_t>> texts;
  std::vector<float> expected;
  for (int32_t length : {40, 30, 34, 64, 1, 63, 2, 60}) {
    texts.push_back(Prompt(length, 100 + length));
    for (float value : Pooled(texts.back(), Pooling::kMean)) expected.push_back(value);
  }
  fixture.runner->on_encode = [](const node_mlc::StepInput& input) {
    CHECK(input.rows() <= 64);
    for (int32_t s = 0; s < input.sequences(); ++s)
      CHECK_EQUAL(input.positions[input.q_indptr[s]], 0);
  };
  auto outcome = Embed(&fixture, 1, texts, Pooling::kMean);
  fixture.Run();
  CHECK(outcome->vectors == expected);
  // 40 | 30 34 | 64 | 1 63 | 2 60
  CHECK_EQUAL(fixture.runner->encodes, 5);
  CHECK_EQUAL(fixture.engine->stats().pages_free, 64);
}

TEST("embedding: one pass carries texts of several requests") {
  Fixture fixture(Limits(64, 4, 64));
  auto a = Embed(&fixture, 1, {Prompt(10, 1), Prompt(11, 2)}, Pooling::kMean);
  auto b = Embed(&fixture, 2, {Prompt(12, 3)}, Pooling::kLast);
  fixture.runner->on_encode = [](const node_mlc::StepInput& input) {
    CHECK_EQUAL(input.sequences(), 3);
    CHECK_EQUAL(input.rows(), 33);
  };
  fixture.Run();
  CHECK_EQUAL(fixture.runner->encodes, 1);
  CHECK(b->vectors == Pooled(Prompt(12, 3), Pooling::kLast));
  CHECK_EQUAL(a->vectors->size(), size_t{4});
}

TEST("embedding: requests take turns, so a short one is not held up") {
  Fixture fixture(Limits(64, 2, 8));
  std::vector<std::vector<int32_t>> many;
  for (int32_t i = 0; i < 40; ++i) many.push_back(Prompt(16, i));
  auto bulk = Embed(&fixture, 1, many, Pooling::kMean);
  for (int i = 0; i < 3; ++i) fixture.engine->Step();
  auto query = Embed(&fixture, 2, {Prompt(4, 99)}, Pooling::kLast);
  for (int i = 0; i < 6; ++i) fixture.engine->Step();
  CHECK(query->vectors.has_value());
  CHECK(!bulk->vectors.has_value());
  fixture.Run();
  CHECK_EQUAL(bulk->vectors->size(), size_t{80});
}

TEST("embedding: beside generation in small passes, which changes no answer") {
  EngineLimits limits = Limits(64, 4, 32);
  limits.scheduler.mixed_prefill = 4;
  Fixture fixture(limits);
  for (int64_t id = 1; id <= 2; ++id) {
    fixture.engine->Submit(MakeRequest(id, Prompt(6, static_cast<unsigned>(id)), 30));
  }
  auto outcome = Embed(&fixture, 7, {Prompt(50, 5)}, Pooling::kMean);
  bool generating = true;
  fixture.runner->on_encode = [&](const node_mlc::StepInput& input) {
    if (generating) CHECK(input.rows() <= 4);
  };
  while (fixture.engine->HasWork()) {
    fixture.engine->Step();
    fixture.engine->CheckIntegrity();
    generating = fixture.seen.size() < 2 || fixture.seen[1].finish == FinishReason::kNone ||
                 fixture.seen[2].finish == FinishReason::kNone;
  }
  CHECK(outcome->vectors == Pooled(Prompt(50, 5), Pooling::kMean));
  for (int64_t id = 1; id <= 2; ++id) {
    CHECK(fixture.seen[id].tokens == Answer(Prompt(6, static_cast<unsigned>(id)), 30));
  }
  // A step of generation and a pass of the text in turn, not one after the other.
  CHECK(fixture.runner->encodes >= 12);
}

TEST("embedding: a text that finds no pages waits, and not for ever") {
  // 16 pages of 4: two requests that grow to 30 tokens leave no room for a text of 40.
  Fixture fixture(Limits(16, 2, 16));
  int64_t id = 1;
  for (; id <= 2; ++id) fixture.engine->Submit(MakeRequest(id, Prompt(20, 1), 10));
  auto outcome = Embed(&fixture, 1000, {Prompt(40, 9)}, Pooling::kLast);
  int steps = 0;
  while (!outcome->vectors.has_value() && steps < 2000) {
    fixture.engine->Step();
    fixture.engine->CheckIntegrity();
    ++steps;
    // There is always another request that wants the pages.
    while (fixture.engine->stats().waiting + fixture.engine->stats().running < 4) {
      fixture.engine->Submit(MakeRequest(id, Prompt(20, static_cast<unsigned>(id)), 10));
      ++id;
    }
  }
  CHECK(outcome->vectors == Pooled(Prompt(40, 9), Pooling::kLast));
  CHECK(steps < 300);
  fixture.Run();
  for (int64_t done = 3; done < id; ++done) {
    CHECK(fixture.seen[done].tokens == Answer(Prompt(20, static_cast<unsigned>(done)), 10));
  }
}

TEST("embedding: requests that wait for pages go before new texts") {
  Fixture fixture(Limits(16, 4, 16));
  std::vector<std::vector<int32_t>> many;
  for (int32_t i = 0; i < 30; ++i) many.push_back(Prompt(30, i));
  auto bulk = Embed(&fixture, 1, many, Pooling::kMean);
  fixture.engine->Step();
  fixture.engine->Submit(MakeRequest(2, Prompt(50, 3), 4));
  for (int i = 0; i < 12; ++i) fixture.engine->Step();
  CHECK(fixture.seen[2].finish == FinishReason::kLength);
  CHECK(!bulk->vectors.has_value());
  fixture.Run();
  CHECK_EQUAL(bulk->vectors->size(), size_t{60});
}

TEST("embedding: one that is aborted gives its pages back") {
  Fixture fixture(Limits(32, 4, 8));
  auto gone = Embed(&fixture, 1, {Prompt(40, 1), Prompt(40, 2)}, Pooling::kMean);
  auto stays = Embed(&fixture, 2, {Prompt(20, 3)}, Pooling::kMean);
  fixture.engine->Step();
  CHECK(fixture.engine->stats().pages_free < 32);
  fixture.engine->Abort(1);
  fixture.engine->Abort(77);
  fixture.engine->CheckIntegrity();
  CHECK(gone->code == "ERR_ABORTED");
  fixture.Run();
  CHECK(stays->vectors == Pooled(Prompt(20, 3), Pooling::kMean));
  CHECK_EQUAL(fixture.engine->stats().pages_free, 32);
}

TEST("embedding: the end of the engine ends all") {
  Fixture fixture(Limits(32, 2, 8));
  auto first = Embed(&fixture, 1, {Prompt(40, 1)}, Pooling::kMean);
  auto second = Embed(&fixture, 2, {Prompt(4, 1), Prompt(4, 2), Prompt(4, 3)}, Pooling::kMean);
  fixture.engine->Step();
  fixture.engine->AbortAll();
  fixture.engine->CheckIntegrity();
  CHECK(first->code == "ERR_ABORTED");
  CHECK(second->code == "ERR_ABORTED");
  CHECK(!fixture.engine->HasWork());
  CHECK_EQUAL(fixture.engine->stats().pages_free, 32);
}

TEST("embedding: a pass that fails ends the requests it carried") {
  Fixture fixture(Limits(32, 1, 8));
  auto first = Embed(&fixture, 1, {Prompt(8, 1), Prompt(8, 2)}, Pooling::kMean);
  auto second = Embed(&fixture, 2, {Prompt(8, 3)}, Pooling::kMean);
  int passes = 0;
  fixture.runner->on_encode = [&](const node_mlc::StepInput&) {
    if (++passes == 1) throw node_mlc::CodedError("ERR_NATIVE", "no");
  };
  fixture.Run();
  CHECK(first->code == "ERR_NATIVE");
  CHECK(second->vectors == Pooled(Prompt(8, 3), Pooling::kMean));
  CHECK_EQUAL(fixture.engine->stats().pages_free, 32);
}
