/*!
 * \file engine/dry_penalty.h
 * \brief The penalty of DRY on tokens that would continue a repeat.
 */
#ifndef NODE_MLC_ENGINE_DRY_PENALTY_H_
#define NODE_MLC_ENGINE_DRY_PENALTY_H_

#include <cstdint>
#include <vector>

#include "engine/sampling_params.h"

namespace node_mlc {

/*!
 * \brief Lowers the logits [vocab] of tokens that would make the end of `tokens` a longer copy of
 * something before it.
 *
 * For each token that once followed a copy of the end of the text, of `n` tokens at most, the
 * penalty is multiplier * base^(n - allowed_length) where n >= allowed_length. Copies lie within
 * `range` and hold no sequence breaker; a single-token breaker is never penalised. (p-e-w 2024,
 * text-generation-webui #5677; multi-token breakers and the bound of the power as in koboldcpp #982
 * and llama.cpp #9702.) Time linear in the range.
 */
void ApplyDryPenalty(const DryParams& dry, const std::vector<int32_t>& tokens, float* logits,
                     int32_t vocab);

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_DRY_PENALTY_H_
