/*!
 * \file engine/scheduler.cc
 */
#include "engine/scheduler.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace node_mlc {

Scheduler::Scheduler(const SchedulerLimits& limits, PageTable* pages)
    : limits_(limits), pages_(pages) {}

Scheduler::~Scheduler() {
  for (auto& request : running_) pages_->Release(&request->pages);
}

int32_t Scheduler::max_length() const {
  int64_t pool = static_cast<int64_t>(pages_->total()) * pages_->page_size();
  return static_cast<int32_t>(std::min<int64_t>(limits_.context_length, pool));
}

void Scheduler::Add(std::unique_ptr<Request> request) {
  request->arrival = arrivals_++;
  waiting_.push_back(std::move(request));
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

const ScheduledBatch& Scheduler::Schedule() {
  do {
    batch_.clear();
    int32_t budget = limits_.prefill_chunk;
    ScheduleDecodes(&budget);
    SchedulePrefills(&budget);
    AdmitWaiting(&budget);
    // Paused requests may hold the pages that a waiting one needs.
  } while (batch_.empty() && HasRunnable() && PreemptYoungest());
  return batch_;
}

void Scheduler::ScheduleDecodes(int32_t* budget) {
  // Preemption removes requests from the back, which this loop has not reached yet: none of them is
  // in the batch.
  for (size_t i = 0; i < running_.size() && *budget > 0; ++i) {
    Request* request = running_[i].get();
    if (request->paused || request->remaining() != 1) continue;
    if (BatchIsFull()) return;
    if (!ReserveNext(request)) return;
    AddToBatch(request, 1, budget);
  }
}

void Scheduler::SchedulePrefills(int32_t* budget) {
  for (auto& request : running_) {
    if (*budget == 0 || BatchIsFull()) return;
    if (!request->paused && request->remaining() > 1) {
      AddToBatch(request.get(), std::min(request->remaining(), *budget), budget);
    }
  }
}

void Scheduler::AdmitWaiting(int32_t* budget) {
  int32_t places = limits_.max_batch;
  for (const auto& request : running_) places -= request->paused ? 0 : 1;
  for (auto next = waiting_.begin(); next != waiting_.end() && places > 0 && *budget > 0;) {
    Request* request = next->get();
    if (request->paused) {
      ++next;
      continue;
    }
    // A page in reserve for each running request, lest the newcomer be thrown out again by their
    // next tokens.
    if (pages_->PagesFor(request->length()) + running() > pages_->free()) return;
    pages_->Grow(&request->pages, request->length());
    // A younger one may run already, if this one was paused.
    auto younger = std::find_if(running_.begin(), running_.end(), [request](const auto& other) {
      return other->arrival > request->arrival;
    });
    running_.insert(younger, std::move(*next));
    next = waiting_.erase(next);
    --places;
    AddToBatch(request, std::min(request->remaining(), *budget), budget);
  }
}

void Scheduler::AddToBatch(Request* request, int32_t count, int32_t* budget) {
  batch_.push_back({request, count, count == request->remaining()});
  *budget -= count;
}

bool Scheduler::ReserveNext(Request* request) {
  while (!pages_->Grow(&request->pages, request->length())) {
    bool itself = running_.back().get() == request;
    PreemptYoungest();
    if (itself) return false;
  }
  return true;
}

bool Scheduler::PreemptYoungest() {
  if (running_.empty()) return false;
  std::unique_ptr<Request> victim = std::move(running_.back());
  running_.pop_back();
  pages_->Release(&victim->pages);
  victim->computed = 0;
  ++victim->preemptions;
  ++preemptions_;
  auto younger = std::find_if(waiting_.begin(), waiting_.end(), [&victim](const auto& other) {
    return other->arrival > victim->arrival;
  });
  waiting_.insert(younger, std::move(victim));
  return true;
}

FinishReason Scheduler::Append(Request* request, int32_t token) const {
  request->tokens.push_back(token);
  if (request->sampling.HasPenalties()) ++request->counts[token].answer;
  const std::vector<int32_t>& stop = request->stop_tokens;
  if (std::find(stop.begin(), stop.end(), token) != stop.end()) return FinishReason::kStop;
  if (request->completion_length() >= request->max_tokens || request->length() >= max_length()) {
    return FinishReason::kLength;
  }
  return FinishReason::kNone;
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

std::vector<int64_t> Scheduler::Ids() const {
  std::vector<int64_t> ids;
  for (const auto& request : running_) ids.push_back(request->id);
  for (const auto& request : waiting_) ids.push_back(request->id);
  return ids;
}

void Scheduler::CheckIntegrity(const std::vector<const PageList*>& foreign) const {
  auto require = [](bool condition, const char* what) {
    if (!condition) throw std::logic_error(std::string("Scheduler: ") + what);
  };
  std::vector<const PageList*> lists = foreign;
  int64_t last_arrival = -1;
  auto in_order = [&](const Request& request) {
    require(request.arrival > last_arrival, "the queues are not in order of arrival");
    last_arrival = request.arrival;
    require(request.remaining() >= 1, "a request has nothing left to compute");
    require(request.length() <= max_length(), "a request is longer than allowed");
  };
  for (const auto& request : running_) {
    in_order(*request);
    lists.push_back(&request->pages);
    int64_t room = static_cast<int64_t>(request->pages.size()) * pages_->page_size();
    require(request->computed <= room, "tokens are computed outside of pages");
    require(pages_->PagesFor(request->length()) >= static_cast<int32_t>(request->pages.size()),
            "a request holds more pages than its text needs");
  }
  last_arrival = -1;
  for (const auto& request : waiting_) {
    in_order(*request);
    require(request->pages.empty() && request->computed == 0, "a waiting request holds pages");
  }
  pages_->CheckIntegrity(lists);
}

}  // namespace node_mlc
