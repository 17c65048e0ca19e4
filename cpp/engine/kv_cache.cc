/*!
 * \file engine/kv_cache.cc
 */
#include "engine/kv_cache.h"

#include <utility>

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

struct ReservedStorage {
  std::shared_ptr<ReservedMemory> memory;
  void AllocData(DLTensor* tensor) { tensor->data = memory->data(); }
  void FreeData(DLTensor*) {}
};

DLDataType KvDtype(const ModelConfig& config) {
  return DLDataType{kDLFloat, static_cast<uint8_t>(config.kv_dtype == "float16" ? 16 : 32), 1};
}

}  // namespace

int64_t KvPageBytes(const ModelConfig& config) {
  return int64_t{2} * config.layers * config.kv_heads * config.page_size * config.head_dim *
         (KvDtype(config).bits / 8);
}

KvCache::KvCache(const ModelConfig& config)
    : page_bytes_(KvPageBytes(config)),
      memory_(std::make_shared<ReservedMemory>(static_cast<size_t>(page_bytes_) * config.pages)) {
  const ffi::Shape shape({config.pages, config.layers, 2, config.kv_heads,
                          int64_t{config.page_size} * config.head_dim});
  tensor_ = ffi::Tensor::FromNDAlloc(ReservedStorage{memory_}, shape, KvDtype(config),
                                     DLDevice{kDLCPU, 0});
}

void KvCache::Decommit(int32_t pages) {
  memory_->Decommit(static_cast<size_t>(page_bytes_) * pages);
}

}  // namespace node_mlc
