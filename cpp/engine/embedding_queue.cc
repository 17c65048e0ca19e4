/*!
 * \file engine/embedding_queue.cc
 */
#include "engine/embedding_queue.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "engine/contain.h"

namespace node_mlc {

void EmbeddingQueue::Add(EmbeddingRequest request) {
  auto job = std::make_shared<Job>();
  job->request = std::move(request);
  job->open = job->request.texts.size();
  job->vectors.resize(job->open);
  waiting_.push_back(std::move(job));
}

int32_t EmbeddingQueue::PagesWanted() const {
  if (waiting_.empty() || !active_.empty()) return 0;
  const Job& first = *waiting_.front();
  return pages_->PagesFor(static_cast<int64_t>(first.request.texts[first.begun].size()));
}

void EmbeddingQueue::Admit(const EmbeddingBudget& budget) {
  int64_t rows = 0;
  for (const Text& text : active_) rows += text.length() - text.computed;
  while (!waiting_.empty() && rows < budget.rows &&
         static_cast<int32_t>(active_.size()) < max_batch_) {
    const std::shared_ptr<Job> job = waiting_.front();
    Text text{job, job->begun, Pooler(job->request.pooling)};
    if (whole_ && rows + text.length() > budget.rows) return;
    if (pages_->PagesFor(text.length()) > pages_->available() - budget.reserved_pages) return;
    if (!pages_->Grow(&text.pages, text.length())) return;
    rows += text.length();
    active_.push_back(std::move(text));
    waiting_.pop_front();
    if (++job->begun < job->request.texts.size()) waiting_.push_back(job);
  }
}

void EmbeddingQueue::BuildInput(int32_t rows) {
  input_.Clear();
  for (Text& text : active_) {
    text.count = std::min(text.length() - text.computed, rows - input_.rows());
    if (text.count == 0) continue;
    input_.Add(text.tokens(), text.computed, text.count, text.pages, pages_->page_size(),
               RowsWanted(text.job->request.pooling, text.computed, text.count, text.length()));
  }
  input_.Finish();
}

void EmbeddingQueue::Advance(ModelRunner* runner, const EmbeddingBudget& budget) {
  if (budget.admit) Admit(budget);
  if (active_.empty()) return;
  BuildInput(budget.rows);
  std::string code, reason;
  Contain([&] { TakeRows(runner->Encode(input_)); },
          [&](const std::string& error_code, const std::string& message) {
            code = error_code;
            reason = message;
          });
  if (code.empty()) return;
  std::vector<std::shared_ptr<Job>> failed;
  for (const Text& text : active_) {
    if (text.count > 0) failed.push_back(text.job);
  }
  for (const std::shared_ptr<Job>& job : failed) Fail(job, code, reason);
}

void EmbeddingQueue::TakeRows(const HiddenRows& hidden) {
  int32_t sequence = 0;
  for (Text& text : active_) {
    if (text.count == 0) continue;
    const LogitsWanted wanted =
        RowsWanted(text.job->request.pooling, text.computed, text.count, text.length());
    const int32_t rows =
        wanted == LogitsWanted::kNone ? 0 : (wanted == LogitsWanted::kAll ? text.count : 1);
    const int32_t first = input_.first_logit(sequence++);
    for (int32_t i = 0; i < rows; ++i) text.pooler.Take(hidden.row(first + i), hidden.columns);
    text.computed += text.count;
    text.count = 0;
  }
  std::list<Text> ended;
  for (auto text = active_.begin(); text != active_.end();) {
    const auto next = std::next(text);
    if (text->computed == text->length()) ended.splice(ended.end(), active_, text);
    text = next;
  }
  for (Text& text : ended) pages_->Release(&text.pages);
  for (const Text& text : ended) Complete(text);
}

void EmbeddingQueue::Complete(const Text& text) {
  const std::shared_ptr<Job>& job = text.job;
  if (job->open == 0) return;  // another of its texts has failed
  std::vector<float> vector = text.pooler.Finish();
  if (!std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); })) {
    Fail(job, "ERR_NATIVE", "The model computed an embedding that is not all finite numbers.");
    return;
  }
  job->vectors[text.index] = std::move(vector);
  if (--job->open > 0) return;
  std::vector<float> all;
  for (const std::vector<float>& one : job->vectors) all.insert(all.end(), one.begin(), one.end());
  job->request.result.done(std::move(all));
}

void EmbeddingQueue::Remove(const Job* job) {
  waiting_.remove_if([&](const std::shared_ptr<Job>& other) { return other.get() == job; });
  active_.remove_if([&](Text& text) {
    if (text.job.get() != job) return false;
    pages_->Release(&text.pages);
    return true;
  });
}

void EmbeddingQueue::Fail(const std::shared_ptr<Job>& job, const std::string& code,
                          const std::string& message) {
  Remove(job.get());
  if (job->open == 0) return;
  job->open = 0;
  job->request.result.failed(code, message);
}

std::vector<std::shared_ptr<EmbeddingQueue::Job>> EmbeddingQueue::Jobs() const {
  std::vector<std::shared_ptr<Job>> jobs(waiting_.begin(), waiting_.end());
  for (const Text& text : active_) jobs.push_back(text.job);
  return jobs;
}

void EmbeddingQueue::Abort(int64_t id) {
  for (const std::shared_ptr<Job>& job : Jobs()) {
    if (job->request.id == id) Fail(job, "ERR_ABORTED", "The embedding was aborted.");
  }
}

void EmbeddingQueue::FailAll(const std::string& code, const std::string& message) {
  for (const std::shared_ptr<Job>& job : Jobs()) Fail(job, code, message);
}

std::vector<const PageList*> EmbeddingQueue::PageLists() const {
  std::vector<const PageList*> lists;
  for (const Text& text : active_) lists.push_back(&text.pages);
  return lists;
}

}  // namespace node_mlc
