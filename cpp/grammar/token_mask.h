/*!
 * \file grammar/token_mask.h
 * \brief Tokens that may come next, one bit each.
 */
#ifndef NODE_MLC_GRAMMAR_TOKEN_MASK_H_
#define NODE_MLC_GRAMMAR_TOKEN_MASK_H_

#include <cstdint>
#include <vector>

namespace node_mlc {

/*! \brief Bit `id % 32` of word `id / 32` says whether a token may come next. */
class TokenMask {
 public:
  explicit TokenMask(int32_t vocab) : vocab_(vocab), words_((vocab + 31) / 32, 0) {}

  int32_t vocab() const { return vocab_; }
  uint32_t* words() { return words_.data(); }
  int32_t word_count() const { return static_cast<int32_t>(words_.size()); }

  bool Has(int32_t token) const {
    return token >= 0 && token < vocab_ && (words_[token / 32] >> (token % 32) & 1) != 0;
  }

  void Remove(const std::vector<int32_t>& tokens);

  /*! \brief Whether no token may come next but, at most, `tokens`. */
  bool HasNoneBut(const std::vector<int32_t>& tokens) const;

  /*! \brief Makes the logits of all other tokens -inf. */
  void Apply(float* logits) const;

 private:
  int32_t vocab_;
  std::vector<uint32_t> words_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_GRAMMAR_TOKEN_MASK_H_
