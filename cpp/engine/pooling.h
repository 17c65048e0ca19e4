/*!
 * \file engine/pooling.h
 * \brief From the hidden rows of a text to one vector.
 */
#ifndef NODE_MLC_ENGINE_POOLING_H_
#define NODE_MLC_ENGINE_POOLING_H_

#include <cstdint>
#include <vector>

#include "engine/batch.h"

namespace node_mlc {

/*! \brief Which rows make the vector: the mean of all, the first, or the last one. The names are
 * those of sentence-transformers. */
enum class Pooling { kMean, kCls, kLast };

/*! \brief Rows of a chunk [start, start + count) of `length` tokens that the pooling reads. */
LogitsWanted RowsWanted(Pooling pooling, int32_t start, int32_t count, int32_t length);

/*!
 * \brief Pools the rows of one text while they come, so that no more than a chunk of them is kept.
 *
 * Sums are in double and in order of the positions: neither chunks nor other texts of a step change
 * a bit.
 */
class Pooler {
 public:
  explicit Pooler(Pooling pooling) : pooling_(pooling) {}

  /*! \brief Takes the next row that RowsWanted() asked for. */
  void Take(const float* row, int32_t columns);

  /*! \brief The vector, once all rows are taken. */
  std::vector<float> Finish() const;

 private:
  const Pooling pooling_;
  std::vector<double> sum_;
  int64_t rows_ = 0;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_POOLING_H_
