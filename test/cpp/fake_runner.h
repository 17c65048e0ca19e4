/*!
 * \file fake_runner.h
 * \brief A model without mathematics that notices every mistake in pages, positions and batches.
 */
#ifndef NODE_MLC_TEST_CPP_FAKE_RUNNER_H_
#define NODE_MLC_TEST_CPP_FAKE_RUNNER_H_

#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <vector>

#include "engine/model_runner.h"
#include "engine/random.h"

namespace node_mlc_test {

/*! \brief The token that this model says after `history`: any change of any token changes it. */
inline int32_t NextToken(const std::vector<int32_t>& history, int32_t vocab) {
  uint64_t hash = 17;
  for (int32_t token : history)
    hash = node_mlc::MixBits(hash * 31 + static_cast<uint64_t>(token) + 1);
  return static_cast<int32_t>(hash % static_cast<uint64_t>(vocab));
}

/*! \brief The hidden row of the last token of `history`. */
inline std::vector<float> HiddenRow(const std::vector<int32_t>& history, int32_t vocab) {
  return {static_cast<float>(NextToken(history, vocab)), static_cast<float>(history.back()) / 7.0f};
}

/*!
 * \brief Stores each row's token in its page slot and derives the logits from the tokens found in
 * the pages, as attention does: a wrong page, position or order gives another answer.
 */
class FakeRunner : public node_mlc::ModelRunner {
 public:
  FakeRunner(int32_t pages, int32_t page_size, int32_t vocab)
      : page_size_(page_size), vocab_(vocab), slots_(static_cast<size_t>(pages) * page_size, -1) {}

  node_mlc::Logits Forward(const node_mlc::StepInput& input) override {
    ++forwards;
    if (on_forward) on_forward(input);
    for (int32_t s = 0; s < input.sequences(); ++s) WriteRows(input, s);
    logits_.assign(input.logit_rows.size() * vocab_, 0.0f);
    for (size_t i = 0; i < input.logit_rows.size(); ++i) {
      logits_[i * vocab_ + NextToken(History(input, input.logit_rows[i]), vocab_)] = 10.0f;
    }
    return {logits_.data(), static_cast<int64_t>(input.logit_rows.size()), vocab_};
  }

  node_mlc::HiddenRows Encode(const node_mlc::StepInput& input) override {
    ++encodes;
    if (on_encode) on_encode(input);
    for (int32_t s = 0; s < input.sequences(); ++s) WriteRows(input, s);
    hidden_.clear();
    for (int32_t row : input.logit_rows) {
      for (float value : HiddenRow(History(input, row), vocab_)) hidden_.push_back(value);
    }
    return {hidden_.data(), static_cast<int64_t>(input.logit_rows.size()), 2};
  }

  int64_t page_bytes() const override { return page_size_ * int64_t{sizeof(int32_t)}; }

  void ReadPage(int32_t page, uint8_t* data) override {
    std::memcpy(data, &slots_.at(static_cast<size_t>(page) * page_size_), page_bytes());
  }

  void WritePage(int32_t page, const uint8_t* data) override {
    std::memcpy(&slots_.at(static_cast<size_t>(page) * page_size_), data, page_bytes());
  }

  void ReleasePages(int32_t begin, int32_t end) override { released = end - begin; }

  std::function<void(const node_mlc::StepInput&)> on_forward;
  std::function<void(const node_mlc::StepInput&)> on_encode;
  int forwards = 0;
  int encodes = 0;
  int32_t released = -1;

 private:
  int32_t& Slot(const node_mlc::StepInput& input, int32_t sequence, int32_t position) {
    int32_t index = input.page_indptr[sequence] + position / page_size_;
    if (index >= input.page_indptr[sequence + 1])
      throw std::logic_error("position outside of the page list");
    int32_t page = input.page_indices[index];
    return slots_.at(static_cast<size_t>(page) * page_size_ + position % page_size_);
  }

  void WriteRows(const node_mlc::StepInput& input, int32_t sequence) {
    for (int32_t row = input.q_indptr[sequence]; row < input.q_indptr[sequence + 1]; ++row) {
      Slot(input, sequence, input.positions[row]) = input.tokens[row];
    }
  }

  std::vector<int32_t> History(const node_mlc::StepInput& input, int32_t row) {
    int32_t sequence = 0;
    while (input.q_indptr[sequence + 1] <= row) ++sequence;
    std::vector<int32_t> history;
    for (int32_t p = 0; p <= input.positions[row]; ++p) history.push_back(Slot(input, sequence, p));
    return history;
  }

  const int32_t page_size_;
  const int32_t vocab_;
  std::vector<int32_t> slots_;
  std::vector<float> logits_;
  std::vector<float> hidden_;
};

}  // namespace node_mlc_test

#endif  // NODE_MLC_TEST_CPP_FAKE_RUNNER_H_
