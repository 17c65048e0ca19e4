/*!
 * \file engine/kv_cache.h
 * \brief The memory of the paged KV cache.
 */
#ifndef NODE_MLC_ENGINE_KV_CACHE_H_
#define NODE_MLC_ENGINE_KV_CACHE_H_

#include <tvm/ffi/container/tensor.h>

#include <cstdint>
#include <memory>

#include "engine/model_config.h"
#include "support/reserved_memory.h"

namespace node_mlc {

/*!
 * \brief One tensor [pages, layers, 2, kv_heads, page_size * head_dim] of the KV dtype; int8 adds
 * page_size float32 scales to the last dimension, as bytes.
 *
 * Pages come first, so pages never handed out cost no memory (of the CPU; other devices take it
 * all at once). Inside a page and layer, keys (0) lie
 * as [head_dim][page_size] and values (1) as [page_size][head_dim], scales behind them. Engine
 * thread only.
 */
class KvCache {
 public:
  /*! \brief Reserves address space, or takes the memory of another device; throws
   * CodedError(ERR_INSUFFICIENT_MEMORY). */
  explicit KvCache(const ModelConfig& config);

  const tvm::ffi::Tensor& tensor() const { return tensor_; }

  int64_t page_bytes() const { return page_bytes_; }
  /*! \brief Copies a page out, page_bytes() long; throws CodedError as its device does. */
  void Read(int32_t page, uint8_t* data) const;
  /*! \brief Copies a page in. */
  void Write(int32_t page, const uint8_t* data);

  /*! \brief Gives the memory of pages [begin, end) back where the system can take it; nobody may
   * use them. */
  void Decommit(int32_t begin, int32_t end);

 private:
  const int64_t page_bytes_;
  /*! \brief Of the CPU's memory only. */
  std::shared_ptr<ReservedMemory> memory_;
  tvm::ffi::Tensor tensor_;
};

/*! \brief Bytes of one page. */
int64_t KvPageBytes(const ModelConfig& config);

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_KV_CACHE_H_
