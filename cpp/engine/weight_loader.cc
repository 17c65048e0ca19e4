/*!
 * \file engine/weight_loader.cc
 */
#include "engine/weight_loader.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/device_memory.h"
#include "support/coded_error.h"
#include "support/mapped_file.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

/*! \brief Kernels load whole vectors and do not check alignment. */
constexpr int64_t kAlignment = 64;
/*! \brief Weights are read in steps of this size, so that progress is seen and a load can be
 * cancelled. */
constexpr int64_t kReadStep = int64_t{32} << 20;

using Shards = std::vector<std::shared_ptr<MappedFile>>;

/*! \brief Storage of a tensor inside a mapped shard. */
struct MappedStorage {
  std::shared_ptr<MappedFile> file;
  int64_t offset;
  void AllocData(DLTensor* tensor) { tensor->data = const_cast<uint8_t*>(file->data() + offset); }
  void FreeData(DLTensor*) {}
};

[[noreturn]] void ThrowInvalid(const std::string& text) {
  throw CodedError("ERR_INVALID_PACKAGE", text + " The package is damaged: compile it again.");
}

std::shared_ptr<MappedFile> OpenShard(const ShardConfig& config) {
  std::shared_ptr<MappedFile> file = MappedFile::Open(config.path);
  if (static_cast<int64_t>(file->size()) != config.bytes) {
    ThrowInvalid("Expected " + std::to_string(config.bytes) + " bytes in " + config.path +
                 " but it has " + std::to_string(file->size()) + ".");
  }
  return file;
}

DLDataType ParseDtype(const ParameterConfig& param) {
  try {
    return ffi::StringToDLDataType(param.dtype);
  } catch (const ffi::Error&) {
    ThrowInvalid("Expected the name of a data type for parameter " + param.name +
                 " but received '" + param.dtype + "'.");
  }
}

/*! \brief Bytes of a dense tensor, or -1 when the shape is no shape. */
int64_t DenseBytes(const std::vector<int64_t>& shape, DLDataType dtype) {
  int64_t elements = 1;
  constexpr int64_t kMost = int64_t{1} << 50;  // far beyond any file, far from overflow
  for (int64_t extent : shape) {
    if (extent < 0 || (extent > 0 && elements > kMost / extent)) return -1;
    elements *= extent;
  }
  return (elements * dtype.bits * dtype.lanes + 7) / 8;
}

ffi::Tensor MakeTensor(const ParameterConfig& param, const Shards& shards) {
  const DLDataType dtype = ParseDtype(param);
  if (DenseBytes(param.shape, dtype) != param.bytes) {
    ThrowInvalid("Expected the shape of parameter " + param.name + " to take its " +
                 std::to_string(param.bytes) + " bytes but it takes " +
                 std::to_string(DenseBytes(param.shape, dtype)) + ".");
  }
  if (param.shard < 0 || param.shard >= static_cast<int64_t>(shards.size())) {
    ThrowInvalid("Expected parameter " + param.name + " in one of " +
                 std::to_string(shards.size()) + " shards but received shard " +
                 std::to_string(param.shard) + ".");
  }
  const std::shared_ptr<MappedFile>& file = shards[param.shard];
  const int64_t size = static_cast<int64_t>(file->size());
  if (param.offset < 0 || param.bytes > size || param.offset > size - param.bytes) {
    ThrowInvalid("Expected parameter " + param.name + " inside the " + std::to_string(size) +
                 " bytes of " + file->path() + " but it takes bytes " +
                 std::to_string(param.offset) + " to " +
                 std::to_string(param.offset + param.bytes) + ".");
  }
  if (param.offset % kAlignment != 0) {
    ThrowInvalid("Expected parameter " + param.name + " at a multiple of 64 bytes but received " +
                 std::to_string(param.offset) + ".");
  }
  return ffi::Tensor::FromNDAlloc(MappedStorage{file, param.offset},
                                  ffi::ShapeView(param.shape.data(), param.shape.size()), dtype,
                                  DLDevice{kDLCPU, 0});
}

void ReadAll(const Shards& shards, int64_t total, const LoadProgress& progress) {
  int64_t done = 0;
  progress.Advance("weights", 0, total);
  for (const auto& shard : shards) {
    const int64_t size = static_cast<int64_t>(shard->size());
    for (int64_t offset = 0; offset < size; offset += kReadStep) {
      const int64_t step = std::min(kReadStep, size - offset);
      shard->Prefault(offset, step);
      done += step;
      progress.Advance("weights", done, total);
    }
  }
}

/*! \brief A tensor of `param`'s bytes as kernels of devices take it. */
ffi::Tensor AllocateParameter(const ffi::Tensor& param, DLDevice device) {
  if (param.ndim() == 1) {
    return AllocateTensor(ffi::Shape({param.size(0)}), param.dtype(), device);
  }
  constexpr DLDataType kWord{kDLInt, 32, 1};
  const int64_t elements = param.size(2) * (param.dtype().bits / 8);
  return AllocateTensor(ffi::Shape({param.size(0), param.size(1), elements / 4}), kWord, device);
}

ffi::Array<ffi::Tensor> Upload(const ffi::Array<ffi::Tensor>& params, const ModelConfig& config,
                               const LoadProgress& progress) {
  const int64_t total = config.weight_bytes();
  int64_t done = 0;
  ffi::Array<ffi::Tensor> uploaded;
  for (size_t i = 0; i < config.params.size(); ++i) {
    const int64_t bytes = config.params[i].bytes;
    const ffi::Tensor& param = params[i];
    ffi::Tensor there = AllocateParameter(param, config.device);
    for (int64_t offset = 0; offset < bytes; offset += kReadStep) {
      progress.Advance("weights", done + offset, total);
      CopyToTensor(static_cast<const uint8_t*>(param.data_ptr()) + offset,
                   std::min(kReadStep, bytes - offset), there, offset);
    }
    done += bytes;
    uploaded.push_back(there);
  }
  progress.Advance("weights", total, total);
  return uploaded;
}

}  // namespace

ffi::Array<ffi::Tensor> LoadWeights(const ModelConfig& config, const LoadProgress& progress) {
  Shards shards;
  for (const ShardConfig& shard : config.shards) shards.push_back(OpenShard(shard));
  ffi::Array<ffi::Tensor> params;
  for (const ParameterConfig& param : config.params) params.push_back(MakeTensor(param, shards));
  if (!IsCpu(config.device)) return Upload(params, config, progress);
  ReadAll(shards, config.weight_bytes(), progress);
  if (config.lock_memory) {
    for (const auto& shard : shards) shard->Lock();
  }
  return params;
}

}  // namespace node_mlc
