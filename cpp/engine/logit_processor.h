/*!
 * \file engine/logit_processor.h
 * \brief Changes logits before sampling: penalties, bias and the least length.
 */
#ifndef NODE_MLC_ENGINE_LOGIT_PROCESSOR_H_
#define NODE_MLC_ENGINE_LOGIT_PROCESSOR_H_

#include <cstdint>

#include "engine/request.h"

namespace node_mlc {

/*! \brief Counts the prompt's tokens when the request has penalties; once, before its first step.
 */
void CountPromptTokens(Request* request);

/*!
 * \brief Changes `logits` [vocab] in place, in this order: repetition penalty (Keskar et al. 2019,
 * CTRL: tokens of prompt and answer), presence and frequency penalty (OpenAI: tokens of the
 * answer), all three within the penalty window; DRY; logit bias; and stop tokens become -inf before
 * `min_tokens`.
 */
void ProcessLogits(const Request& request, float* logits, int32_t vocab);

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_LOGIT_PROCESSOR_H_
