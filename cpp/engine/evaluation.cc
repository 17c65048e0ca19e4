/*!
 * \file engine/evaluation.cc
 */
#include "engine/evaluation.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/softmax.h"

namespace node_mlc {

Evaluation::Evaluation(EvaluationPlan plan, EvaluationResult result)
    : plan_(std::move(plan)), result_(std::move(result)) {}

int32_t Evaluation::group_end() const {
  return std::min(group_begin_ + plan_.group, static_cast<int32_t>(plan_.rows.size()));
}

int32_t Evaluation::PagesWanted(const PageTable& pages) const {
  if (!pages_.empty()) return 0;
  return (group_end() - group_begin_) * pages.PagesFor(plan_.length);
}

int32_t Evaluation::NextCount(int32_t computed, int32_t budget) const {
  const int32_t prefill_end = plan_.length - plan_.decode;
  if (computed >= prefill_end) return std::min(1, plan_.length - computed);
  return std::min({prefill_end - computed, plan_.chunk, budget});
}

bool Evaluation::Advance(ModelRunner* runner, PageTable* pages) {
  const int32_t count = group_end() - group_begin_;
  if (pages_.empty()) {
    pages_.resize(count);
    computed_.assign(count, 0);
    for (PageList& list : pages_) {
      if (!pages->Grow(&list, plan_.length)) throw std::logic_error("Evaluation without pages");
    }
  }
  input_.Clear();
  std::vector<int32_t> counts(count, 0);
  for (int32_t s = 0; s < count; ++s) {
    counts[s] = std::min(NextCount(computed_[s], plan_.budget - input_.rows()),
                         plan_.budget - input_.rows());
    if (counts[s] == 0) continue;
    input_.Add(plan_.rows[group_begin_ + s], computed_[s], counts[s], pages_[s], pages->page_size(),
               LogitsWanted::kAll);
  }
  input_.Finish();
  const Logits logits = runner->Forward(input_);
  int64_t row = 0;
  bool group_done = true;
  for (int32_t s = 0; s < count; ++s) {
    for (int32_t i = 0; i < counts[s]; ++i) {
      Take(group_begin_ + s, computed_[s] + i, logits.row(row++), logits.vocab);
    }
    computed_[s] += counts[s];
    group_done = group_done && computed_[s] == plan_.length;
  }
  if (group_done) {
    ReleasePages(pages);
    group_begin_ += count;
  }
  return group_begin_ == static_cast<int32_t>(plan_.rows.size());
}

void Evaluation::ReleasePages(PageTable* pages) {
  for (PageList& list : pages_) pages->Release(&list);
  pages_.clear();
}

std::vector<const PageList*> Evaluation::PageLists() const {
  std::vector<const PageList*> lists;
  for (const PageList& list : pages_) lists.push_back(&list);
  return lists;
}

void Evaluation::Succeed() { result_.done(std::move(values_)); }

LogitsEvaluation::LogitsEvaluation(EvaluationPlan plan, int32_t vocab, EvaluationResult result)
    : Evaluation(std::move(plan), std::move(result)) {
  values_.resize(plan_.rows.size() * static_cast<size_t>(plan_.length) * vocab);
}

void LogitsEvaluation::Take(int32_t sequence, int32_t position, const float* logits,
                            int32_t vocab) {
  size_t row = static_cast<size_t>(sequence) * plan_.length + position;
  std::copy(logits, logits + vocab, values_.begin() + row * vocab);
}

ScoreEvaluation::ScoreEvaluation(EvaluationPlan plan, EvaluationResult result)
    : Evaluation(std::move(plan), std::move(result)) {
  values_.resize(plan_.length);
}

void ScoreEvaluation::Take(int32_t, int32_t position, const float* logits, int32_t vocab) {
  int32_t next = plan_.rows.front()[position + 1];
  values_[position] = static_cast<float>(logits[next] - LogSumExp(logits, vocab));
}

}  // namespace node_mlc
