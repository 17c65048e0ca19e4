/*!
 * \file grammar/token_mask.cc
 */
#include "grammar/token_mask.h"

#include <algorithm>
#include <limits>

namespace node_mlc {

void TokenMask::Remove(const std::vector<int32_t>& tokens) {
  for (int32_t token : tokens) {
    if (token >= 0 && token < vocab_) words_[token / 32] &= ~(uint32_t{1} << (token % 32));
  }
}

bool TokenMask::HasNoneBut(const std::vector<int32_t>& tokens) const {
  TokenMask left = *this;
  left.Remove(tokens);
  if (vocab_ % 32 != 0) left.words_.back() &= (uint32_t{1} << (vocab_ % 32)) - 1;
  return std::all_of(left.words_.begin(), left.words_.end(),
                     [](uint32_t word) { return word == 0; });
}

void TokenMask::Apply(float* logits) const {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  for (int32_t begin = 0; begin < vocab_; begin += 32) {
    const uint32_t word = words_[begin / 32];
    if (word == ~uint32_t{0}) continue;
    const int32_t count = std::min(32, vocab_ - begin);
    for (int32_t i = 0; i < count; ++i) {
      if ((word >> i & 1) == 0) logits[begin + i] = kNever;
    }
  }
}

}  // namespace node_mlc
