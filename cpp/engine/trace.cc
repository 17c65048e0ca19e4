/*!
 * \file engine/trace.cc
 */
#include "engine/trace.h"

#include <algorithm>

namespace node_mlc {

TracePhase PhaseOf(const Request& request) {
  if (!request.started) return TracePhase::kQueued;
  if (request.pages.empty()) return TracePhase::kPreempted;
  const bool next_token_only = request.completion_length() > 0 && request.remaining() == 1;
  return next_token_only ? TracePhase::kDecode : TracePhase::kPrefill;
}

void TraceRecorder::Track(const Request& request, Clock::time_point now) {
  Open* open = OpenOf(request);
  open->span.prompt_tokens = request.prompt_length;
  open->span.completion_tokens = request.completion_length();
  const TracePhase phase = PhaseOf(request);
  if (phase == open->span.phase) return;
  open->span.end = now;
  spans_.Add(open->span);
  open->span.phase = phase;
  open->span.start = now;
}

void TraceRecorder::End(const Request& request, FinishReason reason, Clock::time_point now) {
  Open* open = OpenOf(request);
  open->span.completion_tokens = request.completion_length();
  Close(open, reason, now);
  open_.erase(request.id);
}

Trace TraceRecorder::Stop(Clock::time_point now) {
  for (auto& [id, open] : open_) Close(&open, FinishReason::kNone, now);
  open_.clear();
  return {start_,
          now,
          steps_.Ordered(),
          spans_.Ordered(),
          static_cast<int64_t>(steps_.dropped()),
          static_cast<int64_t>(spans_.dropped())};
}

TraceRecorder::Open* TraceRecorder::OpenOf(const Request& request) {
  auto [found, added] = open_.try_emplace(request.id);
  Open* open = &found->second;
  if (!added) return open;
  open->whole_start = std::max(request.submitted, start_);
  open->span.id = request.id;
  // One that came before the trace is tracked when the trace starts, in the phase it is then in.
  open->span.phase = request.submitted >= start_ ? TracePhase::kQueued : PhaseOf(request);
  open->span.start = open->whole_start;
  open->span.prompt_tokens = request.prompt_length;
  return open;
}

void TraceRecorder::Close(Open* open, FinishReason reason, Clock::time_point now) {
  open->span.end = now;
  spans_.Add(open->span);
  TraceSpan whole = open->span;
  whole.phase = TracePhase::kWhole;
  whole.start = open->whole_start;
  whole.finish = reason;
  spans_.Add(whole);
}

}  // namespace node_mlc
