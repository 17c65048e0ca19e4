/*!
 * \file engine/sampler.cc
 */
#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/random.h"
#include "support/coded_error.h"

namespace node_mlc {

namespace {

/*! \brief Tokens less likely than the best by this factor (e^-30) are never drawn; all of a
 * vocabulary of a million together would be drawn once in ten million tokens. */
constexpr float kNegligible = -30.0f;

struct Highest {
  int32_t token = 0;
  float logit = -std::numeric_limits<float>::infinity();
};

Highest FindHighest(const float* logits, int32_t vocab) {
  Highest highest;
  bool unordered = false;
  for (int32_t i = 0; i < vocab; ++i) {
    unordered |= logits[i] != logits[i];
    if (logits[i] > highest.logit) highest = {i, logits[i]};
  }
  if (unordered || !std::isfinite(highest.logit)) {
    throw CodedError("ERR_NATIVE",
                     unordered
                         ? "The model computed NaN logits: its weights or library are damaged."
                         : "The model computed infinite logits: its weights or library are "
                           "damaged.");
  }
  return highest;
}

}  // namespace

int32_t Sampler::Sample(const SamplingParams& params, int64_t index, const float* logits,
                        int32_t vocab) {
  const Highest highest = FindHighest(logits, vocab);
  if (params.temperature == 0.0f || params.top_k == 1) return highest.token;
  Collect(highest.logit, params.temperature, logits, vocab);
  if (params.top_k > 0) KeepTopK(params.top_k);
  if (params.top_p < 1.0f) KeepTopP(params.top_p);

  double total = 0.0;
  for (const Candidate& candidate : candidates_) {
    if (candidate.weight >= params.min_p) total += candidate.weight;
  }
  const double target = UniformAt(params.seed, static_cast<uint64_t>(index)) * total;
  double sum = 0.0;
  int32_t last = highest.token;
  for (const Candidate& candidate : candidates_) {
    if (candidate.weight < params.min_p) continue;
    sum += candidate.weight;
    last = candidate.id;
    if (sum > target) break;
  }
  return last;
}

void Sampler::Collect(float highest, float temperature, const float* logits, int32_t vocab) {
  const float lowest = highest + kNegligible * temperature;
  candidates_.clear();
  for (int32_t i = 0; i < vocab; ++i) {
    // Weights are relative to the best token, whose weight is 1: no overflow, and min-p is a plain
    // comparison.
    if (logits[i] >= lowest) {
      candidates_.push_back({std::exp((logits[i] - highest) / temperature), i});
    }
  }
}

void Sampler::KeepTopK(int32_t k) {
  if (static_cast<size_t>(k) >= candidates_.size()) return;
  std::nth_element(candidates_.begin(), candidates_.begin() + k, candidates_.end(), Likelier);
  candidates_.resize(k);
  // nth_element leaves an order that depends on the library; the draw walks in order of ids.
  std::sort(candidates_.begin(), candidates_.end(),
            [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
}

void Sampler::KeepTopP(float p) {
  double total = 0.0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  // All tokens below this share of the average weigh less than 1 - p together, so none is in the
  // kept set.
  const double floor = (1.0 - p) * total / static_cast<double>(candidates_.size());
  candidates_.erase(std::remove_if(candidates_.begin(), candidates_.end(),
                                   [floor](const Candidate& c) { return c.weight < floor; }),
                    candidates_.end());
  // A heap yields the likeliest first, as many as are needed.
  auto worse = [](const Candidate& a, const Candidate& b) { return Likelier(b, a); };
  std::make_heap(candidates_.begin(), candidates_.end(), worse);
  auto heap_end = candidates_.end();
  double sum = 0.0;
  do {
    std::pop_heap(candidates_.begin(), heap_end, worse);
    --heap_end;
    sum += heap_end->weight;
  } while (heap_end != candidates_.begin() && sum < p * total);
  // What was popped lies behind the heap, least likely first.
  candidates_.erase(candidates_.begin(), heap_end);
}

double Sampler::LogSumExp(const float* logits, int32_t vocab) {
  const float highest = *std::max_element(logits, logits + vocab);
  double sum = 0.0;
  for (int32_t i = 0; i < vocab; ++i) sum += std::exp(logits[i] - highest);
  return highest + std::log(sum);
}

TokenLogprobs Sampler::Logprobs(const float* logits, int32_t vocab, int32_t token, int32_t top) {
  const double normalizer = LogSumExp(logits, vocab);
  TokenLogprobs result;
  result.logprob = static_cast<float>(logits[token] - normalizer);
  // A heap of the best so far with the worst of them on top: one comparison for most tokens.
  auto better = [](const std::pair<int32_t, float>& a, const std::pair<int32_t, float>& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  };
  auto& best = result.top;
  for (int32_t i = 0; i < vocab && top > 0; ++i) {
    if (static_cast<int32_t>(best.size()) == top) {
      if (logits[i] <= best.front().second) continue;
      std::pop_heap(best.begin(), best.end(), better);
      best.pop_back();
    }
    best.emplace_back(i, logits[i]);
    std::push_heap(best.begin(), best.end(), better);
  }
  std::sort_heap(best.begin(), best.end(), better);
  for (auto& entry : best) entry.second = static_cast<float>(entry.second - normalizer);
  return result;
}

}  // namespace node_mlc
