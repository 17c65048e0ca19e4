/*!
 * \file engine/tvm_model_runner.cc
 */
#include "engine/tvm_model_runner.h"

#include <tvm/ffi/function.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "engine/device_memory.h"
#include "engine/weight_loader.h"
#include "support/coded_error.h"
#include "support/ffi_error.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

constexpr DLDataType kInt32{kDLInt, 32, 1};
/*! \brief TVM's pool keeps a buffer for every size it ever served; above this it is emptied. */
constexpr int64_t kPooledResultBytes = int64_t{16} << 20;
/*! \brief Numbers of rows up to this are embedded as they are, larger ones rounded up to a power of
 * two, so that the pool sees few sizes. */
constexpr size_t kExactRows = 16;

size_t PaddedRows(size_t rows, size_t most) {
  if (rows <= kExactRows) return rows;
  size_t padded = kExactRows;
  while (padded < rows) padded *= 2;
  return std::min(padded, std::max(rows, most));
}

/*! \brief The first `rows` rows of a matrix, without a copy. */
ffi::Tensor FirstRows(const ffi::Tensor& matrix, int64_t rows) {
  if (matrix.size(0) == rows) return matrix;
  const ffi::Shape shape({rows, matrix.size(1)});
  const ffi::Shape strides({matrix.size(1), 1});
  return matrix.as_strided(shape, strides);
}

/*! \brief Threads of the kernels: one, which launches them, where another device computes. */
int32_t ThreadsFor(const ModelConfig& config) {
  return IsCpu(config.device) ? ThreadPool::SizeFor(config.threads) : 1;
}

void EmptyPool() { ffi::Function::GetGlobalRequired("vm.builtin.memory_manager.clear")(); }

}  // namespace

IntArgument::IntArgument(int64_t capacity, DLDevice device)
    : storage_(AllocateTensor(ffi::Shape({capacity}), kInt32, device)) {}

ffi::Tensor IntArgument::Fill(const std::vector<int32_t>& values) {
  const int64_t count = static_cast<int64_t>(values.size());
  if (count > storage_.size(0)) {
    throw CodedError("ERR_NATIVE", "Expected a step of at most " +
                                       std::to_string(storage_.size(0)) + " values but received " +
                                       std::to_string(count) + ".");
  }
  const int64_t bytes = count * static_cast<int64_t>(sizeof(int32_t));
  if (IsCpu(storage_.device())) {
    std::memcpy(storage_.data_ptr(), values.data(), static_cast<size_t>(bytes));
  } else {
    CopyToTensor(values.data(), bytes, storage_);
  }
  if (!view_.defined() || view_.size(0) != count) {
    view_ = storage_.as_strided(ffi::Shape({count}), ffi::Shape({1}));
  }
  return view_;
}

std::unique_ptr<TvmModelRunner> TvmModelRunner::Load(const ModelConfig& config,
                                                     const LoadProgress& progress) {
  progress.Advance("library", 0, 1);
  ModelFunctions functions = ModelFunctions::Load(config.library, config.encoder, config.device);
  progress.Advance("library", 1, 1);
  ffi::Array<ffi::Tensor> params = LoadWeights(config, progress);
  progress.Advance("cache", 0, 1);
  std::unique_ptr<TvmModelRunner> runner(
      new TvmModelRunner(config, std::move(functions), std::move(params)));
  progress.Advance("cache", 1, 1);
  progress.Advance("warmup", 0, 1);
  runner->WarmUp();
  progress.Advance("warmup", 1, 1);
  return runner;
}

TvmModelRunner::TvmModelRunner(const ModelConfig& config, ModelFunctions functions,
                               ffi::Array<ffi::Tensor> params)
    : config_(config),
      pool_(ThreadPool::Current() == nullptr ? std::make_unique<ThreadPool>(ThreadsFor(config))
                                             : nullptr),
      functions_(std::move(functions)),
      params_(std::move(params)),
      kv_cache_(config),
      tokens_(config.prefill_chunk, config.device),
      q_indptr_(config.max_batch + 1, config.device),
      positions_(config.prefill_chunk, config.device),
      page_indptr_(config.max_batch + 1, config.device),
      // Sequences share pages of a common prefix, so a step may name more than there are.
      page_indices_(int64_t{config.max_batch} *
                        std::min((config.context_length + config.page_size - 1) / config.page_size,
                                 config.pages),
                    config.device),
      logit_rows_(config.prefill_chunk, config.device) {
  if (pool_) pool_->MakeCurrent();
}

TvmModelRunner::~TvmModelRunner() {
  result_ = ffi::Tensor();
  // The machine holds the last result too; it goes before the pool is emptied.
  functions_.embed = functions_.decode = functions_.batch_decode = functions_.batch_prefill =
      functions_.encode = ffi::Function();
  functions_.machine = ffi::ObjectRef();
  EmptyPool();
}

