/*!
 * \file engine/draft_length.cc
 */
#include "engine/draft_length.h"

#include <algorithm>

namespace node_mlc {

namespace {

/*! \brief Weight of what was known when one step is added: about the last hundred steps count. */
constexpr double kStepDecay = 0.99;

/*! \brief Weight of one verdict on a token: about the last ten count. */
constexpr double kVerdict = 0.1;

/*! \brief With a certainty of 1 a draft would have no end. */
constexpr double kMostAcceptance = 0.98;

}  // namespace

void StepCost::Observe(int32_t rows, double ms) {
  weight_ = weight_ * kStepDecay + 1.0;
  rows_ = rows_ * kStepDecay + rows;
  ms_ = ms_ * kStepDecay + ms;
  rows_squared_ = rows_squared_ * kStepDecay + 1.0 * rows * rows;
  rows_ms_ = rows_ms_ * kStepDecay + rows * ms;
}

double StepCost::ShareOfToken(int32_t rows, double draft_ms) const {
  if (weight_ == 0.0) return kUnknown;
  const Line line = LineAt(rows);
  return std::min(1.0, (line.row_ms + draft_ms) / line.step_ms);
}

StepCost::Line StepCost::LineAt(int32_t rows) const {
  const double mean = ms_ / weight_;
  const double variance = rows_squared_ * weight_ - rows_ * rows_;
  if (variance > 1e-3 * weight_ * weight_) {
    const double slope = (rows_ms_ * weight_ - rows_ * ms_) / variance;
    const double step = (ms_ - slope * rows_) / weight_ + slope * rows;
    // A line through noise may fall or cross zero.
    if (slope > 0.0 && step > 0.0) return {slope, step};
  }
  return {kUnknown * mean, mean};
}

int32_t DraftLength::Best(int32_t most, double share_of_token) const {
  int32_t length = 0;
  double reached = acceptance_;
  while (length < most && reached > share_of_token) {
    ++length;
    reached *= acceptance_;
  }
  return length;
}

void DraftLength::Observe(int32_t drafted, int32_t accepted) {
  for (int32_t i = 0; i < std::min(drafted, accepted + 1); ++i) {
    const double verdict = i < accepted ? 1.0 : 0.0;
    acceptance_ += (verdict - acceptance_) * kVerdict;
  }
  acceptance_ = std::min(acceptance_, kMostAcceptance);
}

}  // namespace node_mlc
