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

/*! \brief Divides by the sum. */
void Normalise(std::vector<double>* p) {
  const double total = std::accumulate(p->begin(), p->end(), 0.0);
  for (double& each : *p) each /= total;
}

/*! \brief Token ids with the smallest key first, the lower id first of equals. */
std::vector<int> OrderBy(const std::vector<double>& keys) {
  std::vector<int> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return keys[a] < keys[b]; });
  return order;
}

/*! \brief Keeps the first tokens of `order` that have the probability `mass` together. */
void KeepMass(std::vector<double>* p, const std::vector<int>& order, double mass) {
  double sum = 0.0;
  for (size_t i = 0; i < order.size(); ++i) {
    const double own = (*p)[order[i]];
    if (i > 0 && sum >= mass) (*p)[order[i]] = 0.0;
    sum += own;
  }
  Normalise(p);
}

std::vector<double> Negated(std::vector<double> values) {
  for (double& value : values) value = -value;
  return values;
}

/*!
 * \brief The warpers of Hugging Face in their order, each by its documented definition with full
 * sorts, in double precision: TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper,
 * MinPLogitsWarper, TypicalLogitsWarper. Of tokens that tie at a border the lower ids stay.
 */
std::vector<double> Reference(const std::vector<float>& logits, const SamplingParams& params) {
  std::vector<double> p(logits.size());
  const double highest = *std::max_element(logits.begin(), logits.end());
  for (size_t i = 0; i < p.size(); ++i) p[i] = std::exp((logits[i] - highest) / params.temperature);
  Normalise(&p);
  if (params.top_k > 0) {
    const std::vector<int> order = OrderBy(Negated(p));
    for (size_t i = params.top_k; i < order.size(); ++i) p[order[i]] = 0.0;
    Normalise(&p);
  }
  if (params.top_p < 1.0f) KeepMass(&p, OrderBy(Negated(p)), params.top_p);
  if (params.min_p > 0.0f) {
    const double least = params.min_p * *std::max_element(p.begin(), p.end());
    for (double& each : p) each = each < least ? 0.0 : each;
    Normalise(&p);
  }
  if (params.typical_p < 1.0f) {
    double entropy = 0.0;
    for (double each : p) entropy -= each > 0.0 ? each * std::log(each) : 0.0;
    std::vector<double> distance(p.size());
    for (size_t i = 0; i < p.size(); ++i) {
      distance[i] = p[i] > 0.0 ? std::abs(-std::log(p[i]) - entropy) : 1e300;
    }
    KeepMass(&p, OrderBy(distance), params.typical_p);
  }
  return p;
}

