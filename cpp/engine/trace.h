/*!
 * \file engine/trace.h
 * \brief What the engine did, step by step and request by request, recorded on demand.
 */
#ifndef NODE_MLC_ENGINE_TRACE_H_
#define NODE_MLC_ENGINE_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/clock.h"
#include "engine/metrics.h"
#include "engine/request.h"

namespace node_mlc {

/*! \brief What a request does at a time; kWhole names the span of all of it. */
enum class TracePhase { kWhole, kQueued, kPrefill, kDecode, kPreempted };

/*! \brief The phase that a request is in. */
TracePhase PhaseOf(const Request& request);

/*! \brief A request in one phase. */
struct TraceSpan {
  int64_t id = 0;
  TracePhase phase = TracePhase::kWhole;
  Clock::time_point start;
  Clock::time_point end;
  /*! \brief Of the request, at the end of the span. */
  int32_t prompt_tokens = 0;
  int32_t completion_tokens = 0;
  /*! \brief Of the whole request; kNone: it had not ended when the trace did. */
  FinishReason finish = FinishReason::kNone;
};

/*! \brief The last `capacity` elements that were added. */
template <typename Element>
class Ring {
 public:
  explicit Ring(size_t capacity) : capacity_(capacity) {}

  void Add(Element element) {
    if (elements_.size() < capacity_) {
      elements_.push_back(std::move(element));
    } else {
      elements_[dropped_++ % capacity_] = std::move(element);
    }
  }

  /*! \brief How many older ones made room. */
  size_t dropped() const { return dropped_; }

  /*! \brief All elements, oldest first. */
  std::vector<Element> Ordered() const {
    std::vector<Element> ordered;
    ordered.reserve(elements_.size());
    for (size_t i = 0; i < elements_.size(); ++i) {
      ordered.push_back(elements_[(dropped_ + i) % elements_.size()]);
    }
    return ordered;
  }

 private:
  const size_t capacity_;
  std::vector<Element> elements_;
  size_t dropped_ = 0;
};

/*! \brief A finished recording. */
struct Trace {
  Clock::time_point start;
  Clock::time_point end;
  std::vector<StepRecord> steps;
  std::vector<TraceSpan> spans;
  int64_t dropped_steps = 0;
  int64_t dropped_spans = 0;
};

/*!
 * \brief Records steps and the phases of requests, each of both in a ring of `capacity`.
 *
 * A span is recorded when it ends, hence whole: what makes room in a ring never leaves a beginning
 * without its end. Engine thread only.
 */
class TraceRecorder {
 public:
  /*! \brief `capacity` is at least 1. Requests that are there already are to be tracked at once. */
  TraceRecorder(size_t capacity, Clock::time_point start)
      : start_(start), steps_(capacity), spans_(capacity) {}

  /*! \brief Notes the phase that `request` is in. */
  void Track(const Request& request, Clock::time_point now);
  void AddStep(const StepRecord& step) { steps_.Add(step); }
  /*! \brief The request ends. */
  void End(const Request& request, FinishReason reason, Clock::time_point now);

  /*! \brief Everything so far; requests that still run get spans up to `now`. */
  Trace Stop(Clock::time_point now);

 private:
  /*! \brief The current phase of a request. `start`, `prompt_tokens` and so on are those of its
   * spans. */
  struct Open {
    Clock::time_point whole_start;
    TraceSpan span;
  };

  Open* OpenOf(const Request& request);
  void Close(Open* open, FinishReason reason, Clock::time_point now);

  const Clock::time_point start_;
  Ring<StepRecord> steps_;
  Ring<TraceSpan> spans_;
  std::unordered_map<int64_t, Open> open_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_TRACE_H_
