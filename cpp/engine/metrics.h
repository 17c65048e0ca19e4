/*!
 * \file engine/metrics.h
 * \brief Counters and histograms of one engine.
 */
#ifndef NODE_MLC_ENGINE_METRICS_H_
#define NODE_MLC_ENGINE_METRICS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/batch.h"
#include "engine/clock.h"
#include "engine/request.h"

namespace node_mlc {

/*! \brief Upper bounds (inclusive) of the buckets of a histogram, ascending; one more bucket takes
 * what is above the last. */
struct HistogramBounds {
  static constexpr size_t kMost = 20;
  std::array<double, kMost> values{};
  size_t count = 0;
};

/*! \brief 1 ms to 82 s, each bound twice the one before: queueing, first token, whole request. */
extern const HistogramBounds kLatencyBounds;
/*! \brief 0.25 ms to 2 s, each bound twice the one before: the time of a step, of a token. */
extern const HistogramBounds kStepTimeBounds;
/*! \brief 1 to 131072 by powers of two: tokens of a request. */
extern const HistogramBounds kTokenBounds;
/*! \brief 1 to 4096 by powers of two: rows and sequences of a step. */
extern const HistogramBounds kStepSizeBounds;

/*! \brief Observations counted by bucket; plain data of a fixed size. */
class Histogram {
 public:
  /*! \brief `bounds` must live as long as the histogram and its copies. */
  explicit Histogram(const HistogramBounds* bounds) : bounds_(bounds) {}

  void Observe(double value);

  const HistogramBounds& bounds() const { return *bounds_; }
  /*! \brief Observations of bucket `index` alone (not cumulative); index == bounds().count: above
   * the last bound. */
  int64_t bucket(size_t index) const { return buckets_[index]; }
  int64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  const HistogramBounds* bounds_;
  std::array<int64_t, HistogramBounds::kMost + 1> buckets_{};
  int64_t count_ = 0;
  double sum_ = 0.0;
};

/*! \brief A snapshot; plain data, copied between threads under a lock. */
struct EngineStats {
  int32_t waiting = 0;
  int32_t running = 0;
  int32_t pages_total = 0;
  /*! \brief Pages that no sequence uses, those in the prefix cache among them. */
  int32_t pages_free = 0;
  /*! \brief Pages that no sequence uses and the prefix cache keeps. */
  int32_t pages_cached = 0;
  int32_t pages_peak = 0;
  /*! \brief Prefixes that sessions keep in use. */
  int32_t pins = 0;
  int64_t steps = 0;
  /*! \brief Prompt tokens computed, preempted ones again. */
  int64_t prompt_tokens = 0;
  int64_t generated_tokens = 0;
  int64_t finished = 0;
  int64_t aborted = 0;
  int64_t failed = 0;
  int64_t preemptions = 0;
  /*! \brief Admissions that asked the prefix cache, the tokens they asked for, and those found. */
  int64_t prefix_lookups = 0;
  int64_t prefix_lookup_tokens = 0;
  int64_t prefix_hit_tokens = 0;
  /*! \brief Cached pages that were used for something else. */
  int64_t prefix_evictions = 0;
  /*! \brief Drafted tokens that were computed, and those of them that were chosen too. */
  int64_t drafted_tokens = 0;
  int64_t accepted_tokens = 0;
  double forward_ms = 0.0;
  double sampling_ms = 0.0;

  /*! \brief From submit to the first step that computed a part of the request. */
  Histogram queue_seconds{&kLatencyBounds};
  /*! \brief From submit to the first token. */
  Histogram first_token_seconds{&kLatencyBounds};
  /*! \brief From one token of a request to its next. */
  Histogram inter_token_seconds{&kStepTimeBounds};
  /*! \brief From submit to the end of a request that was neither aborted nor failed. */
  Histogram request_seconds{&kLatencyBounds};
  /*! \brief Tokens of each ended request, however it ended. */
  Histogram request_prompt_tokens{&kTokenBounds};
  Histogram request_generated_tokens{&kTokenBounds};
  Histogram step_seconds{&kStepTimeBounds};
  Histogram step_sequences{&kStepSizeBounds};
  Histogram step_rows{&kStepSizeBounds};
};

/*! \brief What one step computed, and the time it took. */
struct StepRecord {
  Clock::time_point start;
  /*! \brief Time in the model's functions, from `start` on. */
  double forward_ms = 0.0;
  /*! \brief Time to choose the tokens, after it. */
  double sampling_ms = 0.0;
  int32_t sequences = 0;
  /*! \brief Rows of prompts, and of answers computed again after a preemption. */
  int32_t prefill_rows = 0;
  /*! \brief Rows of sequences that needed their next token only, those of drafts among them. */
  int32_t decode_rows = 0;

  /*! \brief A step of `batch` that starts now; to be made before the batch is computed. */
  static StepRecord Begin(const ScheduledBatch& batch);
};

/*! \brief Counts what happens, on the engine thread: a few additions each, no memory. */
class Metrics {
 public:
  /*! \brief A step of the scheduler takes up `sequence`; marks the start of a new request. */
  void ObserveScheduled(const ScheduledSequence& sequence, Clock::time_point now);
  /*! \brief `request` has got a token; marks its time. */
  void ObserveToken(Request* request, Clock::time_point now);
  void ObserveStep(const StepRecord& step);
  void ObserveEnd(const Request& request, FinishReason reason, Clock::time_point now);

  const EngineStats& stats() const { return stats_; }

 private:
  EngineStats stats_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_METRICS_H_
