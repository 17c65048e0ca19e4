/*!
 * \file engine/page_table.h
 * \brief Which pages of the KV cache are free, and how many sequences use each.
 */
#ifndef NODE_MLC_ENGINE_PAGE_TABLE_H_
#define NODE_MLC_ENGINE_PAGE_TABLE_H_

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

namespace node_mlc {

/*! \brief The pages of one sequence in order: token t lies in page t / page_size, slot t %
 * page_size. */
using PageList = std::vector<int32_t>;

/*!
 * \brief Hands out pages by number; knows nothing of memory, tensors or requests.
 *
 * The lowest free page goes first, so that a lightly used pool touches (and commits) little memory.
 * Pages are reference counted, for sequences that share a prefix. Engine thread only.
 */
class PageTable {
 public:
  PageTable(int32_t pages, int32_t page_size);

  /*! \brief Pages that hold `tokens` tokens. */
  int32_t PagesFor(int64_t tokens) const {
    return static_cast<int32_t>((tokens + page_size_ - 1) / page_size_);
  }

  /*! \brief Appends fresh pages until `list` holds `tokens` tokens; takes none and returns false
   * when too few are free. */
  bool Grow(PageList* list, int64_t tokens);

  /*! \brief One more user of every page of `list`. */
  void Share(const PageList& list);

  /*! \brief One user less of every page of `list`, which becomes empty; pages without a user are
   * free at once. */
  void Release(PageList* list);

  int32_t total() const { return static_cast<int32_t>(users_.size()); }
  int32_t free() const { return free_; }
  int32_t used() const { return total() - free_; }
  int32_t page_size() const { return page_size_; }
  /*! \brief Most pages in use at one time. */
  int32_t peak() const { return peak_; }
  /*! \brief Pages below this number may have been written since the last ForgetWritten(). */
  int32_t written() const { return written_; }
  /*! \brief To be called when the memory of a pool that nobody uses was given back. */
  void ForgetWritten();

  /*! \brief Throws std::logic_error unless counts and free pages agree with each other and with
   * `lists`, which are all the page lists in use. For tests and debug builds. */
  void CheckIntegrity(const std::vector<const PageList*>& lists) const;

 private:
  int32_t TakeLowest();

  const int32_t page_size_;
  std::vector<int32_t> users_;
  /*! \brief Free pages below written_; all pages from written_ on are free too. */
  std::priority_queue<int32_t, std::vector<int32_t>, std::greater<int32_t>> returned_;
  int32_t written_ = 0;
  int32_t free_;
  int32_t peak_ = 0;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_PAGE_TABLE_H_
