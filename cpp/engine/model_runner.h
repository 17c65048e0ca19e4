/*!
 * \file engine/model_runner.h
 * \brief What the engine needs of a model: one forward pass over paged keys and values.
 */
#ifndef NODE_MLC_ENGINE_MODEL_RUNNER_H_
#define NODE_MLC_ENGINE_MODEL_RUNNER_H_

#include <cstdint>

#include "engine/batch.h"

namespace node_mlc {

/*! \brief Logits [rows, vocab] of a step, in the order of StepInput::logit_rows; the caller may
 * change them. Valid until the next Forward(). */
struct Logits {
  float* data = nullptr;
  int64_t rows = 0;
  int32_t vocab = 0;

  float* row(int64_t index) const { return data + index * vocab; }
};

/*! \brief Rows after the model's final norm [rows, columns], or what a classifier says of them, in
 * the order of StepInput::logit_rows. Valid until the next call of the runner. */
struct HiddenRows {
  const float* data = nullptr;
  int64_t rows = 0;
  int32_t columns = 0;

  const float* row(int64_t index) const { return data + index * columns; }
};

/*!
 * \brief Computes steps. Implementations: TvmModelRunner, and fakes in tests.
 *
 * Made, used and destroyed on the engine thread.
 */
class ModelRunner {
 public:
  virtual ~ModelRunner() = default;

  /*! \brief Writes keys and values of all rows into their pages, then attends; throws CodedError. A
   * failed call leaves garbage in the pages of the step's rows and harms nothing else. */
  virtual Logits Forward(const StepInput& input) = 0;

  /*! \brief As Forward(), but the hidden rows that logits would be made of; throws
   * CodedError(ERR_UNSUPPORTED_FIELD) for a model compiled without. */
  virtual HiddenRows Encode(const StepInput& input) = 0;

  /*! \brief Bytes of the keys and values of one page. */
  virtual int64_t page_bytes() const = 0;
  /*! \brief Copies a page out, page_bytes() long. */
  virtual void ReadPage(int32_t page, uint8_t* data) = 0;
  /*! \brief Copies a page in. */
  virtual void WritePage(int32_t page, const uint8_t* data) = 0;

  /*! \brief Pages [begin, end) hold nothing: their memory may go back to the system. */
  virtual void ReleasePages(int32_t begin, int32_t end) = 0;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_MODEL_RUNNER_H_
