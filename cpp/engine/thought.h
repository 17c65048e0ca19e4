/*!
 * \file engine/thought.h
 * \brief The part of an answer that is a model's thought: its length, and its end when it may grow
 * no more.
 */
#ifndef NODE_MLC_ENGINE_THOUGHT_H_
#define NODE_MLC_ENGINE_THOUGHT_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace node_mlc {

/*! \brief How a model marks its thoughts, and how long they may be. */
struct ThoughtParams {
  /*! \brief Tokens before and after a thought; none of them counts. Not empty. */
  std::vector<int32_t> begin;
  std::vector<int32_t> end;
  /*! \brief Said in the model's place when the budget is used up; leads out of the
   * thought. */
  std::vector<int32_t> close;
  /*! \brief Most tokens of all thoughts together; negative: as many as the model wants. */
  int32_t budget = -1;
  /*! \brief The prompt ends inside a thought. */
  bool begun = false;
};

/*!
 * \brief Follows one answer, token by token. Thinking budgets: Qwen3 Technical Report, 2025,
 * section 4.7 (a thought that is cut short is closed by force and the model answers from it).
 */
class Thought {
 public:
  explicit Thought(ThoughtParams params);

  /*! \brief The token that must come next; nullopt: any. */
  std::optional<int32_t> Forced() const;

  /*! \brief The answer has gone on by this token. */
  void Accept(int32_t token);

  /*! \brief Tokens of thoughts so far. */
  int32_t length() const { return length_; }

 private:
  /*! \brief Whether the answer's last tokens are these. */
  bool EndsWith(const std::vector<int32_t>& mark) const;
  /*! \brief A mark is complete: the next token is inside a thought, or outside. */
  void Enter(bool inside);
  void CloseIfSpent();

  const ThoughtParams params_;
  /*! \brief The answer's last tokens, as many as the longer mark has. */
  std::vector<int32_t> tail_;
  int32_t length_ = 0;
  bool inside_;
  /*! \brief Tokens of `close` that have come; nullopt: it does not run. */
  std::optional<size_t> closing_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_THOUGHT_H_
