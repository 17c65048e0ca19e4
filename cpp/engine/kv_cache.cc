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

bool IsInt8(const ModelConfig& config) { return config.kv_dtype == "int8"; }

DLDataType KvDtype(const ModelConfig& config) {
  if (IsInt8(config)) return DLDataType{kDLInt, 8, 1};
  return DLDataType{kDLFloat, static_cast<uint8_t>(config.kv_dtype == "float16" ? 16 : 32), 1};
}

// Elements of the keys, or the values, of one head in a page and layer (lib/package/kv-format.ts):
// codes are followed by a float32 scale a position.
int64_t RecordSize(const ModelConfig& config) {
  const int64_t scales = IsInt8(config) ? static_cast<int64_t>(sizeof(float)) : 0;
  return config.page_size * (config.head_dim + scales);
}

}  // namespace

int64_t KvPageBytes(const ModelConfig& config) {
  return int64_t{2} * config.layers * config.kv_heads * RecordSize(config) *
         (KvDtype(config).bits / 8);
}

KvCache::KvCache(const ModelConfig& config)
    : page_bytes_(KvPageBytes(config)),
      memory_(std::make_shared<ReservedMemory>(static_cast<size_t>(page_bytes_) * config.pages)) {
  const ffi::Shape shape({config.pages, config.layers, 2, config.kv_heads, RecordSize(config)});
  tensor_ = ffi::Tensor::FromNDAlloc(ReservedStorage{memory_}, shape, KvDtype(config),
                                     DLDevice{kDLCPU, 0});
}

uint8_t* KvCache::page(int32_t index) const {
  return static_cast<uint8_t*>(memory_->data()) + page_bytes_ * index;
}

void KvCache::Decommit(int32_t begin, int32_t end) {
  const size_t page_bytes = static_cast<size_t>(page_bytes_);
  memory_->Decommit(page_bytes * begin, page_bytes * end);
}

}  // namespace node_mlc