void CheckFrequencies(const SamplingParams& params, const std::vector<float>& logits,
                      const std::vector<double>& expected) {
  const int kDraws = 40000;
  const int vocab = static_cast<int>(logits.size());
  Sampler sampler;
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

void CheckFrequencies(const SamplingParams& params, const std::vector<float>& logits) {
  CheckFrequencies(params, logits, Reference(logits, params));
}

/*! \brief Logits of which many are equal. */
std::vector<float> TiedLogits(int vocab, unsigned seed) {
  std::vector<float> logits = RandomLogits(vocab, seed);
  for (float& logit : logits) logit = std::round(logit);
  return logits;
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

TEST("sampler: typical-p follows its definition, alone and after the others") {
  for (unsigned seed : {3u, 4u}) {
    std::vector<float> logits = RandomLogits(150, seed);
    for (float typical_p : {0.95f, 0.5f, 0.05f}) {
      for (int top_k : {0, 30}) {
        for (float min_p : {0.0f, 0.05f}) {
          SamplingParams params;
          params.typical_p = typical_p;
          params.top_k = top_k;
          params.top_p = top_k > 0 ? 0.9f : 1.0f;
          params.min_p = min_p;
          params.seed = seed;
          CheckFrequencies(params, logits);
        }
      }
    }
  }
}

TEST("sampler: of tokens that tie at a border the lower ids stay") {
  for (unsigned seed = 0; seed < 12; ++seed) {
    std::vector<float> logits = TiedLogits(90, seed);
    SamplingParams params;
    params.seed = seed;
    params.top_k = seed % 3 == 0 ? 17 : 0;
    params.top_p = seed % 3 == 1 ? 0.8f : 1.0f;
    params.typical_p = seed % 3 == 2 ? 0.7f : 1.0f;
    const std::vector<double> expected = Reference(logits, params);
    Sampler sampler;
    for (int i = 0; i < 3000; ++i)
      CHECK(expected[sampler.Sample(params, i, logits.data(), 90)] > 0);
    CheckFrequencies(params, logits);
  }
}

TEST("sampler: XTC leaves out the likeliest but the last above its threshold, as often as asked") {
  std::vector<float> logits = {std::log(0.4f), std::log(0.3f), std::log(0.2f), std::log(0.1f)};
  SamplingParams params;
  params.seed = 8;
  params.xtc_threshold = 0.15f;
  params.xtc_probability = 1.0f;
  CheckFrequencies(params, logits, {0.0, 0.0, 2.0 / 3, 1.0 / 3});
  params.xtc_probability = 0.5f;
  CheckFrequencies(params, logits, {0.2, 0.15, 0.1 + 1.0 / 3, 0.05 + 0.5 / 3});
  // With one token above it, and with none, there is nothing to leave out.
  for (float threshold : {0.35f, 0.5f, 1.0f}) {
    params.xtc_probability = 1.0f;
    params.xtc_threshold = threshold;
    CheckFrequencies(params, logits, {0.4, 0.3, 0.2, 0.1});
  }
  // It counts what is left by the others: of the first two, renormalised, both lie above.
  params.xtc_threshold = 0.42f;
  params.top_k = 2;
  CheckFrequencies(params, logits, {0.0, 1.0, 0.0, 0.0});
}

TEST("sampler: of equals XTC spares the highest id") {
  std::vector<float> logits(4, 0.0f);
  SamplingParams params;
  params.xtc_probability = 1.0f;
  Sampler sampler;
  for (int i = 0; i < 50; ++i) CHECK_EQUAL(sampler.Sample(params, i, logits.data(), 4), 3);
}

TEST("sampler: Mirostat truncates by surprise, feeds it back and steers to its target") {
  std::vector<float> logits = RandomLogits(2000, 13, 1.5f);
  SamplingParams params;
  params.seed = 21;
  params.mirostat_tau = 4.0f;
  params.mirostat_eta = 0.1f;
  SamplingParams plain;
  const std::vector<double> p = Reference(logits, plain);
  Sampler sampler;
  node_mlc::SamplingState state;
  double expected = 2.0 * params.mirostat_tau;
  double surprises = 0.0;
  const int kSteps = 600;
  for (int i = 0; i < kSteps; ++i) {
    const int32_t token = sampler.Sample(params, i, logits.data(), 2000, &state);
    double kept = 0.0;
    for (double each : p) kept += -std::log2(each) <= expected ? each : 0.0;
    CHECK(-std::log2(p[token]) <= expected + 1e-4);
    const double surprise = -std::log2(p[token] / kept);
    expected -= params.mirostat_eta * (surprise - params.mirostat_tau);
    CHECK(std::abs(*state.mirostat_surprise - expected) < 1e-3);
    expected = *state.mirostat_surprise;
    if (i >= 100) surprises += surprise / (kSteps - 100);
  }
  CHECK(std::abs(surprises - params.mirostat_tau) < 0.2);
  // The same state gives the same token; the likeliest stays where every one is too surprising.
  node_mlc::SamplingState copy = state, strict;
  CHECK_EQUAL(sampler.Sample(params, 7, logits.data(), 2000, &copy),
              Sampler().Sample(params, 7, logits.data(), 2000, &state));
  strict.mirostat_surprise = -3.0;
  const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
  CHECK_EQUAL(sampler.Sample(params, 0, logits.data(), 2000, &strict), best);
  CHECK(*strict.mirostat_surprise > -3.0);
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
