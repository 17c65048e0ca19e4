/*!
 * \file engine/sampler.cc
 */
#include "engine/sampler.h"

#include <algorithm>
#include <cmath>

#include "engine/random.h"
#include "engine/softmax.h"

namespace node_mlc {

namespace {

/*! \brief Makes the chances of XTC another stream than the draws of the same seed. */
constexpr uint64_t kExclusionStream = 0x584443ull;

/*! \brief Keeps the first elements in an order that weigh `target` together, at least one. */
template <typename Element, typename Before>
void KeepFirst(std::vector<Element>* elements, double target, Before before) {
  // A heap yields the first ones in their order, as many as are needed.
  auto after = [&](const Element& a, const Element& b) { return before(b, a); };
  std::make_heap(elements->begin(), elements->end(), after);
  auto heap_end = elements->end();
  double sum = 0.0;
  do {
    std::pop_heap(elements->begin(), heap_end, after);
    --heap_end;
    sum += heap_end->weight;
  } while (heap_end != elements->begin() && sum < target);
  // What was popped lies behind the heap, the last of them first.
  elements->erase(elements->begin(), heap_end);
}

}  // namespace

int32_t Sampler::Sample(const SamplingParams& params, int64_t index, const float* logits,
                        int32_t vocab, SamplingState* state) {
  const Highest highest = FindHighest(logits, vocab);
  if (params.temperature == 0.0f) return highest.token;
  const double uniform = UniformAt(params.seed, static_cast<uint64_t>(index));
  if (params.mirostat_tau > 0.0f) {
    return DrawMirostat(params, uniform, highest, logits, vocab, state);
  }
  if (params.top_k == 1) return highest.token;
  if (params.top_k > 0 && params.top_k < vocab) {
    CollectTopK(params, highest.logit, logits, vocab);
    if (params.top_p < 1.0f) KeepTopP(params.top_p, TotalWeight());
  } else {
    weights_.resize(vocab);
    Weigh(logits, vocab, highest.logit, params.temperature, weights_.data());
    const double total = Sum(weights_);
    if (!params.Truncates()) return DrawFromAll(uniform * total);
    CollectAbove(std::max<double>(params.min_p, (1.0 - params.top_p) * total / vocab));
    if (params.top_p < 1.0f) KeepTopP(params.top_p, total);
  }
  if (params.min_p > 0.0f) DropBelow(params.min_p);
  if (params.typical_p < 1.0f) KeepTypical(params.typical_p);
  if (params.xtc_probability > 0.0f) ExcludeTop(params, index);
  return Draw(uniform, TotalWeight()).id;
}

int32_t Sampler::DrawMirostat(const SamplingParams& params, double uniform, const Highest& highest,
                              const float* logits, int32_t vocab, SamplingState* state) {
  weights_.resize(vocab);
  Weigh(logits, vocab, highest.logit, params.temperature, weights_.data());
  SamplingState first;
  if (state == nullptr) state = &first;
  if (!state->mirostat_surprise) state->mirostat_surprise = 2.0 * params.mirostat_tau;
  double& most = *state->mirostat_surprise;
  CollectAbove(Sum(weights_) * std::exp2(-most));
  if (candidates_.empty()) candidates_.push_back({1.0f, highest.token});
  const double total = TotalWeight();
  const Candidate drawn = Draw(uniform, total);
  const double surprise = std::log2(total / drawn.weight);
  most -= params.mirostat_eta * (surprise - params.mirostat_tau);
  return drawn.id;
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

Sampler::Candidate Sampler::Draw(double uniform, double total) const {
  double sum = 0.0;
  Candidate last = candidates_.front();
  for (const Candidate& candidate : candidates_) {
    sum += candidate.weight;
    last = candidate;
    if (sum > uniform * total) break;
  }
  return last;
}

double Sampler::TotalWeight() const {
  double total = 0.0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  return total;
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
  while (candidates_.back().weight == 0.0f) candidates_.pop_back();
}

void Sampler::CollectAbove(double least) {
  // Tokens below (1 - p) of the average weight weigh less than 1 - p together, so top-p keeps none
  // of them. Where min-p sets the higher bound, top-p may find fewer than it would keep: min-p
  // drops the others anyway.
  candidates_.clear();
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] >= least && weights_[i] > 0.0f) {
      candidates_.push_back({weights_[i], static_cast<int32_t>(i)});
    }
  }
}

void Sampler::DropBelow(float least) {
  candidates_.erase(
      std::remove_if(candidates_.begin(), candidates_.end(),
                     [=](const Candidate& candidate) { return candidate.weight < least; }),
      candidates_.end());
}

void Sampler::KeepTopP(float p, double total) { KeepFirst(&candidates_, p * total, Likelier); }

void Sampler::KeepTypical(float p) {
  const double total = TotalWeight();
  double mean = 0.0;
  for (const Candidate& candidate : candidates_) {
    mean += candidate.weight * std::log(static_cast<double>(candidate.weight));
  }
  mean /= total;
  // The surprise of a token less the expected one; the constant log(total) is in both.
  typical_.clear();
  for (const Candidate& candidate : candidates_) {
    const double logarithm = std::log(static_cast<double>(candidate.weight));
    typical_.push_back({candidate.weight, candidate.id, std::abs(mean - logarithm)});
  }
  KeepFirst(&typical_, p * total, [](const TypicalCandidate& a, const TypicalCandidate& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.id < b.id;
  });
  candidates_.clear();
  for (const TypicalCandidate& kept : typical_) candidates_.push_back({kept.weight, kept.id});
}

void Sampler::ExcludeTop(const SamplingParams& params, int64_t index) {
  const double chance =
      UniformAt(MixBits(params.seed ^ kExclusionStream), static_cast<uint64_t>(index));
  if (chance >= params.xtc_probability) return;
  const double least = params.xtc_threshold * TotalWeight();
  const Candidate* kept = nullptr;
  for (const Candidate& candidate : candidates_) {
    if (candidate.weight < least) continue;
    if (kept == nullptr || Likelier(*kept, candidate)) kept = &candidate;
  }
  if (kept == nullptr) return;
  const Candidate spared = *kept;
  candidates_.erase(
      std::remove_if(candidates_.begin(), candidates_.end(),
                     [&](const Candidate& candidate) { return Likelier(candidate, spared); }),
      candidates_.end());
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
