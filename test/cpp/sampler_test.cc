/*!
 * \file sampler_test.cc
 * \brief The sampler against probabilities computed the plain way (a full sort), and its
 * determinism.
 */
#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "check.h"
#include "engine/random.h"
#include "support/coded_error.h"

using node_mlc::Sampler;
using node_mlc::SamplingParams;

namespace {

std::vector<float> RandomLogits(int vocab, unsigned seed, float spread = 2.5f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, spread);
  std::vector<float> logits(vocab);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

/*! \brief Softmax at a temperature, then top-k, top-p and min-p by full sorts, in double precision.
 */
std::vector<double> Reference(const std::vector<float>& logits, const SamplingParams& params) {
  std::vector<double> p(logits.size());
  double highest = *std::max_element(logits.begin(), logits.end());
  for (size_t i = 0; i < p.size(); ++i) p[i] = std::exp((logits[i] - highest) / params.temperature);
  std::vector<int> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return p[a] > p[b]; });
  size_t keep = params.top_k > 0 ? std::min<size_t>(params.top_k, p.size()) : p.size();
  double total = 0.0;
  for (size_t i = 0; i < keep; ++i) total += p[order[i]];
  double sum = 0.0;
  for (size_t i = 0; i < keep; ++i) {
    if (i > 0 && sum >= params.top_p * total) keep = i;
    if (i < keep) sum += p[order[i]];
  }
  for (size_t i = keep; i < p.size(); ++i) p[order[i]] = 0.0;
  for (double& each : p) {
    if (each < params.min_p) each = 0.0;
  }
  double norm = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& each : p) each /= norm;
  return p;
}

void CheckFrequencies(const SamplingParams& params, const std::vector<float>& logits) {
  const int kDraws = 40000;
  const int vocab = static_cast<int>(logits.size());
  Sampler sampler;
  std::vector<double> expected = Reference(logits, params);
  std::vector<int> drawn(logits.size(), 0);
  for (int i = 0; i < kDraws; ++i) ++drawn[sampler.Sample(params, i, logits.data(), vocab)];
  double chi_square = 0.0;
  int cells = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == 0.0) CHECK_EQUAL(drawn[i], 0);
    if (expected[i] * kDraws < 5.0) continue;
    double difference = drawn[i] - expected[i] * kDraws;
    chi_square += difference * difference / (expected[i] * kDraws);
    ++cells;
  }
  CHECK(cells >= 1);
  // Mean `cells`, variance `2 cells`: six standard deviations, with the seed fixed.
  CHECK(chi_square < cells + 6.0 * std::sqrt(2.0 * cells));
}

}  // namespace

TEST("sampler: temperature 0 and top-k 1 take the highest logit, the first of equals") {
  Sampler sampler;
  std::vector<float> logits = {0.0f, 3.0f, -1.0f, 3.0f};
  SamplingParams params;
  params.temperature = 0.0f;
  CHECK_EQUAL(sampler.Sample(params, 0, logits.data(), 4), 1);
  params.temperature = 5.0f;
  params.top_k = 1;
  CHECK_EQUAL(sampler.Sample(params, 9, logits.data(), 4), 1);
}

TEST("sampler: draws follow the distribution") {
  std::vector<float> logits = RandomLogits(200, 3);
  for (float temperature : {0.3f, 1.0f, 2.0f}) {
    for (int top_k : {0, 2, 40}) {
      for (float top_p : {1.0f, 0.9f, 0.5f, 0.0f}) {
        for (float min_p : {0.0f, 0.1f}) {
          SamplingParams params;
          params.temperature = temperature;
          params.top_k = top_k;
          params.top_p = top_p;
          params.min_p = min_p;
          params.seed = 11;
          CheckFrequencies(params, logits);
        }
      }
    }
  }
}

TEST("sampler: equal logits are all drawn, top-k of equals keeps the lower ids") {
  std::vector<float> logits(64, 1.0f);
  SamplingParams params;
  params.seed = 5;
  CheckFrequencies(params, logits);
  params.top_k = 10;
  Sampler sampler;
  for (int i = 0; i < 1000; ++i) CHECK(sampler.Sample(params, i, logits.data(), 64) < 10);
}

