/*!
 * \file engine/model_config.h
 * \brief What the engine must know to load a model; TypeScript fills it from the package's
 * manifest.
 */
#ifndef NODE_MLC_ENGINE_MODEL_CONFIG_H_
#define NODE_MLC_ENGINE_MODEL_CONFIG_H_

#include <dlpack/dlpack.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace node_mlc {

/*! \brief A file of weights. */
struct ShardConfig {
  std::string path;
  int64_t bytes = 0;
};

/*! \brief One weight inside a shard. */
struct ParameterConfig {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  int64_t shard = 0;
  int64_t offset = 0;
  int64_t bytes = 0;
};

/*! \brief A compiled model and the limits it runs under; the mirror of NativeEngineConfig
 * (lib/ffi/native-engine.ts). */
struct ModelConfig {
  std::string library;
  /*! \brief Where the library's kernels run; its runtime is loaded. */
  DLDevice device{kDLCPU, 0};
  std::vector<ShardConfig> shards;
  /*! \brief In the order in which the compiled functions take them. */
  std::vector<ParameterConfig> params;
  int32_t vocab_size = 0;
  int32_t layers = 0;
  int32_t kv_heads = 0;
  int32_t head_dim = 0;
  /*! \brief "float32", "float16" or "int8". */
  std::string kv_dtype;
  int32_t page_size = 0;
  int32_t pages = 0;
  int32_t context_length = 0;
  int32_t max_batch = 0;
  int32_t prefill_chunk = 0;
  /*! \brief Most rows of prompts in a step that also decodes; 0 for prefill_chunk. */
  int32_t mixed_prefill = 0;
  /*! \brief The library only embeds; a text's rows go through in one pass. */
  bool encoder = false;
  /*! \brief Numbers that an encoder gives for a row; 0: the row itself. */
  int32_t labels = 0;
  /*! \brief Threads that compute; 0 for the default. */
  int32_t threads = 0;
  /*! \brief Whether requests share the pages of a common prefix. */
  bool prefix_cache = true;
  /*! \brief Most pages kept for prefixes that nobody uses at the moment. */
  int32_t cached_pages = std::numeric_limits<int32_t>::max();
  /*! \brief Longest draft of speculative decoding; 0 for none. */
  int32_t draft_tokens = 0;
  /*! \brief Who drafts; null: the text itself, by its n-grams. */
  std::shared_ptr<const ModelConfig> draft_model;
  bool lock_memory = false;

  int64_t weight_bytes() const {
    int64_t total = 0;
    for (const ShardConfig& shard : shards) total += shard.bytes;
    return total;
  }
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_MODEL_CONFIG_H_
