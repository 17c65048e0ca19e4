/*!
 * \file engine/batch.cc
 */
#include "engine/batch.h"

namespace node_mlc {

void StepInput::Clear() {
  tokens.clear();
  q_indptr.assign(1, 0);
  positions.clear();
  page_indptr.assign(1, 0);
  page_indices.clear();
  logit_rows.clear();
  wanted_.clear();
  first_logit_.clear();
}

void StepInput::Add(const std::vector<int32_t>& sequence, int32_t start, int32_t count,
                    const PageList& pages, int32_t page_size, LogitsWanted wanted,
                    const std::vector<int32_t>& draft) {
  tokens.insert(tokens.end(), sequence.begin() + start, sequence.begin() + start + count);
  tokens.insert(tokens.end(), draft.begin(), draft.end());
  const int32_t end = start + count + static_cast<int32_t>(draft.size());
  for (int32_t position = start; position < end; ++position) positions.push_back(position);
  q_indptr.push_back(rows());
  // The list may hold pages reserved for later rows; the kernels see those that hold keys.
  int32_t used = (end + page_size - 1) / page_size;
  page_indices.insert(page_indices.end(), pages.begin(), pages.begin() + used);
  page_indptr.push_back(static_cast<int32_t>(page_indices.size()));
  wanted_.push_back(wanted);
}

void StepInput::Finish() {
  const bool all_rows = IsDecode();
  for (int32_t s = 0; s < sequences(); ++s) {
    first_logit_.push_back(static_cast<int32_t>(logit_rows.size()));
    int32_t row = q_indptr[s + 1];
    if (wanted_[s] == LogitsWanted::kAll) {
      row = q_indptr[s];
    } else if (wanted_[s] == LogitsWanted::kLast || all_rows) {
      row = q_indptr[s + 1] - 1;
    }
    if (wanted_[s] == LogitsWanted::kFirst) {
      logit_rows.push_back(q_indptr[s]);
      continue;
    }
    for (; row < q_indptr[s + 1]; ++row) logit_rows.push_back(row);
  }
  // A chunk in the middle of a prompt wants none, but no function is compiled for an empty result.
  if (logit_rows.empty()) logit_rows.push_back(rows() - 1);
}

}  // namespace node_mlc
