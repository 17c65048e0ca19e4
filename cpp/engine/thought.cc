/*!
 * \file engine/thought.cc
 */
#include "engine/thought.h"

#include <algorithm>
#include <utility>

namespace node_mlc {

Thought::Thought(ThoughtParams params) : params_(std::move(params)), inside_(params_.begun) {
  CloseIfSpent();
}

std::optional<int32_t> Thought::Forced() const {
  if (!closing_) return std::nullopt;
  return params_.close[*closing_];
}

void Thought::Accept(int32_t token) {
  tail_.push_back(token);
  if (tail_.size() > std::max(params_.begin.size(), params_.end.size())) tail_.erase(tail_.begin());
  if (closing_ && token == params_.close[*closing_]) {
    if (++*closing_ == params_.close.size()) Enter(false);
    return;
  }
  if (!inside_) {
    if (EndsWith(params_.begin)) Enter(true);
    return;
  }
  ++length_;
  if (EndsWith(params_.end)) {
    // The mark itself was counted as it came.
    length_ -= static_cast<int32_t>(params_.end.size());
    Enter(false);
  } else {
    CloseIfSpent();
  }
}

void Thought::Enter(bool inside) {
  inside_ = inside;
  closing_.reset();
  // No token belongs to two marks.
  tail_.clear();
  CloseIfSpent();
}

bool Thought::EndsWith(const std::vector<int32_t>& mark) const {
  return tail_.size() >= mark.size() && std::equal(mark.rbegin(), mark.rend(), tail_.rbegin());
}

void Thought::CloseIfSpent() {
  if (inside_ && !closing_ && params_.budget >= 0 && length_ >= params_.budget) closing_ = 0;
}

}  // namespace node_mlc
