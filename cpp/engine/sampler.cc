/*!
 * \file engine/sampler.cc
 */
#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "engine/random.h"
#include "support/coded_error.h"

namespace node_mlc {

namespace {

/*! \brief Independent accumulators, so that the compiler may use vector registers without
 * reordering sums: the order of additions, and with it the result, is the same on every machine. */
constexpr int32_t kLanes = 16;

struct Highest {
  int32_t token = 0;
  float logit = -std::numeric_limits<float>::infinity();
};

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

/*!
 * \brief exp(x) for x <= 0 to 2e-7 of its value, 0 below -87 (the method of Cephes' expf: a power
 * of two times a polynomial). Branchless, so that loops over it become vector code.
 */
inline float ExpOfNonPositive(float x) {
  // As bits, negative numbers grow with their distance from zero: an integer minimum, where a
  // comparison of floating point numbers would be a branch (it may trap).
  constexpr uint32_t kLeast = 0xc2fc0000u;  // -126
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  bits = bits < kLeast ? bits : kLeast;
  float clamped;
  std::memcpy(&clamped, &bits, sizeof(clamped));
  const auto exponent = static_cast<int32_t>(clamped * 1.44269504f - 0.5f);  // rounds to nearest
  const auto n = static_cast<float>(exponent);
  const float r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
  float polynomial = 1.9875691500e-4f;
  polynomial = polynomial * r + 1.3981999507e-3f;
  polynomial = polynomial * r + 8.3334519073e-3f;
  polynomial = polynomial * r + 4.1665795894e-2f;
  polynomial = polynomial * r + 1.6666665459e-1f;
  polynomial = polynomial * r + 5.0000001201e-1f;
  polynomial = polynomial * r * r + r + 1.0f;
  // 2^exponent, or 0 where that is no normal number.
  const int32_t biased = exponent + 127;
  const int32_t power_bits = (biased > 0 ? biased : 0) << 23;
  float power;
  std::memcpy(&power, &power_bits, sizeof(power));
  return polynomial * power;
}

/*!
 * \brief Weights relative to the best token, whose weight is 1: no overflow, and min-p is a plain
 * comparison. (Arguments by value and a plain loop: vector code.)
 */
void Weigh(const float* __restrict logits, int32_t vocab, float highest, float temperature,
           float* __restrict weights) {
  for (int32_t i = 0; i < vocab; ++i) {
    weights[i] = ExpOfNonPositive((logits[i] - highest) / temperature);
  }
}

/*! \brief Sum in double precision. */
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

}  // namespace

int32_t Sampler::Sample(const SamplingParams& params, int64_t index, const float* logits,
                        int32_t vocab) {
  const Highest highest = FindHighest(logits, vocab);
  if (params.temperature == 0.0f || params.top_k == 1) return highest.token;
  const double uniform = UniformAt(params.seed, static_cast<uint64_t>(index));
  if (params.top_k > 0 && params.top_k < vocab) {
    CollectTopK(params, highest.logit, logits, vocab);
    double total = 0.0;
    for (const Candidate& candidate : candidates_) total += candidate.weight;
    if (params.top_p < 1.0f) KeepTopP(params.top_p, total);
  } else {
    weights_.resize(vocab);
    Weigh(logits, vocab, highest.logit, params.temperature, weights_.data());
    const double total = Sum(weights_);
    if (params.top_p == 1.0f && params.min_p == 0.0f) return DrawFromAll(uniform * total);
    CollectAbove(std::max<double>(params.min_p, (1.0 - params.top_p) * total / vocab));
    if (params.top_p < 1.0f) KeepTopP(params.top_p, total);
  }
  return DrawFromCandidates(uniform, params.min_p);
}

int32_t Sampler::DrawFromAll(double target) const {
  double sum = 0.0;
  int32_t last = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] == 0.0f) continue;
    sum += weights_[i];
    last = static_cast<int32_t>(i);
    if (sum > target) break;
  }
  return last;
}

int32_t Sampler::DrawFromCandidates(double uniform, float min_p) const {
  double total = 0.0;
  for (const Candidate& candidate : candidates_) {
    if (candidate.weight >= min_p) total += candidate.weight;
  }
  double sum = 0.0;
  int32_t last = candidates_.front().id;
  for (const Candidate& candidate : candidates_) {
    if (candidate.weight < min_p || candidate.weight == 0.0f) continue;
    sum += candidate.weight;
    last = candidate.id;
    if (sum > uniform * total) break;
  }
  return last;
}

void Sampler::CollectTopK(const SamplingParams& params, float highest, const float* logits,
                          int32_t vocab) {
  // A heap of the best so far with the worst of them on top: one comparison for most tokens.
  candidates_.clear();
  const size_t most = static_cast<size_t>(params.top_k);
  for (int32_t i = 0; i < vocab; ++i) {
    if (candidates_.size() == most) {
      if (logits[i] <= candidates_.front().weight) continue;
      std::pop_heap(candidates_.begin(), candidates_.end(), Likelier);
      candidates_.pop_back();
    }
    candidates_.push_back({logits[i], i});
    std::push_heap(candidates_.begin(), candidates_.end(), Likelier);
  }
  for (Candidate& candidate : candidates_) {
    candidate.weight = ExpOfNonPositive((candidate.weight - highest) / params.temperature);
  }
  // The order of a heap depends on the library; the draw walks from the likeliest.
  std::sort(candidates_.begin(), candidates_.end(), Likelier);
}

void Sampler::CollectAbove(double least) {
  // Tokens below (1 - p) of the average weight weigh less than 1 - p together, so top-p keeps none
  // of them. Where min-p sets the higher bound, top-p may find fewer than it would keep: min-p
  // drops the others anyway.
  candidates_.clear();
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] >= least) candidates_.push_back({weights_[i], static_cast<int32_t>(i)});
  }
}

void Sampler::KeepTopP(float p, double total) {
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
