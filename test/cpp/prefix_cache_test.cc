/*!
 * \file prefix_cache_test.cc
 */
#include "engine/prefix_cache.h"

#include <numeric>

#include "check.h"

using node_mlc::PageList;
using node_mlc::PageTable;
using node_mlc::PrefixCache;

namespace {

using Tokens = std::vector<int32_t>;

/*! \brief Pages of 4 tokens, a cache over them, and sequences as the scheduler would hold them. */
struct Fixture {
  explicit Fixture(int32_t total = 16, bool enabled = true,
                   int32_t most_idle = PageTable::kUnbounded)
      : pages(total, 4, most_idle), cache(&pages, enabled) {}

  /*! \brief A sequence that takes what is cached of its tokens and computes the rest. */
  PageList Compute(const Tokens& tokens) {
    PageList list = cache.Find(tokens);
    cache.Take(tokens, list);
    const int32_t found = static_cast<int32_t>(list.size());
    CHECK(pages.Grow(&list, static_cast<int64_t>(tokens.size())));
    cache.Enter(tokens, static_cast<int32_t>(tokens.size()), found, &list);
    return list;
  }

  void Check(const std::vector<const PageList*>& lists) const {
    pages.CheckIntegrity(lists);
    cache.CheckIntegrity();
  }

  PageTable pages;
  PrefixCache cache;
};

Tokens Range(int32_t from, int32_t count) {
  Tokens tokens(count);
  std::iota(tokens.begin(), tokens.end(), from);
  return tokens;
}

Tokens operator+(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

PageList First(const PageList& list, int32_t count) {
  return PageList(list.begin(), list.begin() + count);
}

}  // namespace

TEST("prefix cache: finds whole pages of a running sequence, never all tokens") {
  Fixture fixture;
  PageList first = fixture.Compute(Range(0, 10));
  CHECK_EQUAL(fixture.cache.size(), 2);
  CHECK(fixture.cache.Find(Range(0, 10)) == First(first, 2));
  CHECK(fixture.cache.Find(Range(0, 9)) == First(first, 2));
  CHECK(fixture.cache.Find(Range(0, 8)) == First(first, 1));  // token 7 must be computed
  CHECK(fixture.cache.Find(Range(0, 4)).empty());
  CHECK(fixture.cache.Find(Range(0, 1)).empty());
  CHECK(fixture.cache.Find(Range(0, 7) + Tokens{99, 8, 9}) == First(first, 1));
  CHECK(fixture.cache.Find(Range(4, 6)).empty());  // the same tokens at another place
  fixture.Check({&first});
}

TEST("prefix cache: sequences branch and share what they have in common") {
  Fixture fixture;
  PageList a = fixture.Compute(Range(0, 8) + Range(100, 5));
  PageList b = fixture.Compute(Range(0, 8) + Range(200, 5));
  PageList c = fixture.Compute(Range(0, 4) + Range(300, 5));
  CHECK(First(a, 2) == First(b, 2));
  CHECK(a[2] != b[2]);
  CHECK(First(a, 1) == First(c, 1));
  CHECK_EQUAL(fixture.cache.size(), 5);
  CHECK_EQUAL(fixture.pages.used(), 8);  // and a partial page each
  CHECK_EQUAL(fixture.cache.stats().lookups, 3);
  CHECK_EQUAL(fixture.cache.stats().lookup_tokens, 35);
  CHECK_EQUAL(fixture.cache.stats().hit_tokens, 12);
  fixture.Check({&a, &b, &c});
  fixture.pages.Release(&b);
  fixture.Check({&a, &c});
  fixture.pages.Release(&a);
  fixture.pages.Release(&c);
  CHECK_EQUAL(fixture.pages.idle(), 5);
  CHECK_EQUAL(fixture.pages.free(), 11);
  fixture.Check({});
}

TEST("prefix cache: a page computed twice at the same time is kept once") {
  Fixture fixture;
  const Tokens tokens = Range(0, 9);
  PageList a, b;
  CHECK(fixture.pages.Grow(&a, 9));
  CHECK(fixture.pages.Grow(&b, 9));
  CHECK_EQUAL(fixture.cache.Enter(tokens, 7, 0, &a), 1);
  CHECK_EQUAL(fixture.cache.Enter(tokens, 9, 0, &b), 2);
  CHECK_EQUAL(b[0], a[0]);
  CHECK(b[1] != a[1]);
  fixture.Check({&a, &b});
  CHECK_EQUAL(fixture.cache.Enter(tokens, 9, 1, &a), 2);
  CHECK_EQUAL(a[1], b[1]);
  CHECK_EQUAL(fixture.pages.used(), 4);
  fixture.cache.CheckEntered(tokens, First(a, 2));
  fixture.Check({&a, &b});
}

TEST("prefix cache: when pages run out, those idle longest go, leaves first") {
  Fixture fixture(6);
  PageList a = fixture.Compute(Range(0, 12));
  PageList b = fixture.Compute(Range(100, 12));
  fixture.pages.Release(&a);
  fixture.pages.Release(&b);
  a = fixture.Compute(Range(0, 9));  // a is used again: b is now idle longer, but for a's last page
  CHECK_EQUAL(fixture.cache.stats().hit_tokens, 8);
  CHECK_EQUAL(fixture.cache.stats().evictions, 1);
  CHECK_EQUAL(fixture.cache.Find(Range(0, 13)).size(), 2u);
  PageList c = fixture.Compute(Range(200, 8));
  CHECK_EQUAL(fixture.cache.stats().evictions, 3);
  CHECK_EQUAL(fixture.cache.Find(Range(100, 13)).size(), 1u);
  fixture.Check({&a, &c});
  PageList d;
  CHECK(fixture.pages.Grow(&d, 4));
  CHECK(fixture.cache.Find(Range(100, 13)).empty());
  CHECK(!fixture.pages.Grow(&d, 8));  // all others are in use
  fixture.Check({&a, &c, &d});
}

TEST("prefix cache: only so many pages stay without a user, the first of a sequence longest") {
  Fixture fixture(16, true, 2);
  PageList a = fixture.Compute(Range(0, 12));
  fixture.pages.Release(&a);
  CHECK_EQUAL(fixture.pages.idle(), 2);
  CHECK_EQUAL(fixture.cache.Find(Range(0, 13)).size(), 2u);
  PageList b = fixture.Compute(Range(100, 4));
  fixture.pages.Release(&b);
  CHECK_EQUAL(fixture.cache.Find(Range(0, 13)).size(), 1u);
  CHECK_EQUAL(fixture.cache.Find(Range(100, 5)).size(), 1u);
  CHECK_EQUAL(fixture.pages.free(), 14);
  fixture.Check({});
}

TEST("prefix cache: turned off it finds and keeps nothing") {
  Fixture fixture(8, false);
  PageList a = fixture.Compute(Range(0, 12));
  CHECK(fixture.cache.Find(Range(0, 12)).empty());
  fixture.pages.Release(&a);
  CHECK_EQUAL(fixture.pages.free(), 8);
  CHECK_EQUAL(fixture.cache.size(), 0);
}

TEST("prefix cache: a broken tree is noticed") {
  Fixture fixture;
  const Tokens tokens = Range(0, 8);
  PageList a = fixture.Compute(tokens);
  CHECK_THROWS(std::logic_error, fixture.cache.CheckEntered(tokens, {a[1], a[0]}), order);
  fixture.pages.Keep(fixture.Compute(Range(50, 3)).front());
  CHECK_THROWS(std::logic_error, fixture.cache.CheckIntegrity(), stray);
}
