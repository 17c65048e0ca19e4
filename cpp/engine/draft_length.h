/*!
 * \file engine/draft_length.h
 * \brief How many tokens to draft: as many as are likely to save more time than they cost.
 */
#ifndef NODE_MLC_ENGINE_DRAFT_LENGTH_H_
#define NODE_MLC_ENGINE_DRAFT_LENGTH_H_

#include <cstdint>

namespace node_mlc {

/*!
 * \brief What a step costs by its rows: a line through the steps seen lately, older ones counting
 * less. Knows nothing of time itself. Engine thread only.
 */
class StepCost {
 public:
  /*! \brief A step of `rows` rows took `ms`. */
  void Observe(int32_t rows, double ms);

  /*! \brief Cost of a drafted token, its row and the `draft_ms` of drafting it, as a share of a
   * step of `rows` rows; 0 to 1. */
  double ShareOfToken(int32_t rows, double draft_ms) const;

  /*! \brief The share of a row before two sizes of steps were seen: that of a model whose weights
   * come from memory. */
  static constexpr double kUnknown = 0.1;

 private:
  struct Line {
    double row_ms;
    double step_ms;
  };
  Line LineAt(int32_t rows) const;

  // Sums over the steps with weights that decay.
  double weight_ = 0.0;
  double rows_ = 0.0;
  double ms_ = 0.0;
  double rows_squared_ = 0.0;
  double rows_ms_ = 0.0;
};

/*! \brief How well one request's drafts do. Engine thread only. */
class DraftLength {
 public:
  /*!
   * \brief Tokens worth drafting, 0 to `most`. With probability a that a drafted token holds, the
   * k-th is reached and right with a^k; it is worth its cost when that exceeds its share of the
   * step.
   */
  int32_t Best(int32_t most, double share_of_token) const;

  /*! \brief `accepted` of `drafted` tokens held; what follows the first wrong one says nothing. */
  void Observe(int32_t drafted, int32_t accepted);

  /*! \brief A step without a draft, as none was worth it: the estimate returns to its start bit by
   * bit, so that drafts are tried again. */
  void Skip() { acceptance_ += (kStart - acceptance_) * kRecovery; }

  double acceptance() const { return acceptance_; }

 private:
  static constexpr double kStart = 0.6;
  /*! \brief The way back to the start in one step without a draft. */
  static constexpr double kRecovery = 0.01;

  double acceptance_ = kStart;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_DRAFT_LENGTH_H_
