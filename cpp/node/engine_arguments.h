/*!
 * \file node/engine_arguments.h
 * \brief JavaScript arguments of NativeEngine to the engine's types, checked against its limits;
 * and events back.
 */
#ifndef NODE_MLC_NODE_ENGINE_ARGUMENTS_H_
#define NODE_MLC_NODE_ENGINE_ARGUMENTS_H_

#include <node_api.h>

#include <memory>
#include <vector>

#include "engine/evaluation.h"
#include "engine/model_config.h"
#include "engine/request.h"

namespace node_mlc {

/*! \brief NativeEngineConfig; throws CodedError(ERR_INVALID_ARGUMENT). */
ModelConfig ToModelConfig(napi_env env, napi_value object);

/*!
 * \brief NativeRequest. Throws CodedError: ERR_INVALID_ARGUMENT, ERR_CONTEXT_OVERFLOW for a prompt
 * longer than the context less one, ERR_INSUFFICIENT_MEMORY for one that can never fit into the KV
 * pool.
 */
std::unique_ptr<Request> ToRequest(napi_env env, napi_value object, const ModelConfig& config);

/*! \brief rows and options of evaluate(). */
EvaluationPlan ToEvaluationPlan(napi_env env, napi_value rows, napi_value options,
                                const ModelConfig& config);

/*! \brief tokens of score(). */
EvaluationPlan ToScorePlan(napi_env env, napi_value tokens, const ModelConfig& config);

/*! \brief NativeEvent[]. */
napi_value ToJsEvents(napi_env env, const std::vector<RequestEvent>& events);

/*! \brief Sets a number property. */
void SetNumber(napi_env env, napi_value object, const char* name, double value);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_ENGINE_ARGUMENTS_H_
