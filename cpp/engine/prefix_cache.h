/*!
 * \file engine/prefix_cache.h
 * \brief Finds pages that already hold the keys and values of a prompt's beginning.
 */
#ifndef NODE_MLC_ENGINE_PREFIX_CACHE_H_
#define NODE_MLC_ENGINE_PREFIX_CACHE_H_

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "engine/page_table.h"

namespace node_mlc {

/*! \brief What the cache was good for, since the engine was loaded. */
struct PrefixCacheStats {
  /*! \brief Admissions of requests, and the tokens they had to compute or find. */
  int64_t lookups = 0;
  int64_t lookup_tokens = 0;
  /*! \brief Of those, tokens found. */
  int64_t hit_tokens = 0;
  /*! \brief Cached pages that were used for something else. */
  int64_t evictions = 0;
};

/*!
 * \brief A radix tree over token ids (after SGLang's RadixAttention, Zheng et al. 2024) whose edges
 * are whole pages.
 *
 * A node is a page: the keys and values of page_size tokens after those of its ancestors. Longer
 * edges would save nothing worth their splitting: a node's 100 bytes stand beside tens of kilobytes
 * of keys and values. Children are found by a hash of parent and tokens, and tokens are then
 * compared one by one.
 *
 * A page enters as soon as it is full and computed, while its sequence runs. Whoever uses a page
 * uses its ancestors too, so that of idle pages a child is always idle longer than its parent, and
 * the page table drops leaves first. A page is never copied or written again while it is in the
 * tree. Engine thread only.
 */
class PrefixCache {
 public:
  /*! \brief `pages` must outlive the cache. One that is not `enabled` finds and keeps nothing. */
  PrefixCache(PageTable* pages, bool enabled);
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  bool enabled() const { return enabled_; }
  const PrefixCacheStats& stats() const { return stats_; }
  /*! \brief Pages in the tree, in use or idle. */
  int32_t size() const { return static_cast<int32_t>(index_.size()); }

  /*! \brief The pages of the longest prefix of `tokens` in the tree, less than all of them: the
   * last token must be computed for its logits. Valid until pages are taken or released. */
  PageList Find(const std::vector<int32_t>& tokens) const;

  /*! \brief As Find(), of all whole pages of `tokens`. */
  PageList FindAll(const std::vector<int32_t>& tokens) const;

  /*! \brief A sequence starts with what Find() found for its tokens: it becomes a user of these
   * pages. */
  void Take(const std::vector<int32_t>& tokens, const PageList& found);

  /*!
   * \brief The first `computed` of a sequence's `tokens` lie in `pages`, of which the first
   * `entered` are in the tree already: the others that are full enter; returns how many are in.
   *
   * Where the tree has the same tokens in another page, computed by another sequence at the same
   * time, that page replaces the sequence's own in `pages`: the kernels compute the same bits in
   * both.
   */
  int32_t Enter(const std::vector<int32_t>& tokens, int32_t computed, int32_t entered,
                PageList* pages);

  /*! \brief Keeps the pages of the longest whole-page prefix of `tokens` in use under `id`, in
   * place of what was pinned under it before; returns its tokens. */
  int32_t Pin(int64_t id, const std::vector<int32_t>& tokens);
  /*! \brief Lets go of what is pinned under `id`; unknown ids: nothing. */
  void Unpin(int64_t id);
  /*! \brief Lets go of what was pinned longest ago, as its pages are needed; false where nothing is
   * pinned. */
  bool UnpinOldest();
  int32_t pins() const { return static_cast<int32_t>(pins_.size()); }
  /*! \brief The pinned page lists, for integrity checks. */
  std::vector<const PageList*> PinnedLists() const;

  /*! \brief Throws std::logic_error unless tree, index and page table agree. For tests and debug
   * builds. */
  void CheckIntegrity() const;

  /*! \brief Throws std::logic_error unless `pages` are the tree's for the tokens they hold. */
  void CheckEntered(const std::vector<int32_t>& tokens, const PageList& pages) const;

 private:
  static constexpr int32_t kRoot = -1;

  struct Pinned {
    int64_t id;
    PageList pages;
  };

  struct Node {
    int32_t parent = kRoot;
    int32_t children = 0;
    uint64_t hash = 0;
    std::vector<int32_t> tokens;
  };

  PageList FindFirst(const std::vector<int32_t>& tokens, int32_t pages) const;
  uint64_t HashOf(int32_t parent, const int32_t* tokens) const;
  /*! \brief The child with these page_size tokens, or -1. */
  int32_t Child(int32_t parent, uint64_t hash, const int32_t* tokens) const;
  void Add(int32_t page, int32_t parent, uint64_t hash, const int32_t* tokens);
  void Remove(int32_t page);

  PageTable* const pages_;
  const int32_t page_size_;
  const bool enabled_;
  /*! \brief By page; meaningful for those in the tree. */
  std::vector<Node> nodes_;
  /*! \brief Hash of parent and tokens to page. */
  std::unordered_multimap<uint64_t, int32_t> index_;
  /*! \brief Those pinned longest ago first. */
  std::list<Pinned> pins_;
  PrefixCacheStats stats_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_PREFIX_CACHE_H_
