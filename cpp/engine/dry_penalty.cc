/*!
 * \file engine/dry_penalty.cc
 */
#include "engine/dry_penalty.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace node_mlc {

namespace {

constexpr double kLargestPenalty = std::numeric_limits<float>::max();

/*! \brief Tokens at the end of `tokens`, at most `range`, after the last whole breaker. */
int32_t LengthAfterBreaker(const DryParams& dry, const std::vector<int32_t>& tokens,
                           int32_t range) {
  const int32_t length = static_cast<int32_t>(tokens.size());
  for (int32_t tail = 0; tail < range; ++tail) {
    const auto breakers = dry.breakers.find(tokens[length - 1 - tail]);
    if (breakers == dry.breakers.end()) continue;
    int32_t longest = -1;
    for (const std::vector<int32_t>& rest : breakers->second) {
      const int32_t size = static_cast<int32_t>(rest.size());
      if (size <= longest || size > tail) continue;
      if (std::equal(rest.begin(), rest.end(), tokens.end() - tail)) longest = size;
    }
    if (longest >= 0) return tail - longest;
  }
  return range;
}

/*!
 * \brief For each distance i from the end: how many tokens before and at it equal those at the end
 * (the Z function of the reversed text: Gusfield, Algorithms on Strings, 1997).
 */
std::vector<int32_t> CopyLengths(const std::vector<int32_t>& tokens, int32_t range) {
  const int32_t* last = tokens.data() + tokens.size() - 1;
  std::vector<int32_t> lengths(range, 0);
  int32_t begin = 0, end = 0;  // the copy that reaches furthest
  for (int32_t i = 1; i < range; ++i) {
    int32_t n = i < end ? std::min(lengths[i - begin], end - i) : 0;
    while (i + n < range && last[-n] == last[-(i + n)]) ++n;
    lengths[i] = n;
    if (i + n > end) {
      begin = i;
      end = i + n;
    }
  }
  return lengths;
}

bool IsSingleBreaker(const DryParams& dry, int32_t token) {
  const auto breakers = dry.breakers.find(token);
  return breakers != dry.breakers.end() &&
         std::any_of(breakers->second.begin(), breakers->second.end(),
                     [](const std::vector<int32_t>& rest) { return rest.empty(); });
}

}  // namespace

void ApplyDryPenalty(const DryParams& dry, const std::vector<int32_t>& tokens, float* logits,
                     int32_t vocab) {
  const int32_t length = static_cast<int32_t>(tokens.size());
  const int32_t range = dry.range < 0 ? length : std::min(dry.range, length);
  if (!dry.enabled() || range <= dry.allowed_length) return;
  const int32_t longest = LengthAfterBreaker(dry, tokens, range);
  if (longest < dry.allowed_length) return;
  const std::vector<int32_t> lengths = CopyLengths(tokens, range);
  std::unordered_map<int32_t, int32_t> repeats;
  for (int32_t i = 1; i < range; ++i) {
    const int32_t repeat = std::min(lengths[i], longest);
    if (repeat < dry.allowed_length || repeat == 0) continue;
    int32_t& known = repeats[tokens[length - i]];
    known = std::max(known, repeat);
  }
  for (const auto& [token, repeat] : repeats) {
    if (token < 0 || token >= vocab || IsSingleBreaker(dry, token)) continue;
    const double power = std::pow(static_cast<double>(dry.base), repeat - dry.allowed_length);
    const double penalty = dry.multiplier * power;
    logits[token] -= static_cast<float>(std::min<double>(penalty, kLargestPenalty));
  }
}

}  // namespace node_mlc
