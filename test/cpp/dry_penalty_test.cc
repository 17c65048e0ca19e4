/*!
 * \file dry_penalty_test.cc
 * \brief DRY against its definition, written with plain loops over all pairs of positions.
 */
#include "engine/dry_penalty.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "check.h"

using node_mlc::ApplyDryPenalty;
using node_mlc::DryParams;

namespace {

DryParams Dry() {
  DryParams dry;
  dry.multiplier = 0.5f;
  dry.base = 2.0f;
  dry.allowed_length = 2;
  return dry;
}

std::vector<float> Apply(const DryParams& dry, const std::vector<int32_t>& tokens, int32_t vocab) {
  std::vector<float> logits(vocab, 0.0f);
  ApplyDryPenalty(dry, tokens, logits.data(), vocab);
  return logits;
}

/*! \brief By definition: for each earlier token, how many tokens before it equal those at the end,
 * none of them in a single-token breaker. */
std::vector<float> Reference(const DryParams& dry, std::vector<int32_t> tokens, int32_t vocab) {
  if (dry.range >= 0 && dry.range < static_cast<int32_t>(tokens.size())) {
    tokens.erase(tokens.begin(), tokens.end() - dry.range);
  }
  const int size = static_cast<int>(tokens.size());
  std::vector<int> longest(vocab, -1);
  for (int next = 1; next < size; ++next) {
    int n = 0;
    while (n < next && tokens[next - 1 - n] == tokens[size - 1 - n] &&
           dry.breakers.count(tokens[size - 1 - n]) == 0) {
      ++n;
    }
    if (n > 0) longest[tokens[next]] = std::max(longest[tokens[next]], n);
  }
  std::vector<float> logits(vocab, 0.0f);
  for (int token = 0; token < vocab; ++token) {
    if (longest[token] < dry.allowed_length || dry.breakers.count(token) > 0) continue;
    logits[token] = -dry.multiplier * std::pow(dry.base, longest[token] - dry.allowed_length);
  }
  return logits;
}

}  // namespace

TEST("dry: a token that continues a repeat is penalised by the length of the repeat") {
  // The end 1 2 3 was followed by 4, the end 3 by 5 too (too short).
  CHECK(Apply(Dry(), {1, 2, 3, 4, 3, 5, 1, 2, 3}, 6) == (std::vector<float>{0, 0, 0, 0, -1.0f, 0}));
  // 7 7 7 7: three of them were followed by one.
  CHECK_EQUAL(Apply(Dry(), {7, 7, 7, 7}, 8)[7], -1.0f);
}

TEST("dry: nothing without a multiplier, a repeat or a range") {
  const std::vector<float> none(6, 0.0f);
  DryParams dry = Dry();
  CHECK(Apply(dry, {1, 2, 3, 4, 5}, 6) == none);
  CHECK(Apply(dry, {}, 6) == none);
  dry.range = 0;
  CHECK(Apply(dry, {1, 2, 3, 4, 1, 2, 3}, 6) == none);
  dry.range = 3;
  CHECK(Apply(dry, {1, 2, 3, 4, 1, 2, 3}, 6) == none);
  dry.range = 7;
  CHECK_EQUAL(Apply(dry, {1, 2, 3, 4, 1, 2, 3}, 6)[4], -1.0f);
  dry.multiplier = 0.0f;
  CHECK(Apply(dry, {1, 2, 3, 4, 1, 2, 3}, 6) == none);
}

TEST("dry: repeats do not reach across a breaker of one or several tokens") {
  const std::vector<int32_t> tokens = {1, 2, 9, 8, 3, 4, 5, 1, 2, 9, 8, 3, 4};
  DryParams dry = Dry();
  CHECK_EQUAL(Apply(dry, tokens, 10)[5], -0.5f * 16);
  dry.breakers[9] = {{8}};
  CHECK_EQUAL(Apply(dry, tokens, 10)[5], -0.5f);
  dry.breakers[9] = {{7}, {8, 3}};
  CHECK_EQUAL(Apply(dry, tokens, 10)[5], 0.0f);
  dry.breakers[9] = {{8, 3, 4}};
  CHECK_EQUAL(Apply(dry, tokens, 10)[5], 0.0f);
  // A breaker that is not whole yet breaks nothing.
  dry.breakers.clear();
  dry.breakers[4] = {{6}};
  CHECK_EQUAL(Apply(dry, tokens, 10)[5], -0.5f * 16);
}

TEST("dry: a single-token breaker is never penalised") {
  DryParams dry = Dry();
  dry.breakers[5] = {{}};
  CHECK_EQUAL(Apply(dry, {1, 2, 3, 5, 1, 2, 3}, 6)[5], 0.0f);
}

TEST("dry: a penalty beyond the range of float stays finite") {
  DryParams dry = Dry();
  dry.base = 1000.0f;
  const std::vector<int32_t> tokens(500, 3);
  const float logit = Apply(dry, tokens, 4)[3];
  CHECK(std::isfinite(logit));
  CHECK(logit < -1e38f);
}

TEST("dry: equals its definition on random texts") {
  std::mt19937 random(5);
  for (int round = 0; round < 400; ++round) {
    const int vocab = 2 + static_cast<int>(random() % 4);
    std::vector<int32_t> tokens(random() % 60);
    for (int32_t& token : tokens) token = static_cast<int32_t>(random() % vocab);
    DryParams dry = Dry();
    dry.base = 1.25f;
    dry.allowed_length = 1 + static_cast<int32_t>(random() % 4);
    dry.range = static_cast<int32_t>(random() % 80) - 1;
    if (random() % 2 == 0) dry.breakers[static_cast<int32_t>(random() % vocab)] = {{}};
    const std::vector<float> expected = Reference(dry, tokens, vocab);
    const std::vector<float> received = Apply(dry, tokens, vocab);
    for (int token = 0; token < vocab; ++token) {
      CHECK(std::abs(received[token] - expected[token]) <= 1e-5f * std::abs(expected[token]));
    }
  }
}
