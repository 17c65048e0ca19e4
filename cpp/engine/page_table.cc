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

PageTable::PageTable(int32_t pages, int32_t page_size)
    : page_size_(page_size), users_(pages, 0), free_(pages) {}

bool PageTable::Grow(PageList* list, int64_t tokens) {
  int32_t missing = PagesFor(tokens) - static_cast<int32_t>(list->size());
  if (missing > free_) return false;
  for (; missing > 0; --missing) list->push_back(TakeLowest());
  peak_ = std::max(peak_, used());
  return true;
}

void PageTable::Share(const PageList& list) {
  for (int32_t page : list) {
    Require(users_[page] > 0, "page " + std::to_string(page) + " is shared but free");
    ++users_[page];
  }
}

void PageTable::Release(PageList* list) {
  for (int32_t page : *list) {
    Require(users_[page] > 0, "page " + std::to_string(page) + " is released but free");
    if (--users_[page] > 0) continue;
    returned_.push(page);
    ++free_;
  }
  list->clear();
}

void PageTable::ForgetWritten() {
  Require(used() == 0, "its memory was given back while pages are in use");
  returned_ = {};
  written_ = 0;
}

int32_t PageTable::TakeLowest() {
  int32_t page;
  if (returned_.empty()) {
    page = written_++;
  } else {
    page = returned_.top();
    returned_.pop();
  }
  users_[page] = 1;
  --free_;
  return page;
}

void PageTable::CheckIntegrity(const std::vector<const PageList*>& lists) const {
  std::vector<int32_t> expected(users_.size(), 0);
  for (const PageList* list : lists) {
    for (int32_t page : *list) {
      Require(page >= 0 && page < total(), "page " + std::to_string(page) + " does not exist");
      ++expected[page];
    }
  }
  for (int32_t page = 0; page < total(); ++page) {
    Require(users_[page] == expected[page], "page " + std::to_string(page) + " counts " +
                                                std::to_string(users_[page]) + " users, not " +
                                                std::to_string(expected[page]));
    Require(page < written_ || users_[page] == 0, "an unwritten page is in use");
  }
  auto returned = returned_;
  std::vector<bool> seen(users_.size(), false);
  int32_t count = total() - written_;
  for (; !returned.empty(); returned.pop(), ++count) {
    int32_t page = returned.top();
    Require(page < written_ && users_[page] == 0, "a free page is in use");
    Require(!seen[page], "page " + std::to_string(page) + " is free twice");
    seen[page] = true;
  }
  Require(count == free_,
          std::to_string(free_) + " pages count as free, " + std::to_string(count) + " are");
}

}  // namespace node_mlc