ffi::Tensor TvmModelRunner::Embed(const std::vector<int32_t>& tokens) {
  padded_tokens_ = tokens;
  padded_tokens_.resize(PaddedRows(tokens.size(), config_.prefill_chunk), 0);
  ffi::Tensor hidden = functions_.embed(tokens_.Fill(padded_tokens_), params_).cast<ffi::Tensor>();
  LimitPool(hidden.numel() * 4);
  hidden_size_ = hidden.size(1);
  return FirstRows(hidden, static_cast<int64_t>(tokens.size()));
}

const ffi::Function& TvmModelRunner::FunctionFor(const StepInput& input) const {
  if (!input.IsDecode()) return functions_.batch_prefill;
  return input.sequences() == 1 ? functions_.decode : functions_.batch_decode;
}

Logits TvmModelRunner::Forward(const StepInput& input) {
  Run(FunctionFor(input), input);
  const auto rows = static_cast<int64_t>(input.logit_rows.size());
  return {CheckResult(rows, config_.vocab_size), rows, config_.vocab_size};
}

HiddenRows TvmModelRunner::Encode(const StepInput& input) {
  if (functions_.encode == nullptr) {
    throw CodedError("ERR_UNSUPPORTED_FIELD",
                     "Expected a library with the function 'encode' for embeddings but this one "
                     "was compiled without: compile the model again.");
  }
  Run(functions_.encode, input);
  const auto rows = static_cast<int64_t>(input.logit_rows.size());
  const int64_t columns = config_.labels > 0 ? config_.labels : hidden_size_;
  return {CheckResult(rows, columns), rows, static_cast<int32_t>(columns)};
}

void TvmModelRunner::Run(const ffi::Function& function, const StepInput& input) {
  try {
    result_ = ffi::Tensor();
    ffi::Tensor hidden = Embed(input.tokens);
    result_ = function(hidden, q_indptr_.Fill(input.q_indptr), positions_.Fill(input.positions),
                       page_indptr_.Fill(input.page_indptr), page_indices_.Fill(input.page_indices),
                       logit_rows_.Fill(input.logit_rows), kv_cache_.tensor(), params_)
                  .cast<ffi::Tensor>();
    LimitPool(result_.numel() * 4);
  } catch (const ffi::Error& error) {
    const CodedError coded = CodedFfiError(error);
    throw CodedError(coded.code(), std::string("The model failed: ") + coded.what());
  }
}

float* TvmModelRunner::CheckResult(int64_t rows, int64_t columns) {
  const DLDataType dtype = result_.dtype();
  const bool is_float = dtype.code == kDLFloat && dtype.bits == 32 && dtype.lanes == 1;
  if (!is_float || result_.ndim() != 2 || result_.size(0) != rows || result_.size(1) != columns) {
    throw CodedError("ERR_INVALID_PACKAGE", "Expected float32 [" + std::to_string(rows) + ", " +
                                                std::to_string(columns) +
                                                "] from the compiled library, but it computes "
                                                "others: the package's files do not belong "
                                                "together.");
  }
  if (!IsCpu(result_.device())) return CopyResult();
  auto* data = static_cast<char*>(result_.data_ptr()) + result_.byte_offset();
  return reinterpret_cast<float*>(data);
}

float* TvmModelRunner::CopyResult() {
  result_copy_.resize(static_cast<size_t>(result_.numel()));
  CopyFromTensor(result_, 0, result_copy_.data(), result_.numel() * 4);
  return result_copy_.data();
}

void TvmModelRunner::LimitPool(int64_t result_bytes) {
  if (!result_sizes_.insert(result_bytes).second) return;
  pooled_bytes_ += result_bytes;
  if (pooled_bytes_ <= kPooledResultBytes) return;
  EmptyPool();  // what is in use stays
  result_sizes_ = {result_bytes};
  pooled_bytes_ = result_bytes;
}

void TvmModelRunner::WarmUp() {
  // One token through page 0: a library that does not fit its weights fails here and not in the
  // first request, and the kernels' threads are awake.
  StepInput input;
  input.Clear();
  input.Add({0}, 0, 1, {0}, config_.page_size, LogitsWanted::kLast);
  input.Finish();
  try {
    if (config_.encoder) {
      Encode(input);
    } else {
      Forward(input);
    }
  } catch (const CodedError& error) {
    // What a device or its driver refuses says nothing about the package.
    if (!IsCpu(config_.device)) throw;
    throw CodedError(
        "ERR_INVALID_PACKAGE",
        std::string("Expected the compiled library to accept the package's weights. ") +
            error.what());
  }
}

}  // namespace node_mlc
