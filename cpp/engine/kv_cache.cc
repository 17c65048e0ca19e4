/*!
 * \file engine/kv_cache.cc
 */
#include "engine/kv_cache.h"

#include <utility>

#include "engine/device_memory.h"

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
  if (config.kv_dtype == "float32") return DLDataType{kDLFloat, 32, 1};
  // As the kernels of the device take halves (lib/compiler/codegen/gpu-target.ts, `pageHalf`).
  const DLDeviceType type = config.device.device_type;
  const bool floats = type == kDLCPU || type == kDLWebGPU;
  return DLDataType{static_cast<uint8_t>(floats ? kDLFloat : kDLUInt), 16, 1};
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

KvCache::KvCache(const ModelConfig& config) : page_bytes_(KvPageBytes(config)) {
  const ffi::Shape shape({config.pages, config.layers, 2, config.kv_heads, RecordSize(config)});
  if (!IsCpu(config.device)) {
    tensor_ = AllocateTensor(shape, KvDtype(config), config.device);
    return;
  }
  memory_ = std::make_shared<ReservedMemory>(static_cast<size_t>(page_bytes_) * config.pages);
  tensor_ = ffi::Tensor::FromNDAlloc(ReservedStorage{memory_}, shape, KvDtype(config),
                                     DLDevice{kDLCPU, 0});
}

void KvCache::Read(int32_t page, uint8_t* data) const {
  CopyFromTensor(tensor_, page_bytes_ * page, data, page_bytes_);
}

void KvCache::Write(int32_t page, const uint8_t* data) {
  CopyToTensor(data, page_bytes_, tensor_, page_bytes_ * page);
}

void KvCache::Decommit(int32_t begin, int32_t end) {
  if (!memory_) return;
  const size_t page_bytes = static_cast<size_t>(page_bytes_);
  memory_->Decommit(page_bytes * begin, page_bytes * end);
}

}  // namespace node_mlc
