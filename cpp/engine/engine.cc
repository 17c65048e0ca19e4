/*!
 * \file engine/engine.cc
 */
#include "engine/engine.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "engine/contain.h"
#include "engine/logit_processor.h"
#include "engine/prefix_transfer.h"
#include "support/coded_error.h"

namespace node_mlc {

namespace {

/*! \brief Adds the time of its scope to a counter. */
class ScopedTimer {
 public:
  explicit ScopedTimer(double* total) : total_(total), start_(Clock::now()) {}
  ~ScopedTimer() { *total_ += MillisecondsBetween(start_, Clock::now()); }

 private:
  double* const total_;
  const Clock::time_point start_;
};

}  // namespace

Engine::Engine(const EngineLimits& limits, std::unique_ptr<ModelRunner> runner, Publish publish)
    : limits_(limits),
      pages_(limits.pages, limits.page_size, limits.cached_pages),
      cache_(&pages_, limits.prefix_cache),
      scheduler_(limits.scheduler, &pages_, &cache_),
      embeddings_(limits.scheduler.max_batch, limits.encoder, &pages_),
      runner_(std::move(runner)),
      publish_(std::move(publish)) {}

Engine::~Engine() = default;

void Engine::Speculate(std::unique_ptr<Proposer> proposer, int32_t most) {
  speculation_ = std::make_unique<Speculation>(std::move(proposer), most);
}

void Engine::Submit(std::unique_ptr<Request> request) {
  CountPromptTokens(request.get());
  Request* queued = request.get();
  scheduler_.Add(std::move(request));
  if (queued->pending_grammar != nullptr) AwaitGrammar(queued);
}

void Engine::Abort(int64_t id) {
  Finish(id, FinishReason::kAbort);
  embeddings_.Abort(id);
  PublishEvents();
}

void Engine::AbortIfQueued(int64_t id) {
  bool queued = false;
  scheduler_.ForEach([&](const Request& request) {
    if (request.id == id) queued = !request.started;
  });
  if (queued) Abort(id);
}

int32_t Engine::Pin(int64_t id, const std::vector<int32_t>& tokens) {
  const int32_t kept = cache_.Pin(id, tokens);
  PublishStats();
  return kept;
}

void Engine::Unpin(int64_t id) {
  cache_.Unpin(id);
  PublishStats();
}

std::vector<uint8_t> Engine::ReadPrefix(const std::vector<int32_t>& tokens) {
  return node_mlc::ReadPrefix(cache_, runner_.get(), tokens);
}

int32_t Engine::WritePrefix(int64_t id, std::vector<int32_t> tokens,
                            const std::vector<uint8_t>& data) {
  const int32_t kept =
      node_mlc::WritePrefix(&cache_, &pages_, runner_.get(), id, std::move(tokens), data);
  PublishStats();
  return kept;
}

void Engine::Evaluate(std::unique_ptr<Evaluation> evaluation) {
  evaluations_.push_back(std::move(evaluation));
}

bool Engine::HasWork() const {
  return scheduler_.HasRunnable() || !evaluations_.empty() || !embeddings_.empty();
}

void Engine::Step() {
  Contain(
      [&] {
        ScheduledBatch& batch = scheduler_.Schedule();
        const bool generates = !batch.empty();
        if (generates) {
          RunBatch(&batch);
        } else if (scheduler_.HasRunnable() && evaluations_.empty() && !embeddings_.active()) {
          throw std::logic_error("Requests wait although nothing runs.");
        }
        AdvanceEvaluation();
        AdvanceEmbeddings(generates);
      },
      [&](const std::string& code, const std::string& message) {
        // A fault of the engine itself: better an error for all than one without end.
        for (int64_t id : scheduler_.Ids()) Finish(id, FinishReason::kError, code, message);
      });
  PublishEvents();
}

void Engine::RunBatch(ScheduledBatch* scheduled) {
  const ScheduledBatch& batch = *scheduled;
  std::vector<int64_t> failed;
  std::string code, reason;
  StepRecord step;
  Contain(
      [&] {
        AddDrafts(scheduled);
        step = StepRecord::Begin(batch);
        BuildInput(batch, step.start);
        TraceRequests(step.start);
        Logits logits;
        {
          ScopedTimer timer(&step.forward_ms);
          logits = runner_->Forward(input_);
        }
        if (speculation_ && step.prefill_rows == 0) {
          speculation_->ObserveStep(step.decode_rows, step.forward_ms);
        }
        ScopedTimer timer(&step.sampling_ms);
        for (size_t i = 0; i < batch.size(); ++i) {
          TakeTokens(batch[i], logits, input_.first_logit(static_cast<int32_t>(i)));
        }
      },
      [&](const std::string& error_code, const std::string& message) {
        code = error_code;
        reason = message;
        for (const ScheduledSequence& sequence : batch) failed.push_back(sequence.request->id);
      });
  metrics_.ObserveStep(step);
  if (trace_) trace_->AddStep(step);
  TraceRequests(Clock::now());
  // The batch points at requests, so they go only now.
  for (int64_t id : failed) Finish(id, FinishReason::kError, code, reason);
  std::vector<std::pair<int64_t, FinishReason>> ended;
  for (const RequestEvent& event : events_) {
    if (event.finish != FinishReason::kNone) ended.emplace_back(event.id, event.finish);
  }
  for (const auto& [id, finish] : ended) Finish(id, finish);
}

void Engine::BuildInput(const ScheduledBatch& batch, Clock::time_point now) {
  input_.Clear();
  for (const ScheduledSequence& sequence : batch) {
    Request* request = sequence.request;
    metrics_.ObserveScheduled(sequence, now);
    const LogitsWanted wanted = !sequence.draft.empty() ? LogitsWanted::kAll
                                : sequence.sample       ? LogitsWanted::kLast
                                                        : LogitsWanted::kNone;
    input_.Add(request->tokens, request->computed, sequence.count, request->pages,
               limits_.page_size, wanted, sequence.draft);
  }
  input_.Finish();
}

void Engine::AddDrafts(ScheduledBatch* batch) {
  if (speculation_ == nullptr) return;
  speculation_->Propose(batch, scheduler_.SpareRows(), scheduler_.max_length());
  for (ScheduledSequence& sequence : *batch) {
    const auto wanted = static_cast<int32_t>(sequence.draft.size());
    if (wanted > 0) sequence.draft.resize(scheduler_.ReserveDraft(sequence.request, wanted));
  }
}

void Engine::TakeTokens(const ScheduledSequence& sequence, const Logits& logits,
                        int32_t first_row) {
  Request* request = sequence.request;
  scheduler_.Advance(request, sequence.count);
  if (!sequence.sample) return;
  const auto drafted = static_cast<int32_t>(sequence.draft.size());
  int32_t accepted = 0;
  while (SampleToken(request, logits.row(first_row + accepted)) && accepted < drafted &&
         request->tokens.back() == sequence.draft[accepted]) {
    // The next row was computed for this very token.
    scheduler_.Advance(request, 1);
    ++accepted;
  }
  if (drafted == 0) return;
  scheduler_.ReleaseDraft(request);
  speculation_->Observe(request, drafted, accepted);
}

bool Engine::SampleToken(Request* request, float* logits) {
  RequestEvent* event = EventOf(request->id);
  const bool external = request->sampling.external_logits;
  Contain(
      [&] {
        if (request->sampling.logprobs >= 0) {
          request->sampling_state.model_logits.assign(logits, logits + limits_.vocab_size);
        }
        if (external) {
          HandOverLogits(request, logits, event);
        } else {
          ChooseToken(request, logits, event);
        }
      },
      [&](const std::string& code, const std::string& message) { event->Fail(code, message); });
  return !external && event->finish == FinishReason::kNone;
}

void Engine::HandOverLogits(Request* request, const float* logits, RequestEvent* event) {
  event->logits = std::make_shared<std::vector<float>>(logits, logits + limits_.vocab_size);
  request->sampling_state.awaits_logits = true;
  scheduler_.Pause(request->id);
}

void Engine::ReplyLogits(int64_t id, std::vector<float> logits) {
  Request* request = FindRequest(id);
  if (request == nullptr || !request->sampling_state.awaits_logits) return;
  request->sampling_state.awaits_logits = false;
  scheduler_.Resume(id);
  RequestEvent* event = EventOf(id);
  Contain(
      [&] {
        RequireSampleable(logits.data(), limits_.vocab_size);
        ChooseToken(request, logits.data(), event);
      },
      [&](const std::string& code, const std::string& message) { event->Fail(code, message); });
  if (event->finish != FinishReason::kNone) Finish(id, event->finish);
  PublishEvents();
}

void Engine::ChooseToken(Request* request, float* logits, RequestEvent* event) {
  const SamplingParams& sampling = request->sampling;
  SamplingState* state = &request->sampling_state;
  if (!ApplyGrammar(request, logits)) {
    event->finish = FinishReason::kStop;
    return;
  }
  const std::optional<int32_t> forced = ForcedToken(*request, logits);
  ProcessLogits(*request, logits, limits_.vocab_size);
  const int32_t token = forced ? *forced
                               : sampler_.Sample(sampling, request->completion_length(), logits,
                                                 limits_.vocab_size, state);
  if (sampling.logprobs >= 0) {
    event->logprobs.push_back(Sampler::Logprobs(state->model_logits.data(), limits_.vocab_size,
                                                token, sampling.logprobs));
  }
  if (request->thought != nullptr) {
    request->thought->Accept(token);
    event->thought_tokens = request->thought->length();
  }
  event->finish = scheduler_.Append(request, token);
  event->tokens.push_back(token);
  event->first_token |= !request->first_token;
  metrics_.ObserveToken(request, Clock::now());
  if (event->finish == FinishReason::kNone && scheduler_.MustSlide(*request)) {
    scheduler_.Slide(request);
    if (speculation_) speculation_->Forget(request->id);
  }
  if (event->finish == FinishReason::kNone && request->constraint != nullptr) {
    request->constraint->Accept(token);
  }
  event->dropped_tokens = request->dropped;
  event->cached_tokens = request->cached_tokens;
  event->queue_ms = MillisecondsBetween(request->submitted, *request->started);
  event->prefill_ms = MillisecondsBetween(*request->started, *request->first_token);
}

std::optional<int32_t> Engine::ForcedToken(const Request& request, const float* logits) {
  if (request.thought == nullptr) return std::nullopt;
  const std::optional<int32_t> forced = request.thought->Forced();
  // A grammar that has no room for the end of a thought goes before its budget.
  if (forced && std::isinf(logits[*forced])) return std::nullopt;
  return forced;
}

void Engine::AdvanceEvaluation() {
  if (evaluations_.empty()) return;
  Evaluation* evaluation = evaluations_.front().get();
  bool done = false;
  std::string code, reason;
  Contain(
      [&] {
        int32_t wanted = evaluation->PagesWanted(pages_);
        if (wanted > pages_.total()) {
          throw CodedError("ERR_INSUFFICIENT_MEMORY",
                           "Expected an evaluation of at most " + std::to_string(pages_.total()) +
                               " KV pages at a time but it needs " + std::to_string(wanted) + ".");
        }
        while (wanted > pages_.available() && (cache_.UnpinOldest() || scheduler_.PreemptLast())) {
          continue;
        }
        done = evaluation->Advance(runner_.get(), &pages_);
      },
      [&](const std::string& error_code, const std::string& message) {
        code = error_code;
        reason = message;
      });
  if (!done && code.empty()) return;
  std::unique_ptr<Evaluation> ended = std::move(evaluations_.front());
  evaluations_.pop_front();
  ended->ReleasePages(&pages_);
  PublishStats();
  if (done) {
    ended->Succeed();
  } else {
    ended->Fail(code, reason);
  }
}

void Engine::AbortAll() {
  for (int64_t id : scheduler_.Ids()) Finish(id, FinishReason::kAbort);
  PublishEvents();
  for (auto& evaluation : evaluations_) {
    evaluation->ReleasePages(&pages_);
    evaluation->Fail("ERR_ABORTED", "The engine was disposed during the evaluation.");
  }
  evaluations_.clear();
  embeddings_.FailAll("ERR_ABORTED", "The engine was disposed during the embedding.");
}

void Engine::Rest() {
  const int32_t end = pages_.written();
  pages_.Trim();
  if (pages_.written() < end) runner_->ReleasePages(pages_.written(), end);
}

void Engine::Finish(int64_t id, FinishReason reason, const std::string& code,
                    const std::string& message) {
  std::unique_ptr<Request> request = scheduler_.Remove(id);
  if (request == nullptr) return;
  if (speculation_) speculation_->Forget(id);
  if (request->pending_grammar != nullptr) request->pending_grammar->wanted = false;
  const Clock::time_point now = Clock::now();
  const Clock::time_point started = request->started.value_or(now);
  const Clock::time_point first = request->first_token.value_or(started);
  RequestEvent* event = EventOf(id);
  event->finish = reason;
  if (!code.empty()) {
    event->error_code = code;
    event->error_message = message;
  }
  event->prompt_tokens = request->prompt_length;
  event->cached_tokens = request->cached_tokens;
  event->completion_tokens = request->completion_length();
  event->preemptions = request->preemptions;
  event->dropped_tokens = request->dropped;
  event->drafted_tokens = request->drafted_tokens;
  event->accepted_tokens = request->accepted_tokens;
  event->queue_ms = MillisecondsBetween(request->submitted, started);
  event->prefill_ms = MillisecondsBetween(started, first);
  event->decode_ms = request->first_token ? MillisecondsBetween(first, now) : 0.0;
  metrics_.ObserveEnd(*request, reason, now);
  if (trace_) trace_->End(*request, reason, now);
}

void Engine::StartTrace(size_t capacity, Clock::time_point start) {
  trace_ = std::make_unique<TraceRecorder>(capacity, start);
  TraceRequests(Clock::now());
}

Trace Engine::StopTrace() {
  if (trace_ == nullptr) return {};
  TraceRequests(Clock::now());
  return std::exchange(trace_, nullptr)->Stop(Clock::now());
}

void Engine::TraceRequests(Clock::time_point now) {
  if (trace_ == nullptr) return;
  scheduler_.ForEach([&](const Request& request) { trace_->Track(request, now); });
}

RequestEvent* Engine::EventOf(int64_t id) {
  for (RequestEvent& event : events_) {
    if (event.id == id) return &event;
  }
  events_.emplace_back();
  events_.back().id = id;
  return &events_.back();
}

void Engine::PublishStats() const {
  if (take_stats_) take_stats_(stats());
}

void Engine::PublishEvents() {
  PublishStats();
  if (events_.empty()) return;
  std::vector<RequestEvent> events;
  events.swap(events_);
  publish_(std::move(events));
}

EngineStats Engine::stats() const {
  EngineStats stats = metrics_.stats();
  stats.waiting = scheduler_.waiting();
  stats.running = scheduler_.running();
  stats.preemptions = scheduler_.preemptions();
  stats.prefix_lookups = cache_.stats().lookups;
  stats.prefix_lookup_tokens = cache_.stats().lookup_tokens;
  stats.prefix_hit_tokens = cache_.stats().hit_tokens;
  stats.prefix_evictions = cache_.stats().evictions;
  if (speculation_) {
    stats.drafted_tokens = speculation_->stats().drafted_tokens;
    stats.accepted_tokens = speculation_->stats().accepted_tokens;
  }
  stats.pages_total = pages_.total();
  stats.pages_free = pages_.available();
  stats.pages_cached = pages_.idle();
  stats.pins = cache_.pins();
  stats.pages_peak = pages_.peak();
  return stats;
}

void Engine::CheckIntegrity() const {
  std::vector<const PageList*> lists = cache_.PinnedLists();
  for (const auto& evaluation : evaluations_) {
    for (const PageList* list : evaluation->PageLists()) lists.push_back(list);
  }
  for (const PageList* list : embeddings_.PageLists()) lists.push_back(list);
  scheduler_.CheckIntegrity(lists);
}

}  // namespace node_mlc
