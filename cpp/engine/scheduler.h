/*!
 * \file engine/scheduler.h
 * \brief Decides what the next step computes. Integers only: no tensors, no model, no clock.
 */
#ifndef NODE_MLC_ENGINE_SCHEDULER_H_
#define NODE_MLC_ENGINE_SCHEDULER_H_

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "engine/batch.h"
#include "engine/page_table.h"
#include "engine/prefix_cache.h"
#include "engine/request.h"

namespace node_mlc {

/*! \brief The bounds that the compiled functions and the KV pool set. */
struct SchedulerLimits {
  /*! \brief Most tokens of one request. */
  int32_t context_length = 0;
  /*! \brief Most requests in one step. */
  int32_t max_batch = 0;
  /*! \brief Most rows in one step. */
  int32_t prefill_chunk = 0;
  /*! \brief Most rows of prompts in a step that also decodes; 0 for prefill_chunk. */
  int32_t mixed_prefill = 0;
};

/*!
 * \brief Owns the requests in two queues, waiting and running, both in order of rank.
 *
 * The rank of a request is fixed when it arrives: the step of its arrival, less kStepsPerPriority
 * for each level of priority. So a higher priority goes first, equal ones in order of arrival, and
 * who has waited long enough goes before newcomers of any priority. Whatever the scheduler takes
 * from a request it gives to one of lower rank: the first in rank is never held up, and every
 * request ends.
 *
 * A step:
 *  1. Waiting requests are admitted in order of rank, with pages for their whole text, of which the
 *     prefix cache may have the first ones. One that does not fit holds up those behind it, but
 *     takes place and pages of running requests of lower priority and rank. One whose prompt begins
 *     like one in progress waits for it, and holds up nobody.
 *  2. Every running request that only needs its next token gets a row.
 *  3. Of the rows left (beside decodes no more than mixed_prefill), half go to the first prompt in
 * rank, the rest to the highest priority and there to the prompt with the fewest rows left: long
 * prompts go on, short ones are not held up.
 *
 * When a decode finds no page, the running request of the last rank gives up its pages and waits to
 * be computed again; its full pages stay in the prefix cache as long as nobody needs them. Engine
 * thread only.
 */
class Scheduler {
 public:
  /*! \brief Steps of waiting that weigh as much as one level of priority. */
  static constexpr int64_t kStepsPerPriority = 128;

  /*! \brief `pages` and `cache` must outlive the scheduler. */
  Scheduler(const SchedulerLimits& limits, PageTable* pages, PrefixCache* cache);
  ~Scheduler();

  /*! \brief Most tokens a request may reach: the context length, or the whole pool when that is
   * smaller. */
  int32_t max_length() const;

  /*! \brief Queues a request; the caller has checked that its prompt is shorter than max_length().
   */
  void Add(std::unique_ptr<Request> request);

  /*! \brief The next step; empty when nothing can run. Valid until the next call of a non-const
   * method. */
  ScheduledBatch& Schedule();

  /*! \brief Rows that the step of the last Schedule() has left. */
  int32_t SpareRows() const;

  /*! \brief Pages for `count` more tokens than the request has; returns for how many there are:
   * no other sequence gives up its own. */
  int32_t ReserveDraft(Request* request, int32_t count);

  /*! \brief Gives back the pages beyond the request's text: its draft was wrong. */
  void ReleaseDraft(Request* request) { pages_->Shrink(&request->pages, request->length()); }

  /*! \brief The step was computed: `request` has `count` more tokens in its pages, which others may
   * find from now on. */
  void Advance(Request* request, int32_t count);

  /*! \brief Appends a sampled token; the reason to end, if it is one. */
  FinishReason Append(Request* request, int32_t token) const;

  /*! \brief Whether the text of a request that slides has reached max_length(). */
  bool MustSlide(const Request& request) const {
    return request.slides() && request.length() >= max_length();
  }

  /*! \brief Leaves out the older half of what follows the first `slide_keep` tokens (at most half
   * of max_length()); the request waits to be computed again, its kept pages may be in the cache.
   */
  void Slide(Request* request);

  /*! \brief Removes a request wherever it is and releases its pages at once; nullptr when the id is
   * unknown. */
  std::unique_ptr<Request> Remove(int64_t id);

  /*! \brief Schedules a request no more until Resume(). It keeps its pages unless others need them,
   * and takes no place among max_batch. Unknown ids: nothing. */
  void Pause(int64_t id);
  void Resume(int64_t id);

  /*! \brief Whether a request could be scheduled: not all of them are paused. */
  bool HasRunnable() const;

  /*! \brief Takes the pages of the running request of the last rank, which waits to be computed
   * again; false when none runs. */
  bool PreemptLast();

  int32_t waiting() const { return static_cast<int32_t>(waiting_.size()); }
  int32_t running() const { return static_cast<int32_t>(running_.size()); }
  int64_t preemptions() const { return preemptions_; }

  /*! \brief Calls `visit` with each request. */
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const auto& request : running_) visit(*request);
    for (const auto& request : waiting_) visit(*request);
  }

  /*! \brief Ids of all requests: those running first, both in order of rank. */
  std::vector<int64_t> Ids() const;

  /*! \brief Throws std::logic_error when queues, counts, pages and cache disagree; `foreign` are
   * page lists of others. */
  void CheckIntegrity(const std::vector<const PageList*>& foreign = {}) const;

 private:
  Request* Find(int64_t id) const;
  void AdmitWaiting();
  bool PrefixIsComing(const Request& request) const;
  /*! \brief Room for a request, made by preemption if its priority allows. */
  bool MakeRoom(const Request& request);
  /*! \brief Whether one more request may run. */
  bool HasPlace() const;
  /*! \brief Whether a request that finds `found` in the cache gets the pages for its text. */
  bool HasPages(const Request& request, const PageList& found) const;
  void ScheduleDecodes(int32_t* rows);
  void SchedulePrompts(int32_t rows);
  bool BatchIsFull() const { return static_cast<int32_t>(batch_.size()) >= limits_.max_batch; }
  void AddToBatch(Request* request, int32_t count);
  /*! \brief Page for one more token, taken from requests of later rank if need be; false when
   * `request` itself was preempted. */
  bool ReserveNext(Request* request);
  /*! \brief Takes the place and the pages of a running request, which waits to be computed again.
   */
  void Requeue(std::vector<std::unique_ptr<Request>>::iterator running);
  void CheckRunning(const Request& request) const;

  const SchedulerLimits limits_;
  PageTable* const pages_;
  PrefixCache* const cache_;
  // A list, because preemption puts requests back while the queue is gone through.
  std::list<std::unique_ptr<Request>> waiting_;
  std::vector<std::unique_ptr<Request>> running_;
  ScheduledBatch batch_;
  int64_t arrivals_ = 0;
  int64_t steps_ = 0;
  int64_t preemptions_ = 0;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_SCHEDULER_H_
