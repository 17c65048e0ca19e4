/*!
 * \file engine/weight_loader.h
 * \brief Memory-mapped weight shards as tensors.
 */
#ifndef NODE_MLC_ENGINE_WEIGHT_LOADER_H_
#define NODE_MLC_ENGINE_WEIGHT_LOADER_H_

#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tensor.h>

#include "engine/load_progress.h"
#include "engine/model_config.h"

namespace node_mlc {

/*!
 * \brief Maps all shards read only and returns the parameters in order, without a copy; each tensor
 * keeps its shard mapped. The tensors must not be written.
 *
 * For another device than the CPU they are copied there, matrices as the int32 words that its
 * kernels take, and nothing stays mapped; throws as the device does too.
 *
 * Every number of the config is checked against the files before anything is read. Throws
 * CodedError: ERR_INVALID_PACKAGE (absent file, wrong size, bounds, shape, dtype or alignment),
 * ERR_IO, ERR_INSUFFICIENT_MEMORY.
 */
tvm::ffi::Array<tvm::ffi::Tensor> LoadWeights(const ModelConfig& config,
                                              const LoadProgress& progress);

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_WEIGHT_LOADER_H_
