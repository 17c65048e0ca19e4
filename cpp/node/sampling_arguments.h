/*!
 * \file node/sampling_arguments.h
 * \brief The sampling options of a NativeRequest, checked.
 */
#ifndef NODE_MLC_NODE_SAMPLING_ARGUMENTS_H_
#define NODE_MLC_NODE_SAMPLING_ARGUMENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model_config.h"
#include "engine/sampling_params.h"
#include "node/object_reader.h"

namespace node_mlc {

/*! \brief Throws CodedError(ERR_INVALID_ARGUMENT) naming `what` unless each of `tokens` is in the
 * vocabulary. */
void CheckTokens(const std::vector<int32_t>& tokens, int32_t vocab, const std::string& what);

/*! \brief The sampling options of `request`; throws CodedError(ERR_INVALID_ARGUMENT) naming the
 * option. */
SamplingParams ReadSampling(const ObjectReader& request, const ModelConfig& config);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_SAMPLING_ARGUMENTS_H_
