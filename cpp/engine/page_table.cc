/*!
 * \file engine/page_table.cc
 */
#include "engine/page_table.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace node_mlc {

namespace {

void Require(bool condition, const std::string& what) {
  if (!condition) throw std::logic_error("Page table: " + what);
}

}  // namespace

PageTable::PageTable(int32_t pages, int32_t page_size, int32_t most_idle)
    : total_(pages), page_size_(page_size), most_idle_(most_idle) {}

bool PageTable::Grow(PageList* list, int64_t tokens) {
  int32_t missing = PagesFor(tokens) - static_cast<int32_t>(list->size());
  if (missing > available()) return false;
  for (; missing > 0; --missing) list->push_back(Take());
  peak_ = std::max(peak_, used());
  return true;
}

void PageTable::Shrink(PageList* list, int64_t tokens) {
  const auto kept = std::min<size_t>(PagesFor(tokens), list->size());
  PageList spare(list->begin() + kept, list->end());
  list->resize(kept);
  Release(&spare);
}

void PageTable::Share(const PageList& list) {
  for (int32_t page : list) {
    Require(pages_[page].users > 0 || pages_[page].kept,
            "page " + std::to_string(page) + " is shared but free");
    if (IsIdle(page)) RemoveIdle(page);
    ++pages_[page].users;
  }
  peak_ = std::max(peak_, used());
}

void PageTable::Release(PageList* list) {
  for (auto next = list->rbegin(); next != list->rend(); ++next) {
    Page& page = pages_[*next];
    Require(page.users > 0, "page " + std::to_string(*next) + " is released but free");
    if (--page.users > 0) continue;
    if (page.kept) {
      AppendIdle(*next);
    } else {
      returned_.insert(*next);
    }
  }
  list->clear();
}

void PageTable::Keep(int32_t page) {
  Require(pages_[page].users > 0, "page " + std::to_string(page) + " is kept but nobody uses it");
  pages_[page].kept = true;
}

void PageTable::DropIdle() {
  while (idle_ > 0) DropLongestIdle();
}

void PageTable::Trim() {
  while (!returned_.empty() && *returned_.rbegin() == written() - 1) {
    returned_.erase(written() - 1);
    pages_.pop_back();
  }
}

int32_t PageTable::Take() {
  if (free() == 0) DropLongestIdle();
  int32_t page = written();
  if (returned_.empty()) {
    pages_.emplace_back();
  } else {
    page = *returned_.begin();
    returned_.erase(returned_.begin());
  }
  pages_[page].users = 1;
  return page;
}

void PageTable::DropLongestIdle() {
  const int32_t page = longest_idle_;
  if (on_drop_) on_drop_(page);
  RemoveIdle(page);
  pages_[page].kept = false;
  returned_.insert(page);
}

void PageTable::AppendIdle(int32_t page) {
  pages_[page].earlier = latest_idle_;
  pages_[page].later = -1;
  (latest_idle_ < 0 ? longest_idle_ : pages_[latest_idle_].later) = page;
  latest_idle_ = page;
  ++idle_;
  if (idle_ > most_idle_) DropLongestIdle();
}

void PageTable::RemoveIdle(int32_t page) {
  const int32_t earlier = pages_[page].earlier;
  const int32_t later = pages_[page].later;
  (earlier < 0 ? longest_idle_ : pages_[earlier].later) = later;
  (later < 0 ? latest_idle_ : pages_[later].earlier) = earlier;
  --idle_;
}

void PageTable::CheckIntegrity(const std::vector<const PageList*>& lists) const {
  std::vector<int32_t> expected(pages_.size(), 0);
  for (const PageList* list : lists) {
    for (int32_t page : *list) {
      Require(page >= 0 && page < written(), "page " + std::to_string(page) + " does not exist");
      ++expected[page];
    }
  }
  for (int32_t page = 0; page < written(); ++page) {
    Require(pages_[page].users == expected[page],
            "page " + std::to_string(page) + " counts " + std::to_string(pages_[page].users) +
                " users, not " + std::to_string(expected[page]));
  }
  const auto in_use =
      std::count_if(pages_.begin(), pages_.end(), [](const Page& page) { return page.users > 0; });
  Require(free() + idle() + in_use == total(), "free, idle and used pages are not all pages");
  CheckFree();
  CheckIdle();
}

void PageTable::CheckFree() const {
  for (int32_t page : returned_) {
    Require(page < written() && pages_[page].users == 0 && !pages_[page].kept,
            "a free page is in use");
  }
}

void PageTable::CheckIdle() const {
  int32_t count = 0;
  for (int32_t page = longest_idle_; page >= 0; page = pages_[page].later, ++count) {
    Require(IsIdle(page), "an idle page is in use or free");
    const int32_t later = pages_[page].later;
    Require((later < 0 ? latest_idle_ : pages_[later].earlier) == page,
            "the idle pages are not linked in order");
    Require(count < idle_, "more pages are idle than counted");
  }
  Require(idle_ <= most_idle_, "more pages are idle than may be");
  Require(count == idle_,
          std::to_string(idle_) + " pages count as idle, " + std::to_string(count) + " are");
}

}  // namespace node_mlc
