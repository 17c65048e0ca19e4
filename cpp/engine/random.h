/*!
 * \file engine/random.h
 * \brief Random numbers by position, so that a request's numbers depend on nothing but its seed.
 */
#ifndef NODE_MLC_ENGINE_RANDOM_H_
#define NODE_MLC_ENGINE_RANDOM_H_

#include <cstdint>

namespace node_mlc {

/*! \brief The output function of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom
 * Number Generators, 2014). */
inline uint64_t MixBits(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

/*!
 * \brief Number `index` of stream `seed`, uniform in [0, 1) with 53 bits.
 *
 * SplitMix64 is a counter through a mixing function, so its n-th number needs no state: a request
 * that is computed again after a preemption, or in another batch, gets the same numbers. The seed
 * is mixed first, lest neighbouring seeds be shifted copies of one stream.
 */
inline double UniformAt(uint64_t seed, uint64_t index) {
  constexpr uint64_t kGoldenGamma = 0x9e3779b97f4a7c15ull;
  uint64_t start = MixBits(seed + 0x632be59bd9b4e019ull);
  return static_cast<double>(MixBits(start + (index + 1) * kGoldenGamma) >> 11) * 0x1.0p-53;
}

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_RANDOM_H_
