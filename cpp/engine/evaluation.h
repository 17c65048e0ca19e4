/*!
 * \file engine/evaluation.h
 * \brief Forward passes over given tokens, for numeric checks and for scoring text, beside
 * generation.
 */
#ifndef NODE_MLC_ENGINE_EVALUATION_H_
#define NODE_MLC_ENGINE_EVALUATION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/batch.h"
#include "engine/model_runner.h"
#include "engine/page_table.h"

namespace node_mlc {

/*! \brief How the rows of an evaluation reach the model. */
struct EvaluationPlan {
  /*! \brief Token rows of one length. */
  std::vector<std::vector<int32_t>> rows;
  /*! \brief Tokens of each row that are computed; the others are only looked at (score). */
  int32_t length = 0;
  /*! \brief Most rows of one sequence in a step. */
  int32_t chunk = 0;
  /*! \brief The last tokens of each row that go one by one. */
  int32_t decode = 0;
  /*! \brief Sequences that run together. */
  int32_t group = 1;
  /*! \brief Most rows of a step. */
  int32_t budget = 0;
};

/*! \brief How an evaluation ends: exactly one of the two is called, on the engine thread. */
struct EvaluationResult {
  std::function<void(std::vector<float>)> done;
  std::function<void(const std::string& code, const std::string& message)> failed;
};

/*!
 * \brief One evaluation in progress. The engine advances it by one forward pass between generation
 * steps.
 *
 * Groups of sequences run one after the other; pages are held for the group in progress only.
 * Engine thread only.
 */
class Evaluation {
 public:
  Evaluation(EvaluationPlan plan, EvaluationResult result);
  virtual ~Evaluation() = default;

  /*! \brief Pages the next Advance() takes from the table. */
  int32_t PagesWanted(const PageTable& pages) const;

  /*! \brief One forward pass; true when it was the last. */
  bool Advance(ModelRunner* runner, PageTable* pages);

  /*! \brief Gives the pages back; before the evaluation is dropped. */
  void ReleasePages(PageTable* pages);

  /*! \brief The page lists in use, for integrity checks. */
  std::vector<const PageList*> PageLists() const;

  void Succeed();
  void Fail(const std::string& code, const std::string& message) { result_.failed(code, message); }

 protected:
  /*! \brief Takes over the logits of one position. */
  virtual void Take(int32_t sequence, int32_t position, const float* logits, int32_t vocab) = 0;

  const EvaluationPlan plan_;
  std::vector<float> values_;

 private:
  int32_t NextCount(int32_t computed, int32_t budget) const;
  int32_t group_end() const;

  EvaluationResult result_;
  StepInput input_;
  int32_t group_begin_ = 0;
  /*! \brief Of the sequences of the group in progress; empty between groups. */
  std::vector<PageList> pages_;
  std::vector<int32_t> computed_;
};

/*! \brief Keeps all logits: [rows, length, vocab]. */
class LogitsEvaluation final : public Evaluation {
 public:
  LogitsEvaluation(EvaluationPlan plan, int32_t vocab, EvaluationResult result);

 private:
  void Take(int32_t sequence, int32_t position, const float* logits, int32_t vocab) override;
};

/*! \brief Keeps the log-probability of each next token of one row: [length]. */
class ScoreEvaluation final : public Evaluation {
 public:
  ScoreEvaluation(EvaluationPlan plan, EvaluationResult result);

 private:
  void Take(int32_t sequence, int32_t position, const float* logits, int32_t vocab) override;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_EVALUATION_H_
