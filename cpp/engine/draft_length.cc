/*!
 * \file engine/draft_length.cc
 */
#include "engine/draft_length.h"

#include <algorithm>

namespace node_mlc {

namespace {

/*! \brief Weight of what was known when one step is added: about the last hundred steps count. */
constexpr double kStepDecay = 0.99;

/*! \brief Weight of one verdict on a guess: about the last ten count. */
constexpr double kVerdict = 0.1;

/*! \brief The way back to the start in one step without a guess. */
constexpr double kRecovery = 0.01;

/*! \brief Beyond a certainty of 1 a request would guess without end. */
constexpr double kMostAcceptance = 0.98;

}  // namespace

void StepCost::Observe(int32_t rows, double ms) {
  weight_ = weight_ * kStepDecay + 1.0;
  rows_ = rows_ * kStepDecay + rows;
  ms_ = ms_ * kStepDecay + ms;
  rows_squared_ = rows_squared_ * kStepDecay + 1.0 * rows * rows;
  rows_ms_ = rows_ms_ * kStepDecay + rows * ms;
}

double StepCost::ShareOfRow(int32_t rows) const {
  const double variance = rows_squared_ * weight_ - rows_ * rows_;
  if (variance <= 1e-3 * weight_ * weight_) return kUnknown;
  const double slope = (rows_ms_ * weight_ - rows_ * ms_) / variance;
  const double step = (ms_ - slope * rows_) / weight_ + slope * rows;
  // A line through noise may fall or cross zero.
  if (slope <= 0.0 || step <= 0.0) return kUnknown;
  return std::min(1.0, slope / step);
}

int32_t DraftLength::Best(int32_t most, double share_of_row) const {
  int32_t length = 0;
  double reached = acceptance_;
  while (length < most && reached > share_of_row) {
    ++length;
    reached *= acceptance_;
  }
  return length;
}

void DraftLength::Observe(int32_t proposed, int32_t accepted) {
  if (proposed == 0) {
    acceptance_ += (kStart - acceptance_) * kRecovery;
    return;
  }
  for (int32_t i = 0; i < std::min(proposed, accepted + 1); ++i) {
    const double verdict = i < accepted ? 1.0 : 0.0;
    acceptance_ += (verdict - acceptance_) * kVerdict;
  }
  acceptance_ = std::min(acceptance_, kMostAcceptance);
}

}  // namespace node_mlc
