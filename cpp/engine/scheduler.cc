/*!
 * \file engine/scheduler.cc
 */
#include "engine/scheduler.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace node_mlc {

namespace {

bool GoesBefore(const Request& a, const Request& b) {
  return a.rank != b.rank ? a.rank < b.rank : a.arrival < b.arrival;
}

/*! \brief Puts a request into a queue in order of rank. */
template <typename Queue>
void Insert(Queue* queue, std::unique_ptr<Request> request) {
  auto after = std::find_if(queue->begin(), queue->end(),
                            [&request](const auto& other) { return GoesBefore(*request, *other); });
  queue->insert(after, std::move(request));
}

/*! \brief One prompt's share of a step. */
struct PromptShare {
  Request* request;
  int32_t count;

  int32_t left() const { return request->remaining() - count; }
  void Give(int32_t most, int32_t* rows) {
    const int32_t given = std::min(left(), most);
    count += given;
    *rows -= given;
  }
};

void DivideRows(std::vector<PromptShare>* shares, int32_t rows) {
  shares->front().Give((rows + 1) / 2, &rows);
  std::vector<PromptShare*> urgent;
  for (PromptShare& share : *shares) urgent.push_back(&share);
  std::stable_sort(urgent.begin(), urgent.end(), [](const PromptShare* a, const PromptShare* b) {
    if (a->request->priority != b->request->priority) {
      return a->request->priority > b->request->priority;
    }
    return a->left() < b->left();
  });
  for (PromptShare* share : urgent) share->Give(rows, &rows);
}

void Require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(std::string("Scheduler: ") + what);
}

}  // namespace

Scheduler::Scheduler(const SchedulerLimits& limits, PageTable* pages, PrefixCache* cache)
    : limits_(limits), pages_(pages), cache_(cache) {}

Scheduler::~Scheduler() {
  for (auto& request : running_) pages_->Release(&request->pages);
}

int32_t Scheduler::max_length() const {
  int64_t pool = static_cast<int64_t>(pages_->total()) * pages_->page_size();
  return static_cast<int32_t>(std::min<int64_t>(limits_.context_length, pool));
}

void Scheduler::Add(std::unique_ptr<Request> request) {
  request->arrival = arrivals_++;
  request->rank = steps_ - request->priority * kStepsPerPriority;
  Insert(&waiting_, std::move(request));
}

ScheduledBatch& Scheduler::Schedule() {
  ++steps_;
  do {
    batch_.clear();
    int32_t rows = limits_.prefill_chunk;
    AdmitWaiting();
    ScheduleDecodes(&rows);
    // The answers wait for the prompts' rows of a step.
    if (!batch_.empty() && limits_.mixed_prefill > 0) rows = std::min(rows, limits_.mixed_prefill);
    SchedulePrompts(rows);
    // Paused requests may hold the pages that another one needs.
  } while (batch_.empty() && HasRunnable() && PreemptLast());
  return batch_;
}

int32_t Scheduler::SpareRows() const {
  int32_t rows = limits_.prefill_chunk;
  for (const ScheduledSequence& sequence : batch_) rows -= sequence.count;
  return rows;
}

int32_t Scheduler::ReserveDraft(Request* request, int32_t count) {
  if (pages_->Grow(&request->pages, request->length() + count)) return count;
  const auto room = static_cast<int64_t>(request->pages.size()) * pages_->page_size();
  return static_cast<int32_t>(std::min<int64_t>(count, room - request->length()));
}

void Scheduler::AdmitWaiting() {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    Request* request = next->get();
    if (request->paused || PrefixIsComing(*request)) {
      ++next;
      continue;
    }
    if (!MakeRoom(*request)) return;
    PageList found = cache_->Find(request->tokens);
    cache_->Take(request->tokens, found);
    request->entered = static_cast<int32_t>(found.size());
    request->computed = request->entered * pages_->page_size();
    if (!request->started) request->cached_tokens = request->computed;
    request->pages = std::move(found);
    pages_->Grow(&request->pages, request->length());
    Insert(&running_, std::move(*next));
    next = waiting_.erase(next);
  }
}

