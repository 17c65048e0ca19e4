/*!
 * \file engine/batch.h
 * \brief What one step computes: as requests (for the scheduler) and as arrays (for the model).
 */
#ifndef NODE_MLC_ENGINE_BATCH_H_
#define NODE_MLC_ENGINE_BATCH_H_

#include <cstdint>
#include <vector>

#include "engine/page_table.h"

namespace node_mlc {

struct Request;

/*! \brief One request's share of a step: its tokens [computed, computed + count). */
struct ScheduledSequence {
  Request* request;
  int32_t count;
  /*! \brief Whether the step reaches its last token, so that a new one is sampled. */
  bool sample;
  /*! \brief Tokens that may follow, computed with the others (Speculation); only with `sample`. */
  std::vector<int32_t> draft = {};

  int32_t rows() const { return count + static_cast<int32_t>(draft.size()); }
};

/*! \brief The requests of one step, valid until the scheduler is called again. */
using ScheduledBatch = std::vector<ScheduledSequence>;

enum class LogitsWanted { kNone, kFirst, kLast, kAll };

/*!
 * \brief The arguments of one model call, in the layout of the compiled functions (rows of all
 * sequences in order).
 *
 * Refilled for every step; the vectors keep their capacity. Engine thread only.
 */
class StepInput {
 public:
  /*! \brief Forgets the last step. */
  void Clear();

  /*! \brief Adds rows `tokens[start, start + count)` of a sequence whose page list is `pages`, then
   * a row for each token of `draft`. */
  void Add(const std::vector<int32_t>& tokens, int32_t start, int32_t count, const PageList& pages,
           int32_t page_size, LogitsWanted wanted, const std::vector<int32_t>& draft = {});

  /*! \brief Completes logit_rows; call once after the last Add(). */
  void Finish();

  int32_t rows() const { return static_cast<int32_t>(tokens.size()); }
  int32_t sequences() const { return static_cast<int32_t>(wanted_.size()); }
  /*! \brief Whether every sequence has one row, so that a decode function serves. All rows then
   * have logits. */
  bool IsDecode() const { return rows() == sequences(); }
  /*! \brief Row of the logits where those of sequence `index` begin; meaningless when it wanted
   * none. */
  int32_t first_logit(int32_t index) const { return first_logit_[index]; }

  std::vector<int32_t> tokens;
  std::vector<int32_t> q_indptr;
  std::vector<int32_t> positions;
  std::vector<int32_t> page_indptr;
  std::vector<int32_t> page_indices;
  std::vector<int32_t> logit_rows;

 private:
  std::vector<LogitsWanted> wanted_;
  std::vector<int32_t> first_logit_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_BATCH_H_
