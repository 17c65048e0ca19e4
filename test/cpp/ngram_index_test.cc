/*!
 * \file ngram_index_test.cc
 * \brief Continuations from n-grams, against a search through the whole text.
 */
#include "engine/ngram_index.h"

#include <algorithm>
#include <random>
#include <vector>

#include "check.h"

using node_mlc::NgramIndex;

namespace {

using Tokens = std::vector<int32_t>;

/*! \brief The plain way: the latest earlier place with the same `length` tokens before it. */
Tokens Search(const Tokens& text, int32_t most) {
  const auto end = static_cast<int32_t>(text.size());
  for (int32_t length : NgramIndex::kLengths) {
    for (int32_t from = end - 1; from >= length && end > length; --from) {
      if (!std::equal(text.end() - length, text.end(), text.begin() + (from - length))) continue;
      Tokens longer = text;
      for (int32_t i = 0; i < most; ++i) longer.push_back(longer[from + i]);
      return {longer.begin() + end, longer.end()};
    }
  }
  return {};
}

}  // namespace

TEST("the longest end that occurred before is continued as the last time") {
  NgramIndex index;
  //        0  1  2  3  4  5  6  7  8
  Tokens text{1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3};
  CHECK(index.Continue(text, 2) == (Tokens{4, 9}));
  text.push_back(5);
  // "2 3 5" occurred at place 5; before it "3 5" too, but three tokens say more.
  CHECK(index.Continue(text, 3) == (Tokens{1, 2, 3}));
}

TEST("a new end is not continued, nor a short text") {
  NgramIndex index;
  CHECK(index.Continue({}, 4).empty());
  CHECK(index.Continue({7}, 4).empty());
  CHECK(index.Continue({7, 7}, 4).empty());
  CHECK(index.Continue({7, 7, 8, 9}, 4).empty());
}

TEST("a text that repeats itself goes on round and round") {
  NgramIndex index;
  CHECK(index.Continue({5, 6, 5, 6, 5}, 5) == (Tokens{6, 5, 6, 5, 6}));
}

TEST("random growing texts are continued as a search through them would") {
  std::mt19937 random(3);
  for (int32_t vocabulary : {2, 5, 40}) {
    NgramIndex index;
    Tokens text;
    for (int step = 0; step < 400; ++step) {
      const int grow = 1 + static_cast<int>(random() % 3);
      for (int i = 0; i < grow; ++i) text.push_back(static_cast<int32_t>(random() % vocabulary));
      const auto most = static_cast<int32_t>(random() % 6);
      CHECK(index.Continue(text, most) == (most == 0 ? Tokens{} : Search(text, most)));
    }
  }
}
