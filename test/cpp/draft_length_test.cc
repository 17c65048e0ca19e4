/*!
 * \file draft_length_test.cc
 * \brief The length of drafts follows their success and their price.
 */
#include "engine/draft_length.h"

#include <cmath>

#include "check.h"

using node_mlc::DraftLength;
using node_mlc::StepCost;

TEST("drafts that hold make longer drafts, those that do not make none") {
  DraftLength length;
  const int32_t start = length.Best(16, 0.1);
  CHECK(start > 0 && start < 16);
  for (int i = 0; i < 50; ++i) length.Observe(4, 4);
  CHECK_EQUAL(length.Best(16, 0.1), 16);
  CHECK_EQUAL(length.Best(3, 0.1), 3);
  for (int i = 0; i < 50; ++i) length.Observe(4, 0);
  CHECK_EQUAL(length.Best(16, 0.1), 0);
}

TEST("after a while without drafts they are tried again") {
  DraftLength length;
  for (int i = 0; i < 50; ++i) length.Observe(4, 0);
  int steps = 0;
  for (; length.Best(8, 0.1) == 0; ++steps) length.Skip();
  CHECK(steps > 5 && steps < 200);
}

TEST("only tokens up to the first wrong one count") {
  DraftLength one, four;
  for (int i = 0; i < 30; ++i) {
    one.Observe(1, 0);
    four.Observe(4, 0);
  }
  CHECK_EQUAL(one.acceptance(), four.acceptance());
}

TEST("what costs more is drafted less") {
  const DraftLength length;
  CHECK(length.Best(16, 0.02) > length.Best(16, 0.3));
  CHECK_EQUAL(length.Best(16, 1.0), 0);
}

TEST("the cost of a row is the slope of the steps seen") {
  StepCost cost;
  CHECK_EQUAL(cost.ShareOfToken(1, 0.0), StepCost::kUnknown);
  for (int i = 0; i < 20; ++i) cost.Observe(1, 10.0);
  // One size of steps says nothing about another.
  CHECK_EQUAL(cost.ShareOfToken(1, 0.0), StepCost::kUnknown);
  for (int i = 0; i < 20; ++i) cost.Observe(1 + i % 5, 10.0 + 0.5 * (i % 5));
  CHECK(std::abs(cost.ShareOfToken(1, 0.0) - 0.05) < 1e-9);
  CHECK(std::abs(cost.ShareOfToken(1, 1.5) - 0.2) < 1e-9);
  CHECK_EQUAL(cost.ShareOfToken(1, 50.0), 1.0);
  CHECK(std::abs(cost.ShareOfToken(11, 0.0) - 0.5 / 15.0) < 1e-9);
}

TEST("steps that get faster with more rows are noise") {
  StepCost cost;
  for (int i = 0; i < 20; ++i) cost.Observe(1 + i % 2, 10.0 - i % 2);
  CHECK_EQUAL(cost.ShareOfToken(1, 0.0), StepCost::kUnknown);
}
