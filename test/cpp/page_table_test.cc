/*!
 * \file page_table_test.cc
 */
#include "engine/page_table.h"

#include <random>

#include "check.h"

using node_mlc::PageList;
using node_mlc::PageTable;

TEST("page table: hands out the lowest free page first") {
  PageTable pages(8, 16);
  PageList a, b, c;
  CHECK(pages.Grow(&a, 33));  // 3 pages
  CHECK(pages.Grow(&b, 16));  // 1 page
  CHECK_EQUAL(a.back(), 2);
  CHECK_EQUAL(b.front(), 3);
  pages.Release(&a);
  CHECK_EQUAL(pages.free(), 7);
  CHECK(pages.Grow(&c, 64));
  CHECK_EQUAL(c[0], 0);
  CHECK_EQUAL(c[2], 2);
  CHECK_EQUAL(c[3], 4);
  CHECK_EQUAL(pages.peak(), 5);
  pages.CheckIntegrity({&b, &c});
}

TEST("page table: growing within a page takes none, growing too far takes none") {
  PageTable pages(2, 16);
  PageList list;
  CHECK(pages.Grow(&list, 1));
  CHECK(pages.Grow(&list, 16));
  CHECK_EQUAL(list.size(), 1u);
  CHECK(!pages.Grow(&list, 33));
  CHECK_EQUAL(list.size(), 1u);
  CHECK_EQUAL(pages.free(), 1);
}

TEST("page table: a shared page is free when its last user lets go") {
  PageTable pages(4, 16);
  PageList first;
  CHECK(pages.Grow(&first, 32));
  PageList second = first;
  pages.Share(second);
  pages.CheckIntegrity({&first, &second});
  pages.Release(&first);
  CHECK_EQUAL(pages.free(), 2);
  pages.Release(&second);
  CHECK_EQUAL(pages.free(), 4);
  pages.CheckIntegrity({});
}

TEST("page table: releasing twice and keeping a free page are noticed") {
  PageTable pages(4, 16);
  PageList list;
  CHECK(pages.Grow(&list, 16));
  PageList copy = list;
  pages.Release(&list);
  CHECK_THROWS(std::logic_error, pages.Release(&copy), twice);
  CHECK_THROWS(std::logic_error, pages.Keep(copy.front()), unused);
  CHECK_THROWS(std::logic_error, pages.Share(copy), shared);
  CHECK_THROWS(std::logic_error, pages.CheckIntegrity({&copy}), dangling);
}

TEST("page table: kept pages are idle after their last user and go when no page is free") {
  PageTable pages(4, 16);
  std::vector<int32_t> dropped;
  pages.OnDrop([&](int32_t page) { dropped.push_back(page); });
  PageList a, b;
  CHECK(pages.Grow(&a, 32));
  for (int32_t page : a) pages.Keep(page);
  pages.Release(&a);
  CHECK_EQUAL(pages.free(), 2);
  CHECK_EQUAL(pages.idle(), 2);
  CHECK_EQUAL(pages.available(), 4);
  CHECK(pages.Grow(&b, 32));  // free pages first
  CHECK(dropped.empty());
  CHECK(pages.Grow(&b, 48));  // the last page of the list counts as idle longest
  CHECK(dropped == std::vector<int32_t>{1});
  PageList again = {0};
  pages.Share(again);
  CHECK_EQUAL(pages.available(), 0);
  PageList none;
  CHECK(!pages.Grow(&none, 1));
  pages.CheckIntegrity({&b, &again});
  pages.Release(&again);
  pages.DropIdle();
  CHECK((dropped == std::vector<int32_t>{1, 0}));
  CHECK_EQUAL(pages.free(), 1);
  pages.CheckIntegrity({&b});
}

TEST("page table: trims free pages above those that hold something") {
  PageTable pages(8, 16);
  PageList a, b, c;
  CHECK(pages.Grow(&a, 32));
  CHECK(pages.Grow(&b, 16));
  CHECK(pages.Grow(&c, 32));
  pages.Keep(2);
  pages.Release(&a);
  pages.Release(&b);
  pages.Release(&c);
  pages.Trim();
  CHECK_EQUAL(pages.written(), 3);
  CHECK_EQUAL(pages.free(), 7);
  pages.DropIdle();
  pages.Trim();
  CHECK_EQUAL(pages.written(), 0);
  pages.CheckIntegrity({});
}

TEST("page table: counts agree over a random trace") {
  std::mt19937 random(7);
  PageTable pages(50, 16);
  std::vector<PageList> lists(10);
  for (int step = 0; step < 5000; ++step) {
    PageList& list = lists[random() % lists.size()];
    if (random() % 4 == 0) {
      pages.Release(&list);
    } else if (random() % 8 == 0 && list.empty()) {
      const PageList& other = lists[random() % lists.size()];
      pages.Share(other);
      list = other;
    } else if (random() % 4 == 0 && !list.empty()) {
      pages.Keep(list[random() % list.size()]);
    } else {
      pages.Grow(&list, static_cast<int64_t>(list.size()) * 16 + random() % 60);
    }
    if (random() % 50 == 0) pages.Trim();
    std::vector<const PageList*> all;
    for (const PageList& each : lists) all.push_back(&each);
    pages.CheckIntegrity(all);
  }
  for (PageList& list : lists) pages.Release(&list);
  CHECK_EQUAL(pages.available(), 50);
  CHECK(pages.idle() > 0);
  pages.DropIdle();
  pages.Trim();
  CHECK_EQUAL(pages.written(), 0);
  pages.CheckIntegrity({});
}
