/*!
 * \file engine/prefix_cache.cc
 */
#include "engine/prefix_cache.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/random.h"

namespace node_mlc {

namespace {

void Require(bool condition, const std::string& what) {
  if (!condition) throw std::logic_error("Prefix cache: " + what);
}

}  // namespace

PrefixCache::PrefixCache(PageTable* pages, bool enabled)
    : pages_(pages), page_size_(pages->page_size()), enabled_(enabled) {
  pages_->OnDrop([this](int32_t page) {
    Remove(page);
    ++stats_.evictions;
  });
}

PrefixCache::~PrefixCache() {
  while (UnpinOldest()) continue;
  pages_->DropIdle();
  pages_->OnDrop(nullptr);
}

PageList PrefixCache::Find(const std::vector<int32_t>& tokens) const {
  return FindFirst(tokens, (static_cast<int32_t>(tokens.size()) - 1) / page_size_);
}

PageList PrefixCache::FindAll(const std::vector<int32_t>& tokens) const {
  return FindFirst(tokens, static_cast<int32_t>(tokens.size()) / page_size_);
}

PageList PrefixCache::FindFirst(const std::vector<int32_t>& tokens, int32_t pages) const {
  PageList found;
  if (!enabled_) return found;
  int32_t node = kRoot;
  for (int32_t i = 0; i < pages; ++i) {
    const int32_t* begin = tokens.data() + i * page_size_;
    node = Child(node, HashOf(node, begin), begin);
    if (node < 0) break;
    found.push_back(node);
  }
  return found;
}

void PrefixCache::Take(const std::vector<int32_t>& tokens, const PageList& found) {
  pages_->Share(found);
  ++stats_.lookups;
  stats_.lookup_tokens += static_cast<int64_t>(tokens.size());
  stats_.hit_tokens += static_cast<int64_t>(found.size()) * page_size_;
}

int32_t PrefixCache::Enter(const std::vector<int32_t>& tokens, int32_t computed, int32_t entered,
                           PageList* pages) {
  if (!enabled_) return 0;
  for (; (entered + 1) * page_size_ <= computed; ++entered) {
    const int32_t parent = entered == 0 ? kRoot : (*pages)[entered - 1];
    const int32_t* begin = tokens.data() + entered * page_size_;
    const uint64_t hash = HashOf(parent, begin);
    const int32_t same = Child(parent, hash, begin);
    if (same < 0) {
      Add((*pages)[entered], parent, hash, begin);
      continue;
    }
    PageList own = {(*pages)[entered]};
    pages_->Share({same});
    pages_->Release(&own);
    (*pages)[entered] = same;
  }
  return entered;
}

int32_t PrefixCache::Pin(int64_t id, const std::vector<int32_t>& tokens) {
  PageList found = FindAll(tokens);
  // The new pages first: the old ones may be among them.
  pages_->Share(found);
  Unpin(id);
  pins_.push_back({id, std::move(found)});
  return static_cast<int32_t>(pins_.back().pages.size()) * page_size_;
}

void PrefixCache::Unpin(int64_t id) {
  const auto pin =
      std::find_if(pins_.begin(), pins_.end(), [id](const Pinned& each) { return each.id == id; });
  if (pin == pins_.end()) return;
  pages_->Release(&pin->pages);
  pins_.erase(pin);
}

bool PrefixCache::UnpinOldest() {
  if (pins_.empty()) return false;
  Unpin(pins_.front().id);
  return true;
}

std::vector<const PageList*> PrefixCache::PinnedLists() const {
  std::vector<const PageList*> lists;
  for (const Pinned& pin : pins_) lists.push_back(&pin.pages);
  return lists;
}

uint64_t PrefixCache::HashOf(int32_t parent, const int32_t* tokens) const {
  uint64_t hash = MixBits(static_cast<uint64_t>(parent) + 2);
  for (int32_t i = 0; i < page_size_; ++i) {
    hash = MixBits(hash * 31 + static_cast<uint64_t>(tokens[i]) + 1);
  }
  return hash;
}

int32_t PrefixCache::Child(int32_t parent, uint64_t hash, const int32_t* tokens) const {
  const auto [begin, end] = index_.equal_range(hash);
  for (auto entry = begin; entry != end; ++entry) {
    const Node& node = nodes_[entry->second];
    if (node.parent == parent && std::equal(node.tokens.begin(), node.tokens.end(), tokens)) {
      return entry->second;
    }
  }
  return -1;
}

void PrefixCache::Add(int32_t page, int32_t parent, uint64_t hash, const int32_t* tokens) {
  if (page >= static_cast<int32_t>(nodes_.size())) nodes_.resize(page + 1);
  nodes_[page] = {parent, 0, hash, std::vector<int32_t>(tokens, tokens + page_size_)};
  if (parent != kRoot) ++nodes_[parent].children;
  index_.emplace(hash, page);
  pages_->Keep(page);
}

void PrefixCache::Remove(int32_t page) {
  Node& node = nodes_[page];
  Require(node.children == 0, "a page is dropped before its children");
  if (node.parent != kRoot) --nodes_[node.parent].children;
  auto entry = index_.equal_range(node.hash).first;
  while (entry->second != page) ++entry;
  index_.erase(entry);
  node.tokens.clear();
}

void PrefixCache::CheckIntegrity() const {
  std::vector<int32_t> children(nodes_.size(), 0);
  for (const auto& [hash, page] : index_) {
    const Node& node = nodes_[page];
    Require(pages_->IsKept(page), "page " + std::to_string(page) + " is in the tree but not kept");
    Require(static_cast<int32_t>(node.tokens.size()) == page_size_, "a node is not a whole page");
    Require(node.hash == hash && HashOf(node.parent, node.tokens.data()) == hash,
            "a node is found under another hash");
    Require(Child(node.parent, hash, node.tokens.data()) == page, "two nodes are the same");
    if (node.parent == kRoot) continue;
    ++children[node.parent];
    Require(pages_->IsKept(node.parent), "a node's parent is not in the tree");
    Require(pages_->IsIdle(page) || !pages_->IsIdle(node.parent),
            "a page is in use but its parent is idle");
  }
  int32_t kept = 0;
  for (int32_t page = 0; page < pages_->written(); ++page) kept += pages_->IsKept(page) ? 1 : 0;
  Require(kept == size(), "pages are kept that are not in the tree");
  for (const auto& [hash, page] : index_) {
    Require(nodes_[page].children == children[page], "a node's children are miscounted");
  }
}

void PrefixCache::CheckEntered(const std::vector<int32_t>& tokens, const PageList& pages) const {
  int32_t parent = kRoot;
  for (size_t i = 0; i < pages.size(); ++i) {
    const int32_t* begin = tokens.data() + i * page_size_;
    Require(Child(parent, HashOf(parent, begin), begin) == pages[i],
            "a sequence uses a page that is not the tree's for its tokens");
    parent = pages[i];
  }
}

}  // namespace node_mlc