bool Scheduler::PrefixIsComing(const Request& request) const {
  if (!cache_->enabled()) return false;
  const size_t found = cache_->Find(request.tokens).size();
  return std::any_of(running_.begin(), running_.end(), [&](const auto& other) {
    // What a request of lower priority computes may take its time.
    if (other->paused || other->remaining() <= 1 || other->priority < request.priority) {
      return false;
    }
    const auto end = request.tokens.begin() + std::min(request.length() - 1, other->length());
    const auto differs = std::mismatch(request.tokens.begin(), end, other->tokens.begin()).first;
    const size_t shared = differs - request.tokens.begin();
    return shared / pages_->page_size() > found;
  });
}

bool Scheduler::MakeRoom(const Request& request) {
  // What preemption frees may change what the cache has.
  while (!HasPlace() || !HasPages(request, cache_->Find(request.tokens))) {
    if (HasPlace() && cache_->UnpinOldest()) continue;
    if (running_.empty() || running_.back()->priority >= request.priority ||
        GoesBefore(*running_.back(), request)) {
      return false;
    }
    PreemptLast();
  }
  return true;
}

bool Scheduler::HasPlace() const {
  // Not more than rows, so that prompts advance whatever the number of decodes.
  const auto active = std::count_if(running_.begin(), running_.end(),
                                    [](const auto& other) { return !other->paused; });
  return active < std::min(limits_.max_batch, limits_.prefill_chunk);
}

bool Scheduler::HasPages(const Request& request, const PageList& found) const {
  const auto idle = std::count_if(found.begin(), found.end(),
                                  [this](int32_t page) { return pages_->IsIdle(page); });
  const auto fresh = pages_->PagesFor(request.length()) - static_cast<int32_t>(found.size());
  // The running requests get the pages for their next tokens first, and one more each in reserve,
  // lest the newcomer be thrown out again soon.
  int32_t reserve = running();
  for (const auto& other : running_) {
    reserve += pages_->PagesFor(other->length()) - static_cast<int32_t>(other->pages.size());
  }
  return fresh + idle + reserve <= pages_->available();
}

void Scheduler::ScheduleDecodes(int32_t* rows) {
  // Preemption removes requests from the back, which this loop has not reached yet: none of them is
  // in the batch.
  for (size_t i = 0; i < running_.size() && *rows > 0 && !BatchIsFull(); ++i) {
    Request* request = running_[i].get();
    if (request->paused || request->remaining() != 1) continue;
    if (!ReserveNext(request)) return;
    AddToBatch(request, 1);
    --*rows;
  }
}

void Scheduler::SchedulePrompts(int32_t rows) {
  std::vector<PromptShare> shares;
  const size_t places = limits_.max_batch - batch_.size();
  for (const auto& request : running_) {
    if (shares.size() == places) break;
    if (!request->paused && request->remaining() > 1) shares.push_back({request.get(), 0});
  }
  if (shares.empty()) return;
  DivideRows(&shares, rows);
  for (const PromptShare& share : shares) {
    if (share.count > 0) AddToBatch(share.request, share.count);
  }
}

void Scheduler::AddToBatch(Request* request, int32_t count) {
  batch_.push_back({request, count, count == request->remaining(), {}});
}

bool Scheduler::ReserveNext(Request* request) {
  while (!pages_->Grow(&request->pages, request->length())) {
    if (cache_->UnpinOldest()) continue;
    bool itself = running_.back().get() == request;
    PreemptLast();
    if (itself) return false;
  }
  return true;
}

bool Scheduler::PreemptLast() {
  if (running_.empty()) return false;
  ++running_.back()->preemptions;
  ++preemptions_;
  Requeue(std::prev(running_.end()));
  return true;
}

void Scheduler::Requeue(std::vector<std::unique_ptr<Request>>::iterator running) {
  std::unique_ptr<Request> request = std::move(*running);
  running_.erase(running);
  pages_->Release(&request->pages);
  request->computed = request->entered = 0;
  Insert(&waiting_, std::move(request));
}

void Scheduler::Advance(Request* request, int32_t count) {
  request->computed += count;
  request->entered =
      cache_->Enter(request->tokens, request->computed, request->entered, &request->pages);
}

FinishReason Scheduler::Append(Request* request, int32_t token) const {
  request->tokens.push_back(token);
  if (request->sampling.HasPenalties()) ++request->counts[token].answer;
  const std::vector<int32_t>& stop = request->stop_tokens;
  if (std::find(stop.begin(), stop.end(), token) != stop.end()) return FinishReason::kStop;
  const bool full = request->length() >= max_length() && !request->slides();
  return full || request->completion_length() >= request->max_tokens ? FinishReason::kLength
                                                                     : FinishReason::kNone;
}

