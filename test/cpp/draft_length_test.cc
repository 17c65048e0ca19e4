/*!
 * \file draft_length_test.cc
 * \brief The number of guesses follows their success and the price of a row.
 */
#include "engine/draft_length.h"

#include <cmath>

#include "check.h"

using node_mlc::DraftLength;
using node_mlc::StepCost;

TEST("guesses that hold make more guesses, those that do not make none") {
  DraftLength length;
  const int32_t start = length.Best(16, 0.1);
  CHECK(start > 0 && start < 16);
  for (int i = 0; i < 50; ++i) length.Observe(4, 4);
  CHECK_EQUAL(length.Best(16, 0.1), 16);
  CHECK_EQUAL(length.Best(3, 0.1), 3);
  for (int i = 0; i < 50; ++i) length.Observe(4, 0);
  CHECK_EQUAL(length.Best(16, 0.1), 0);
}

TEST("after a while without guesses they are tried again") {
  DraftLength length;
  for (int i = 0; i < 50; ++i) length.Observe(4, 0);
  int steps = 0;
  for (; length.Best(8, 0.1) == 0; ++steps) length.Observe(0, 0);
  CHECK(steps > 5 && steps < 200);
}

TEST("only guesses up to the first wrong one count") {
  DraftLength one, four;
  for (int i = 0; i < 30; ++i) {
    one.Observe(1, 0);
    four.Observe(4, 0);
  }
  CHECK_EQUAL(one.acceptance(), four.acceptance());
}

TEST("a dear row is worth fewer guesses") {
  const DraftLength length;
  CHECK(length.Best(16, 0.02) > length.Best(16, 0.3));
  CHECK_EQUAL(length.Best(16, 1.0), 0);
}

TEST("the cost of a row is the slope of the steps seen") {
  StepCost cost;
  CHECK_EQUAL(cost.ShareOfRow(1), StepCost::kUnknown);
  for (int i = 0; i < 20; ++i) cost.Observe(1, 10.0);
  // One size of steps says nothing about another.
  CHECK_EQUAL(cost.ShareOfRow(1), StepCost::kUnknown);
  for (int i = 0; i < 20; ++i) cost.Observe(1 + i % 5, 10.0 + 0.5 * (i % 5));
  CHECK(std::abs(cost.ShareOfRow(1) - 0.05) < 1e-9);
  CHECK(std::abs(cost.ShareOfRow(11) - 0.5 / 15.0) < 1e-9);
}

TEST("steps that get faster with more rows are noise") {
  StepCost cost;
  for (int i = 0; i < 20; ++i) cost.Observe(1 + i % 2, 10.0 - i % 2);
  CHECK_EQUAL(cost.ShareOfRow(1), StepCost::kUnknown);
}
