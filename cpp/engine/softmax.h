/*!
 * \file engine/softmax.h
 * \brief The loops over a whole vocabulary that sampling is made of.
 */
#ifndef NODE_MLC_ENGINE_SOFTMAX_H_
#define NODE_MLC_ENGINE_SOFTMAX_H_

#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace node_mlc {

/*! \brief The likeliest token, the first of equals. */
struct Highest {
  int32_t token = 0;
  float logit = -std::numeric_limits<float>::infinity();
};

/*! \brief Throws CodedError(ERR_INVALID_ARGUMENT) unless `logits` [vocab], which a caller's
 * processor has changed, are finite or -inf, and some finite. */
void RequireSampleable(const float* logits, int32_t vocab);

/*! \brief Of `logits` [vocab]. Throws CodedError(ERR_NATIVE) when one is NaN or +inf, or all are
 * -inf. */
Highest FindHighest(const float* logits, int32_t vocab);

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
 * \brief Weights [vocab] relative to the best token, whose weight is 1: no overflow, and min-p is a
 * plain comparison.
 */
void Weigh(const float* logits, int32_t vocab, float highest, float temperature, float* weights);

/*! \brief Sum in double precision. */
double Sum(const std::vector<float>& values);

/*! \brief log(sum(exp(logits))); throws as FindHighest() does. */
double LogSumExp(const float* logits, int32_t vocab);

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_SOFTMAX_H_
