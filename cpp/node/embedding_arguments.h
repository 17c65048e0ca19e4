/*!
 * \file node/embedding_arguments.h
 * \brief JavaScript arguments of NativeEngine.embed(), checked against the engine's limits.
 */
#ifndef NODE_MLC_NODE_EMBEDDING_ARGUMENTS_H_
#define NODE_MLC_NODE_EMBEDDING_ARGUMENTS_H_

#include <node_api.h>

#include <string>

#include "engine/embedding_queue.h"
#include "engine/model_config.h"

namespace node_mlc {

/*!
 * \brief Texts and pooling of embed(). Throws CodedError: ERR_INVALID_ARGUMENT,
 * ERR_CONTEXT_OVERFLOW for a text longer than the context, ERR_INSUFFICIENT_MEMORY for one that can
 * never fit into the KV pool.
 */
EmbeddingRequest ToEmbeddingRequest(napi_env env, napi_value texts, const std::string& pooling,
                                    const ModelConfig& config);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_EMBEDDING_ARGUMENTS_H_
