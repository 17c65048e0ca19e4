/*!
 * \file engine/scheduler.h
 * \brief Decides what the next step computes. Integers only: no tensors, no model, no clock.
 */
#ifndef NODE_MLC_ENGINE_SCHEDULER_H_
#define NODE_MLC_ENGINE_SCHEDULER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "engine/batch.h"
#include "engine/page_table.h"
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
};

/*!
 * \brief Owns the requests in two queues: waiting (in order of arrival) and running (in order of
 * arrival, all older).
 *
 * Policy of a step: every running request that only needs its next token gets one row; what is left
 * of the row budget goes to prompts, oldest first, in chunks; waiting requests are admitted
 * strictly in order, when pages for their whole text are free. When a decode finds no page, the
 * youngest running request gives up all of its pages and waits at the front to be computed again.
 * The oldest request is therefore never held up by younger ones, and every request ends. Engine
 * thread only.
 */
class Scheduler {
 public:
  /*! \brief `pages` must outlive the scheduler. */
  Scheduler(const SchedulerLimits& limits, PageTable* pages);
  ~Scheduler();

  /*! \brief Most tokens a request may reach: the context length, or the whole pool when that is
   * smaller. */
  int32_t max_length() const;

  /*! \brief Queues a request; the caller has checked that its prompt is shorter than max_length().
   */
  void Add(std::unique_ptr<Request> request);

  /*! \brief The next step; empty when nothing can run. Valid until the next call of a non-const
   * method. */
  const ScheduledBatch& Schedule();

  /*! \brief The step was computed: `request` has `count` more tokens in its pages. */
  static void Advance(Request* request, int32_t count) { request->computed += count; }

  /*! \brief Appends a sampled token; the reason to end, if it is one. */
  FinishReason Append(Request* request, int32_t token) const;

  /*! \brief Removes a request wherever it is and frees its pages at once; nullptr when the id is
   * unknown. */
  std::unique_ptr<Request> Remove(int64_t id);

  /*! \brief Schedules a request no more until Resume(). It keeps its pages unless others need them,
   * and takes no place among max_batch. Unknown ids: nothing. */
  void Pause(int64_t id);
  void Resume(int64_t id);

  /*! \brief Whether a request could be scheduled: not all of them are paused. */
  bool HasRunnable() const;

  /*! \brief Takes the pages of the youngest running request, which waits to be computed again;
   * false when none runs. */
  bool PreemptYoungest();

  int32_t waiting() const { return static_cast<int32_t>(waiting_.size()); }
  int32_t running() const { return static_cast<int32_t>(running_.size()); }
  int64_t preemptions() const { return preemptions_; }

  /*! \brief Ids of all requests, oldest first. */
  std::vector<int64_t> Ids() const;

  /*! \brief Throws std::logic_error when queues, counts and pages disagree; `foreign` are page
   * lists of others. */
  void CheckIntegrity(const std::vector<const PageList*>& foreign = {}) const;

 private:
  Request* Find(int64_t id) const;
  void ScheduleDecodes(int32_t* budget);
  void SchedulePrefills(int32_t* budget);
  void AdmitWaiting(int32_t* budget);
  bool BatchIsFull() const { return static_cast<int32_t>(batch_.size()) >= limits_.max_batch; }
  void AddToBatch(Request* request, int32_t count, int32_t* budget);
  /*! \brief Page for one more token, taken from younger requests if need be; false when `request`
   * itself was preempted. */
  bool ReserveNext(Request* request);

  const SchedulerLimits limits_;
  PageTable* const pages_;
  std::deque<std::unique_ptr<Request>> waiting_;
  std::vector<std::unique_ptr<Request>> running_;
  ScheduledBatch batch_;
  int64_t arrivals_ = 0;
  int64_t preemptions_ = 0;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_SCHEDULER_H_
