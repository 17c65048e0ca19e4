/*!
 * \file engine/draft_model.cc
 */
#include "engine/draft_model.h"

#include <algorithm>
#include <utility>

namespace node_mlc {

DraftModel::DraftModel(const DraftModelLimits& limits, std::unique_ptr<ModelRunner> runner)
    : limits_(limits), pages_(limits.pages, limits.page_size), runner_(std::move(runner)) {}

void DraftModel::Propose(std::vector<Draft>* drafts) {
  std::vector<Share> shares = BeginShares(drafts);
  while (!shares.empty()) Advance(&shares);
}

void DraftModel::Forget(int64_t id) {
  const auto found = sequences_.find(id);
  if (found == sequences_.end()) return;
  pages_.Release(&found->second.pages);
  sequences_.erase(found);
}

std::vector<DraftModel::Share> DraftModel::BeginShares(std::vector<Draft>* drafts) {
  std::vector<Share> shares;
  int32_t rows = limits_.prefill_chunk;
  for (Draft& draft : *drafts) {
    if (rows == 0 || static_cast<int32_t>(shares.size()) == limits_.max_batch) break;
    const std::vector<int32_t>& text = draft.request->tokens;
    const int32_t length = draft.request->length();
    if (length + draft.most > limits_.context_length) continue;
    Sequence& sequence = sequences_[draft.request->id];
    const auto kept = std::mismatch(sequence.tokens.begin(), sequence.tokens.end(), text.begin(),
                                    text.end() - 1);  // the last one is read for its logits
    sequence.tokens.erase(kept.first, sequence.tokens.end());
    if (!pages_.Grow(&sequence.pages, length + draft.most)) continue;
    const auto read = static_cast<int32_t>(sequence.tokens.size());
    const int32_t count = std::min(rows, length - read);
    rows -= count;
    shares.push_back({&draft, &sequence, count,
                      std::vector<int32_t>(text.begin(), text.begin() + read + count)});
  }
  return shares;
}

void DraftModel::Advance(std::vector<Share>* shares) {
  input_.Clear();
  for (const Share& share : *shares) {
    const bool whole = share.text.size() >= share.draft->request->tokens.size();
    input_.Add(share.text, static_cast<int32_t>(share.text.size()) - share.count, share.count,
               share.sequence->pages, limits_.page_size,
               whole ? LogitsWanted::kLast : LogitsWanted::kNone);
  }
  input_.Finish();
  const Logits logits = runner_->Forward(input_);
  std::vector<Share> going;
  for (size_t i = 0; i < shares->size(); ++i) {
    Share& share = (*shares)[i];
    Draft& draft = *share.draft;
    share.sequence->tokens = share.text;
    if (share.text.size() < draft.request->tokens.size()) continue;
    const auto index = draft.request->completion_length() + draft.tokens.size();
    const int32_t token = sampler_.Sample(draft.request->sampling, static_cast<int64_t>(index),
                                          logits.row(input_.first_logit(static_cast<int32_t>(i))),
                                          limits_.common_vocab);
    draft.tokens.push_back(token);
    if (static_cast<int32_t>(draft.tokens.size()) == draft.most) continue;
    share.text.push_back(token);
    share.count = 1;
    going.push_back(std::move(share));
  }
  *shares = std::move(going);
}

void DraftModel::CheckIntegrity() const {
  std::vector<const PageList*> lists;
  for (const auto& [id, sequence] : sequences_) lists.push_back(&sequence.pages);
  pages_.CheckIntegrity(lists);
}

}  // namespace node_mlc