TEST("sampler: a stream depends on its seed and position only") {
  std::vector<float> logits = RandomLogits(1000, 9);
  std::vector<float> others = RandomLogits(500, 10);
  SamplingParams params;
  params.seed = 1234567;
  params.top_p = 0.95f;
  Sampler fresh, used;
  std::vector<int32_t> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(fresh.Sample(params, i, logits.data(), 1000));
  SamplingParams other;
  other.seed = 99;
  for (int i = 99; i >= 0; --i) {
    used.Sample(other, i, others.data(), 500);
    CHECK_EQUAL(used.Sample(params, i, logits.data(), 1000), expected[i]);
  }
  params.seed = 1234568;
  int same = 0;
  for (int i = 0; i < 100; ++i) same += fresh.Sample(params, i, logits.data(), 1000) == expected[i];
  CHECK(same < 60);
}

TEST("sampler: extreme temperatures and -inf logits are sound, NaN is an error") {
  Sampler sampler;
  const float kMinusInfinity = -std::numeric_limits<float>::infinity();
  std::vector<float> logits = {kMinusInfinity, 1e30f, kMinusInfinity, -1e30f};
  SamplingParams params;
  for (float temperature : {1e-30f, 1e-5f, 1.0f, 1e30f}) {
    params.temperature = temperature;
    int32_t token = sampler.Sample(params, 3, logits.data(), 4);
    CHECK(token == 1 || token == 3);
  }
  params.temperature = 1.0f;
  logits[2] = std::nanf("");
  CHECK_THROWS(node_mlc::CodedError, sampler.Sample(params, 0, logits.data(), 4), nan);
  params.temperature = 0.0f;
  CHECK_THROWS(node_mlc::CodedError, sampler.Sample(params, 0, logits.data(), 4), greedy_nan);
  std::vector<float> none(4, kMinusInfinity);
  CHECK_THROWS(node_mlc::CodedError, sampler.Sample(params, 0, none.data(), 4), nothing);
}

TEST("sampler: log-probabilities are those of a plain log-softmax") {
  std::vector<float> logits = RandomLogits(5000, 21, 6.0f);
  double sum = 0.0;
  for (float logit : logits) sum += std::exp(static_cast<double>(logit));
  node_mlc::TokenLogprobs result = Sampler::Logprobs(logits.data(), 5000, 17, 5);
  CHECK(std::abs(result.logprob - (logits[17] - std::log(sum))) < 1e-4);
  std::vector<float> sorted = logits;
  std::sort(sorted.rbegin(), sorted.rend());
  CHECK_EQUAL(result.top.size(), 5u);
  for (int i = 0; i < 5; ++i) {
    CHECK_EQUAL(logits[result.top[i].first], sorted[i]);
    CHECK(std::abs(result.top[i].second - (sorted[i] - std::log(sum))) < 1e-4);
  }
  CHECK(Sampler::Logprobs(logits.data(), 5000, 17, 0).top.empty());
}

TEST("sampler: a logit of -inf is never drawn, however hot") {
  std::vector<float> logits(33, -std::numeric_limits<float>::infinity());
  logits[7] = logits[32] = 1.0f;
  SamplingParams params;
  params.temperature = 1e6f;
  Sampler sampler;
  for (int i = 0; i < 1000; ++i) {
    int32_t token = sampler.Sample(params, i, logits.data(), 33);
    CHECK(token == 7 || token == 32);
  }
  CHECK(std::abs(node_mlc::LogSumExp(logits.data(), 33) - (1.0 + std::log(2.0))) < 1e-6);
}

TEST("sampler: weights are those of exp, over the whole range") {
  for (float x = 0.0f; x > -80.0f; x -= 0.0137f) {
    const float logits[2] = {0.0f, x};
    const double expected = std::log1p(std::exp(static_cast<double>(x)));
    CHECK(std::abs(node_mlc::LogSumExp(logits, 2) - expected) <= 3e-7 * expected + 1e-15);
  }
}

TEST("random: uniform over seeds and positions") {
  for (bool by_seed : {false, true}) {
    std::vector<int> cells(64, 0);
    double sum = 0.0;
    for (uint64_t i = 0; i < 64000; ++i) {
      double u = by_seed ? node_mlc::UniformAt(i, 0) : node_mlc::UniformAt(42, i);
      CHECK(u >= 0.0 && u < 1.0);
      ++cells[static_cast<int>(u * 64)];
      sum += u;
    }
    CHECK(std::abs(sum / 64000 - 0.5) < 0.005);
    for (int count : cells) CHECK(std::abs(count - 1000) < 200);
  }
}
