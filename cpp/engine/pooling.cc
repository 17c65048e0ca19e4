/*!
 * \file engine/pooling.cc
 */
#include "engine/pooling.h"

namespace node_mlc {

LogitsWanted RowsWanted(Pooling pooling, int32_t start, int32_t count, int32_t length) {
  switch (pooling) {
    case Pooling::kMean:
      return LogitsWanted::kAll;
    case Pooling::kCls:
      return start == 0 ? LogitsWanted::kFirst : LogitsWanted::kNone;
    default:
      return start + count == length ? LogitsWanted::kLast : LogitsWanted::kNone;
  }
}

void Pooler::Take(const float* row, int32_t columns) {
  sum_.resize(columns, 0.0);
  for (int32_t i = 0; i < columns; ++i) sum_[i] += row[i];
  ++rows_;
}

std::vector<float> Pooler::Finish() const {
  std::vector<float> vector(sum_.size());
  const double divisor = pooling_ == Pooling::kMean ? static_cast<double>(rows_) : 1.0;
  for (size_t i = 0; i < vector.size(); ++i) vector[i] = static_cast<float>(sum_[i] / divisor);
  return vector;
}

}  // namespace node_mlc
