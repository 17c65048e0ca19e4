/*!
 * \file engine/draft_length.h
 * \brief How many tokens to guess: as many as are likely to save more time than they cost.
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

  /*! \brief Cost of one more row as a share of a step of `rows` rows; kUnknown before two sizes of
   * steps were seen. */
  double ShareOfRow(int32_t rows) const;

  /*! \brief A row of a decode step of a model read from memory; a guess until it is measured. */
  static constexpr double kUnknown = 0.1;

 private:
  // Sums over the steps with weights that decay.
  double weight_ = 0.0;
  double rows_ = 0.0;
  double ms_ = 0.0;
  double rows_squared_ = 0.0;
  double rows_ms_ = 0.0;
};

/*!
 * \brief One request's record of guesses. Engine thread only.
 */
class DraftLength {
 public:
  /*!
   * \brief Tokens worth guessing, 0 to `most`. With probability a that a guess holds, guess number
   * k is reached and right with a^k; it is worth its row when that exceeds the row's share of the
   * step.
   */
  int32_t Best(int32_t most, double share_of_row) const;

  /*! \brief `accepted` of `proposed` guesses held; what follows the first wrong one says nothing.
   * Without a guess the estimate returns to its start bit by bit, so that guessing is tried again.
   */
  void Observe(int32_t proposed, int32_t accepted);

  double acceptance() const { return acceptance_; }

 private:
  static constexpr double kStart = 0.6;

  double acceptance_ = kStart;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_DRAFT_LENGTH_H_