void Scheduler::Slide(Request* request) {
  const int32_t keep = std::min(request->slide_keep, max_length() / 2);
  const int32_t drop = (request->length() - keep + 1) / 2;
  request->dropped_prompt += std::clamp(request->answer_begin() - keep, 0, drop);
  request->dropped += drop;
  const auto first = request->tokens.begin() + keep;
  request->tokens.erase(first, first + drop);
  auto running = std::find_if(running_.begin(), running_.end(),
                              [&](const auto& other) { return other.get() == request; });
  // A preempted one, whose token was chosen from logits it had before, waits already.
  if (running != running_.end()) Requeue(running);
}

std::unique_ptr<Request> Scheduler::Remove(int64_t id) {
  auto has_id = [id](const std::unique_ptr<Request>& request) { return request->id == id; };
  std::unique_ptr<Request> removed;
  auto running = std::find_if(running_.begin(), running_.end(), has_id);
  if (running != running_.end()) {
    removed = std::move(*running);
    running_.erase(running);
    pages_->Release(&removed->pages);
    return removed;
  }
  auto waiting = std::find_if(waiting_.begin(), waiting_.end(), has_id);
  if (waiting != waiting_.end()) {
    removed = std::move(*waiting);
    waiting_.erase(waiting);
  }
  return removed;
}

void Scheduler::Pause(int64_t id) {
  if (Request* request = Find(id)) request->paused = true;
}

void Scheduler::Resume(int64_t id) {
  if (Request* request = Find(id)) request->paused = false;
}

bool Scheduler::HasRunnable() const {
  auto runnable = [](const std::unique_ptr<Request>& request) { return !request->paused; };
  return std::any_of(running_.begin(), running_.end(), runnable) ||
         std::any_of(waiting_.begin(), waiting_.end(), runnable);
}

Request* Scheduler::Find(int64_t id) const {
  for (const auto& request : running_) {
    if (request->id == id) return request.get();
  }
  for (const auto& request : waiting_) {
    if (request->id == id) return request.get();
  }
  return nullptr;
}

std::vector<int64_t> Scheduler::Ids() const {
  std::vector<int64_t> ids;
  for (const auto& request : running_) ids.push_back(request->id);
  for (const auto& request : waiting_) ids.push_back(request->id);
  return ids;
}

void Scheduler::CheckIntegrity(const std::vector<const PageList*>& foreign) const {
  std::vector<const PageList*> lists = foreign;
  for (const auto& request : running_) {
    CheckRunning(*request);
    lists.push_back(&request->pages);
  }
  for (const auto& request : waiting_) {
    Require(request->pages.empty() && request->computed == 0 && request->entered == 0,
            "a waiting request holds pages");
  }
  auto in_order = [](const auto& queue) {
    return std::is_sorted(queue.begin(), queue.end(),
                          [](const auto& a, const auto& b) { return GoesBefore(*a, *b); });
  };
  Require(in_order(running_) && in_order(waiting_), "a queue is not in order of rank");
  std::vector<int64_t> ids = Ids();
  std::sort(ids.begin(), ids.end());
  Require(std::adjacent_find(ids.begin(), ids.end()) == ids.end(), "a request is there twice");
  pages_->CheckIntegrity(lists);
  cache_->CheckIntegrity();
}

void Scheduler::CheckRunning(const Request& request) const {
  const int32_t page_size = pages_->page_size();
  const int64_t room = static_cast<int64_t>(request.pages.size()) * page_size;
  Require(request.remaining() >= 1 || request.sampling_state.awaits_logits,
          "a request has nothing left to compute");
  Require(request.length() <= max_length(), "a request is longer than allowed");
  Require(request.computed <= room, "tokens are computed outside of pages");
  Require(pages_->PagesFor(request.length()) >= static_cast<int32_t>(request.pages.size()),
          "a request holds more pages than its text needs");
  if (!cache_->enabled()) return;
  Require(request.entered == request.computed / page_size, "a full page is not in the tree");
  cache_->CheckEntered(request.tokens,
                       PageList(request.pages.begin(), request.pages.begin() + request.entered));
}

}  // namespace node_mlc
