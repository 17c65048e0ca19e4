/*!
 * \file engine/softmax.cc
 */
#include "engine/softmax.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "support/coded_error.h"

namespace node_mlc {

namespace {

/*! \brief Independent accumulators, so that the compiler may use vector registers without
 * reordering sums: the order of additions, and with it the result, is the same on every machine. */
constexpr int32_t kLanes = 16;

}  // namespace

void RequireSampleable(const float* logits, int32_t vocab) {
  bool some = false;
  for (int32_t i = 0; i < vocab; ++i) {
    some |= std::isfinite(logits[i]);
    if (std::isfinite(logits[i]) || logits[i] == -std::numeric_limits<float>::infinity()) continue;
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Expected finite logits or -Infinity of the logit processor but received " +
                         std::string(std::isnan(logits[i]) ? "NaN" : "Infinity") + " for token " +
                         std::to_string(i) + ".");
  }
  if (!some) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Expected a finite logit of the logit processor but received -Infinity for "
                     "every token: leave one to choose.");
  }
}

Highest FindHighest(const float* logits, int32_t vocab) {
  float lanes[kLanes];
  std::fill(lanes, lanes + kLanes, -std::numeric_limits<float>::infinity());
  int32_t unordered = 0;
  int32_t i = 0;
  for (; i + kLanes <= vocab; i += kLanes) {
    for (int32_t lane = 0; lane < kLanes; ++lane) {
      const float logit = logits[i + lane];
      lanes[lane] = logit > lanes[lane] ? logit : lanes[lane];
      unordered += logit != logit;
    }
  }
  Highest highest;
  for (float lane : lanes) highest.logit = std::max(highest.logit, lane);
  for (; i < vocab; ++i) {
    highest.logit = std::max(highest.logit, logits[i]);
    unordered += logits[i] != logits[i];
  }
  if (unordered > 0 || !std::isfinite(highest.logit)) {
    throw CodedError("ERR_NATIVE", std::string("The model computed ") +
                                       (unordered > 0 ? "NaN" : "infinite") +
                                       " logits: its weights or library are damaged.");
  }
  highest.token = static_cast<int32_t>(std::find(logits, logits + vocab, highest.logit) - logits);
  return highest;
}

// Arguments by value and a plain loop: vector code.
void Weigh(const float* __restrict logits, int32_t vocab, float highest, float temperature,
           float* __restrict weights) {
  for (int32_t i = 0; i < vocab; ++i) {
    weights[i] = ExpOfNonPositive((logits[i] - highest) / temperature);
  }
}

double Sum(const std::vector<float>& values) {
  double lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (int32_t lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane];
  }
  double sum = 0.0;
  for (double lane : lanes) sum += lane;
  for (; i < values.size(); ++i) sum += values[i];
  return sum;
}

double LogSumExp(const float* logits, int32_t vocab) {
  const float highest = FindHighest(logits, vocab).logit;
  double lanes[kLanes] = {};
  int32_t i = 0;
  for (; i + kLanes <= vocab; i += kLanes) {
    for (int32_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += ExpOfNonPositive(logits[i + lane] - highest);
    }
  }
  double sum = 0.0;
  for (double lane : lanes) sum += lane;
  for (; i < vocab; ++i) sum += ExpOfNonPositive(logits[i] - highest);
  return highest + std::log(sum);
}

}  // namespace node_mlc
