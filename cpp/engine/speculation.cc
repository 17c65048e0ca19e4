/*!
 * \file engine/speculation.cc
 */
#include "engine/speculation.h"

#include <algorithm>
#include <utility>

#include "engine/clock.h"

namespace node_mlc {

namespace {

/*! \brief Weight of one round of drafts in the time of a drafted token. */
constexpr double kRound = 0.1;

/*! \brief Tokens that a request may still get in one step beside its next one. */
int32_t RoomAfterNext(const Request& request, int32_t max_length) {
  return std::min(request.max_tokens - request.completion_length(), max_length - request.length()) -
         1;
}

}  // namespace

Speculation::Speculation(std::unique_ptr<Proposer> proposer, int32_t most)
    : proposer_(std::move(proposer)), most_(most) {}

void Speculation::Propose(ScheduledBatch* batch, int32_t rows, int32_t max_length) {
  std::vector<Draft> drafts;
  std::vector<ScheduledSequence*> drafted;
  const double share = cost_.ShareOfToken(static_cast<int32_t>(batch->size()), draft_ms_);
  for (ScheduledSequence& sequence : *batch) {
    const Request& request = *sequence.request;
    if (!sequence.sample || sequence.count != 1 || !request.speculate) continue;
    const int32_t room = std::min({most_, rows, RoomAfterNext(request, max_length)});
    const int32_t length = lengths_[request.id].Best(std::max(room, 0), share);
    if (length == 0) {
      if (room > 0) lengths_[request.id].Skip();
      continue;
    }
    rows -= length;
    drafts.push_back({&request, length, {}});
    drafted.push_back(&sequence);
  }
  if (drafts.empty()) return;
  const Clock::time_point start = Clock::now();
  proposer_->Propose(&drafts);
  size_t tokens = 0;
  for (size_t i = 0; i < drafts.size(); ++i) {
    tokens += drafts[i].tokens.size();
    drafted[i]->draft = std::move(drafts[i].tokens);
  }
  if (tokens == 0) return;
  const double ms = MillisecondsBetween(start, Clock::now()) / static_cast<double>(tokens);
  draft_ms_ += (ms - draft_ms_) * kRound;
}

void Speculation::Observe(Request* request, int32_t drafted, int32_t accepted) {
  request->drafted_tokens += drafted;
  request->accepted_tokens += accepted;
  stats_.drafted_tokens += drafted;
  stats_.accepted_tokens += accepted;
  lengths_[request->id].Observe(drafted, accepted);
}

void Speculation::Forget(int64_t id) {
  lengths_.erase(id);
  proposer_->Forget(id);
}

}  // namespace node_mlc
