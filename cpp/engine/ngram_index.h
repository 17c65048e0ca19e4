/*!
 * \file engine/ngram_index.h
 * \brief Finds what followed the last tokens of a text where they occurred before.
 */
#ifndef NODE_MLC_ENGINE_NGRAM_INDEX_H_
#define NODE_MLC_ENGINE_NGRAM_INDEX_H_

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace node_mlc {

/*!
 * \brief The n-grams of one growing text, for drafting its next tokens (prompt lookup decoding,
 * Saxena 2023): texts that quote, edit or continue their prompt repeat it.
 *
 * Each token is indexed once, when it has a successor; a lookup costs a few probes. About 32 bytes
 * a token and length. Engine thread only.
 */
class NgramIndex {
 public:
  /*! \brief Lengths that are looked up, the longest first: two tokens repeat by chance more often
   * than three. */
  static constexpr std::array<int32_t, 2> kLengths = {3, 2};

  /*!
   * \brief Up to `most` tokens that followed the latest earlier occurrence of the longest known
   * end of `text`; none where its end is new. A text that repeats itself is continued round and
   * round.
   *
   * `text` is the one of the last call with more tokens at its end.
   */
  std::vector<int32_t> Continue(const std::vector<int32_t>& text, int32_t most);

 private:
  void Index(const std::vector<int32_t>& text);

  /*! \brief For each length: the n-gram's hash to the place behind its latest occurrence. */
  std::array<std::unordered_map<uint64_t, int32_t>, kLengths.size()> places_;
  /*! \brief Places before this one are indexed. */
  int32_t indexed_ = 1;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_NGRAM_INDEX_H_
