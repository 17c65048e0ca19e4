/*!
 * \file engine/metrics.cc
 */
#include "engine/metrics.h"

#include <algorithm>

namespace node_mlc {

namespace {

HistogramBounds Doubling(double first, size_t count) {
  HistogramBounds bounds;
  bounds.count = count;
  for (size_t i = 0; i < count; ++i, first *= 2) bounds.values[i] = first;
  return bounds;
}

}  // namespace

const HistogramBounds kLatencyBounds = Doubling(0.001, 18);
const HistogramBounds kStepTimeBounds = Doubling(0.00025, 14);
const HistogramBounds kTokenBounds = Doubling(1, 18);
const HistogramBounds kStepSizeBounds = Doubling(1, 13);

void Histogram::Observe(double value) {
  const double* begin = bounds_->values.data();
  const double* end = begin + bounds_->count;
  ++buckets_[std::lower_bound(begin, end, value) - begin];
  ++count_;
  sum_ += value;
}

StepRecord StepRecord::Begin(const ScheduledBatch& batch) {
  StepRecord step;
  step.start = Clock::now();
  step.sequences = static_cast<int32_t>(batch.size());
  for (const ScheduledSequence& sequence : batch) {
    const Request& request = *sequence.request;
    const bool decode = request.completion_length() > 0 && request.remaining() == 1;
    (decode ? step.decode_rows : step.prefill_rows) += sequence.rows();
  }
  return step;
}

void Metrics::ObserveScheduled(const ScheduledSequence& sequence, Clock::time_point now) {
  Request* request = sequence.request;
  stats_.prompt_tokens +=
      std::max(0, std::min(sequence.count, request->answer_begin() - request->computed));
  if (request->started) return;
  request->started = now;
  stats_.queue_seconds.Observe(SecondsBetween(request->submitted, now));
}

void Metrics::ObserveToken(Request* request, Clock::time_point now) {
  ++stats_.generated_tokens;
  if (request->first_token) {
    stats_.inter_token_seconds.Observe(SecondsBetween(request->last_token, now));
  } else {
    request->first_token = now;
    stats_.first_token_seconds.Observe(SecondsBetween(request->submitted, now));
  }
  request->last_token = now;
}

void Metrics::ObserveStep(const StepRecord& step) {
  ++stats_.steps;
  stats_.forward_ms += step.forward_ms;
  stats_.sampling_ms += step.sampling_ms;
  stats_.step_seconds.Observe((step.forward_ms + step.sampling_ms) / 1000.0);
  stats_.step_sequences.Observe(step.sequences);
  stats_.step_rows.Observe(step.prefill_rows + step.decode_rows);
}

void Metrics::ObserveEnd(const Request& request, FinishReason reason, Clock::time_point now) {
  stats_.request_prompt_tokens.Observe(request.prompt_length);
  stats_.request_generated_tokens.Observe(request.completion_length());
  if (reason == FinishReason::kAbort) {
    ++stats_.aborted;
  } else if (reason == FinishReason::kError) {
    ++stats_.failed;
  } else {
    ++stats_.finished;
    stats_.request_seconds.Observe(SecondsBetween(request.submitted, now));
  }
}

}  // namespace node_mlc
