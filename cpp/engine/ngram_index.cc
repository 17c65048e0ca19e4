/*!
 * \file engine/ngram_index.cc
 */
#include "engine/ngram_index.h"

#include <algorithm>

namespace node_mlc {

namespace {

/*! \brief Hash of the `length` tokens before place `end` (FNV-1a over whole tokens). */
uint64_t HashBefore(const std::vector<int32_t>& text, int32_t end, int32_t length) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (int32_t i = end - length; i < end; ++i) {
    hash = (hash ^ static_cast<uint32_t>(text[i])) * 0x100000001b3u;
  }
  return hash;
}

}  // namespace

std::vector<int32_t> NgramIndex::Continue(const std::vector<int32_t>& text, int32_t most) {
  Index(text);
  const auto end = static_cast<int32_t>(text.size());
  std::vector<int32_t> tokens;
  for (size_t which = 0; which < kLengths.size() && tokens.empty(); ++which) {
    const int32_t length = kLengths[which];
    if (end <= length) continue;
    const auto found = places_[which].find(HashBefore(text, end, length));
    if (found == places_[which].end()) continue;
    const int32_t from = found->second;
    // Another n-gram may have the same hash.
    if (!std::equal(text.end() - length, text.end(), text.begin() + (from - length))) continue;
    for (int32_t i = 0; i < most; ++i) {
      const int32_t at = from + i;
      tokens.push_back(at < end ? text[at] : tokens[at - end]);
    }
  }
  return tokens;
}

void NgramIndex::Index(const std::vector<int32_t>& text) {
  // The end of the text itself has no successor yet.
  for (; indexed_ < static_cast<int32_t>(text.size()); ++indexed_) {
    for (size_t which = 0; which < kLengths.size(); ++which) {
      if (indexed_ < kLengths[which]) continue;
      places_[which][HashBefore(text, indexed_, kLengths[which])] = indexed_;
    }
  }
}

}  // namespace node_mlc
