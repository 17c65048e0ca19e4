/*!
 * \file engine/page_table.h
 * \brief Which pages of the KV cache are free, and how many sequences use each.
 */
#ifndef NODE_MLC_ENGINE_PAGE_TABLE_H_
#define NODE_MLC_ENGINE_PAGE_TABLE_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <utility>
#include <vector>

namespace node_mlc {

/*! \brief The pages of one sequence in order: token t lies in page t / page_size, slot t %
 * page_size. */
using PageList = std::vector<int32_t>;

/*!
 * \brief Hands out pages by number; knows nothing of memory, tensors or requests.
 *
 * A page is free (it holds nothing anybody wants), in use (reference counted, for sequences that
 * share a prefix), or idle: without a user, but with contents that its keeper wants to find again
 * (Keep()). The lowest free page goes first, so that a lightly used pool touches (and commits)
 * little memory; idle pages go last, those that have been idle longest first. Engine thread only.
 */
class PageTable {
 public:
  static constexpr int32_t kUnbounded = std::numeric_limits<int32_t>::max();

  /*! \brief At most `most_idle` pages are idle at a time: more would hold memory for what may never
   * be asked for again. */
  PageTable(int32_t pages, int32_t page_size, int32_t most_idle = kUnbounded);

  /*! \brief Pages that hold `tokens` tokens. */
  int32_t PagesFor(int64_t tokens) const {
    return static_cast<int32_t>((tokens + page_size_ - 1) / page_size_);
  }

  /*! \brief Appends fresh pages until `list` holds `tokens` tokens; takes none and returns false
   * when too few are available. */
  bool Grow(PageList* list, int64_t tokens);

  /*! \brief Releases the pages of `list` beyond those that hold `tokens` tokens. */
  void Shrink(PageList* list, int64_t tokens);

  /*! \brief One more user of every page of `list`, which are in use or idle. */
  void Share(const PageList& list);

  /*! \brief One user less of every page of `list`, which becomes empty. Pages without a user are
   * available at once; of those that become idle, the later ones of the list count as idle longer.
   */
  void Release(PageList* list);

  /*! \brief A page in use will be idle, not free, when its last user lets go. */
  void Keep(int32_t page);

  /*! \brief Makes every idle page free. */
  void DropIdle();

  /*! \brief Takes the function that hears of each idle page before it is used for something else,
   * or free. */
  void OnDrop(std::function<void(int32_t page)> on_drop) { on_drop_ = std::move(on_drop); }

  bool IsIdle(int32_t page) const { return pages_[page].kept && pages_[page].users == 0; }
  bool IsKept(int32_t page) const { return pages_[page].kept; }

  int32_t total() const { return total_; }
  int32_t free() const { return static_cast<int32_t>(returned_.size()) + total_ - written(); }
  int32_t idle() const { return idle_; }
  /*! \brief Pages that Grow() can give: free and idle ones. */
  int32_t available() const { return free() + idle_; }
  int32_t used() const { return total_ - available(); }
  int32_t page_size() const { return page_size_; }
  /*! \brief Most pages in use at one time. */
  int32_t peak() const { return peak_; }
  /*! \brief Pages below this number may have been written since the last Trim(). */
  int32_t written() const { return static_cast<int32_t>(pages_.size()); }
  /*! \brief Counts the free pages above the last that is in use or idle as never written: whoever
   * calls it gives their memory back. */
  void Trim();

  /*! \brief Throws std::logic_error unless counts, free and idle pages agree with each other and
   * with `lists`, which are all the page lists in use. For tests and debug builds. */
  void CheckIntegrity(const std::vector<const PageList*>& lists) const;

 private:
  /*! \brief `earlier` and `later` link idle pages in the order in which they became idle. */
  struct Page {
    int32_t users = 0;
    bool kept = false;
    int32_t earlier = -1;
    int32_t later = -1;
  };

  int32_t Take();
  void DropLongestIdle();
  void AppendIdle(int32_t page);
  void RemoveIdle(int32_t page);
  void CheckFree() const;
  void CheckIdle() const;

  const int32_t total_;
  const int32_t page_size_;
  const int32_t most_idle_;
  /*! \brief As many as were ever handed out; all others are free. */
  std::vector<Page> pages_;
  /*! \brief Free pages below written(). */
  std::set<int32_t> returned_;
  int32_t longest_idle_ = -1;
  int32_t latest_idle_ = -1;
  int32_t idle_ = 0;
  int32_t peak_ = 0;
  std::function<void(int32_t)> on_drop_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_PAGE_TABLE_H_
