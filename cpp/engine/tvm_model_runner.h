/*!
 * \file engine/tvm_model_runner.h
 * \brief Runs a compiled model.
 */
#ifndef NODE_MLC_ENGINE_TVM_MODEL_RUNNER_H_
#define NODE_MLC_ENGINE_TVM_MODEL_RUNNER_H_

#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tensor.h>

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "engine/kv_cache.h"
#include "engine/load_progress.h"
#include "engine/model_config.h"
#include "engine/model_functions.h"
#include "engine/model_runner.h"
#include "engine/thread_pool.h"

namespace node_mlc {

/*! \brief int32 arguments of fixed capacity in a device's memory; a step sees as much of them as it
 * needs, as a view. */
class IntArgument {
 public:
  IntArgument(int64_t capacity, DLDevice device);

  /*! \brief Copies `values` in and returns a view [values.size()], valid until the next call. The
   * view is the last one where the size is the same, as it is from one decode step to the next. */
  tvm::ffi::Tensor Fill(const std::vector<int32_t>& values);

 private:
  tvm::ffi::Tensor storage_;
  tvm::ffi::Tensor view_;
};

/*!
 * \brief ModelRunner over a compiled library, mapped weights and the KV cache.
 *
 * Everything a step needs is allocated at load, except the results of the compiled functions, which
 * come from TVM's pooled allocator. Engine thread only, from construction to destruction.
 */
class TvmModelRunner final : public ModelRunner {
 public:
  /*! \brief Loads the model and runs one token through it; throws CodedError as its parts do. */
  static std::unique_ptr<TvmModelRunner> Load(const ModelConfig& config,
                                              const LoadProgress& progress);
  ~TvmModelRunner() override;

  /*! \brief Threads that compute. */
  int32_t threads() const { return ThreadPool::Current()->threads(); }

  Logits Forward(const StepInput& input) override;
  HiddenRows Encode(const StepInput& input) override;
  int64_t page_bytes() const override { return kv_cache_.page_bytes(); }
  void ReadPage(int32_t page, uint8_t* data) override { kv_cache_.Read(page, data); }
  void WritePage(int32_t page, const uint8_t* data) override { kv_cache_.Write(page, data); }
  void ReleasePages(int32_t begin, int32_t end) override { kv_cache_.Decommit(begin, end); }

 private:
  TvmModelRunner(const ModelConfig& config, ModelFunctions functions,
                 tvm::ffi::Array<tvm::ffi::Tensor> params);

  tvm::ffi::Tensor Embed(const std::vector<int32_t>& tokens);
  const tvm::ffi::Function& FunctionFor(const StepInput& input) const;
  /*! \brief Calls `function` with the arguments of a step; throws CodedError. */
  void Run(const tvm::ffi::Function& function, const StepInput& input);
  /*! \brief The result's values in host memory; throws CodedError unless it is float32 [rows,
   * columns]. */
  float* CheckResult(int64_t rows, int64_t columns);
  float* CopyResult();
  void LimitPool(int64_t result_bytes);
  void WarmUp();

  const ModelConfig config_;
  // Current on the engine thread, where the compiled loops find it. Null in a second model, which
  // computes on the threads of the first and is destroyed before it.
  const std::unique_ptr<ThreadPool> pool_;
  // The library outlives everything that came out of it.
  ModelFunctions functions_;
  tvm::ffi::Array<tvm::ffi::Tensor> params_;
  KvCache kv_cache_;
  IntArgument tokens_, q_indptr_, positions_, page_indptr_, page_indices_, logit_rows_;
  std::vector<int32_t> padded_tokens_;
  /*! \brief What the last function gave, and a copy of it where that is not in host memory. */
  tvm::ffi::Tensor result_;
  std::vector<float> result_copy_;
  int64_t hidden_size_ = 0;
  std::set<int64_t> result_sizes_;
  int64_t pooled_bytes_ = 0;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_TVM_MODEL_RUNNER_H_
