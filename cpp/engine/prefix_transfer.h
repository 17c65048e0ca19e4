/*!
 * \file engine/prefix_transfer.h
 * \brief Keys and values of a prefix, out of the KV cache and back in.
 */
#ifndef NODE_MLC_ENGINE_PREFIX_TRANSFER_H_
#define NODE_MLC_ENGINE_PREFIX_TRANSFER_H_

#include <cstdint>
#include <vector>

#include "engine/model_runner.h"
#include "engine/page_table.h"
#include "engine/prefix_cache.h"

namespace node_mlc {

/*! \brief Copies the pages that the cache has of `tokens`, one after the other. */
std::vector<uint8_t> ReadPrefix(const PrefixCache& cache, ModelRunner* runner,
                                const std::vector<int32_t>& tokens);

/*!
 * \brief Puts what ReadPrefix() gave for `tokens` into the cache and pins it under `id`; pages that
 * the cache has already stay as they are. Returns the tokens that are pinned.
 *
 * Throws CodedError: ERR_INVALID_ARGUMENT where `data` is no number of pages or more than the
 * tokens fill, ERR_INSUFFICIENT_MEMORY where the pool has no room beside what requests use.
 */
int32_t WritePrefix(PrefixCache* cache, PageTable* pages, ModelRunner* runner, int64_t id,
                    std::vector<int32_t> tokens, const std::vector<uint8_t>& data);

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_PREFIX_TRANSFER_H_
