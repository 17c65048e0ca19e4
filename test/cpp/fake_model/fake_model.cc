/*!
 * \file fake_model.cc
 * \brief A library with the functions of a compiled model and no mathematics: tests of the engine
 * need no compiler.
 *
 * Like attention it derives its logits from what it finds in the KV pages of a sequence: any wrong
 * page, position or order gives other tokens. Parameter 0 is float32[8]: {vocabulary, highest
 * logit, milliseconds a step takes, token that makes a step fail, token that makes logits NaN, 0,
 * 0, 0}. The KV dtype is float32.
 */
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

namespace ffi = tvm::ffi;

namespace {

constexpr int64_t kHidden = 16;
constexpr DLDataType kFloat32{kDLFloat, 32, 1};

struct HeapStorage {
  void AllocData(DLTensor* tensor) {
    size_t bytes = (ffi::GetDataSize(*tensor) + 63) / 64 * 64;
    tensor->data = std::aligned_alloc(64, bytes);
  }
  void FreeData(DLTensor* tensor) { std::free(tensor->data); }
};

using Params = ffi::Array<ffi::Tensor>;

float Setting(const Params& params, int index) {
  return static_cast<const float*>(params[0].data_ptr())[index];
}

ffi::Tensor MakeMatrix(int64_t rows, int64_t columns) {
  return ffi::Tensor::FromNDAlloc(HeapStorage(), ffi::Shape({rows, columns}), kFloat32,
                                  DLDevice{kDLCPU, 0});
}

ffi::Tensor Embed(ffi::Tensor ids, Params params) {
  ffi::Tensor hidden = MakeMatrix(ids.size(0), kHidden);
  const auto* id = static_cast<const int32_t*>(ids.data_ptr());
  auto* row = static_cast<float*>(hidden.data_ptr());
  for (int64_t i = 0; i < ids.size(0); ++i) row[i * kHidden] = static_cast<float>(id[i]);
  return hidden;
}

/*! \brief One call of decode, batch_decode or batch_prefill. */
class Step {
 public:
  Step(const ffi::Tensor& x, const ffi::Tensor& q_indptr, const ffi::Tensor& positions,
       const ffi::Tensor& page_indptr, const ffi::Tensor& page_indices, const ffi::Tensor& pages)
      : x_(static_cast<const float*>(x.data_ptr())),
        q_indptr_(Ints(q_indptr)),
        positions_(Ints(positions)),
        page_indptr_(Ints(page_indptr)),
        page_indices_(Ints(page_indices)),
        sequences_(q_indptr.size(0) - 1),
        pages_(static_cast<float*>(pages.data_ptr())),
        page_stride_(pages.numel() / pages.size(0)) {}

  void Write(const Params& params) {
    for (int64_t s = 0; s < sequences_; ++s) {
      for (int32_t row = q_indptr_[s]; row < q_indptr_[s + 1]; ++row) {
        const float token = x_[row * kHidden];
        if (token == Setting(params, 3))
          TVM_FFI_THROW(ValueError) << "the fake model was told to fail";
        *Slot(s, positions_[row]) = token;
      }
    }
  }

  /*! \brief The last token that `row` sees, and a hash of all that it sees. */
  std::pair<float, uint32_t> Look(int32_t row) {
    int64_t s = 0;
    while (q_indptr_[s + 1] <= row) ++s;
    uint32_t hash = 17;
    float token = 0;
    for (int32_t p = 0; p <= positions_[row]; ++p) {
      token = *Slot(s, p);
      hash = (hash * 31 + static_cast<uint32_t>(token) + 1) * 2654435761u;
      hash ^= hash >> 15;
    }
    return {token, hash};
  }

 private:
  static const int32_t* Ints(const ffi::Tensor& tensor) {
    return static_cast<const int32_t*>(tensor.data_ptr());
  }

  float* Slot(int64_t sequence, int32_t position) {
    const int32_t index = page_indptr_[sequence] + position / 16;
    if (index >= page_indptr_[sequence + 1]) TVM_FFI_THROW(IndexError) << "position without page";
    return pages_ + page_indices_[index] * page_stride_ + position % 16;
  }

  const float* x_;
  const int32_t *q_indptr_, *positions_, *page_indptr_, *page_indices_;
  int64_t sequences_;
  float* pages_;
  int64_t page_stride_;
};

ffi::Tensor Forward(bool all_rows, ffi::Tensor x, ffi::Tensor q_indptr, ffi::Tensor positions,
                    ffi::Tensor page_indptr, ffi::Tensor page_indices, ffi::Tensor logit_rows,
                    ffi::Tensor pages, Params params) {
  const auto delay = std::chrono::duration<float, std::milli>(Setting(params, 2));
  if (delay.count() > 0) std::this_thread::sleep_for(delay);
  Step step(x, q_indptr, positions, page_indptr, page_indices, pages);
  step.Write(params);
  const int64_t rows = all_rows ? x.size(0) : logit_rows.size(0);
  const auto vocab = static_cast<int64_t>(Setting(params, 0));
  ffi::Tensor logits = MakeMatrix(rows, vocab);
  auto* out = static_cast<float*>(logits.data_ptr());
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t row = all_rows ? i : static_cast<const int32_t*>(logit_rows.data_ptr())[i];
    const auto [token, hash] = step.Look(static_cast<int32_t>(row));
    for (int64_t v = 0; v < vocab; ++v) {
      out[i * vocab + v] = static_cast<float>((hash + v * 7) % vocab) / static_cast<float>(vocab);
    }
    out[i * vocab + hash % vocab] = Setting(params, 1);
    if (token == Setting(params, 4)) out[i * vocab] = std::nanf("");
  }
  return logits;
}

/*! \brief Hidden rows: a token, then numbers that depend on all that it sees. */
ffi::Tensor Encode(ffi::Tensor x, ffi::Tensor q_indptr, ffi::Tensor positions,
                   ffi::Tensor page_indptr, ffi::Tensor page_indices, ffi::Tensor logit_rows,
                   ffi::Tensor pages, Params params) {
  const auto delay = std::chrono::duration<float, std::milli>(Setting(params, 2));
  if (delay.count() > 0) std::this_thread::sleep_for(delay);
  Step step(x, q_indptr, positions, page_indptr, page_indices, pages);
  step.Write(params);
  ffi::Tensor hidden = MakeMatrix(logit_rows.size(0), kHidden);
  auto* out = static_cast<float*>(hidden.data_ptr());
  for (int64_t i = 0; i < logit_rows.size(0); ++i) {
    const auto [token, hash] = step.Look(static_cast<const int32_t*>(logit_rows.data_ptr())[i]);
    out[i * kHidden] = token == Setting(params, 4) ? std::nanf("") : token;
    for (int64_t v = 1; v < kHidden; ++v) {
      out[i * kHidden + v] = static_cast<float>((hash + v * 7) % 1000) / 1000.0f;
    }
  }
  return hidden;
}

ffi::Function MakeForward(bool all_rows) {
  return ffi::Function::FromTyped([all_rows](ffi::Tensor x, ffi::Tensor q_indptr,
                                             ffi::Tensor positions, ffi::Tensor page_indptr,
                                             ffi::Tensor page_indices, ffi::Tensor logit_rows,
                                             ffi::Tensor pages, Params params) {
    return Forward(all_rows, x, q_indptr, positions, page_indptr, page_indices, logit_rows, pages,
                   params);
  });
}

class FakeMachine final : public ffi::ModuleObj {
 public:
  const char* kind() const final { return "fake"; }
  ffi::Optional<ffi::Function> GetFunction(const ffi::String& name) final {
    if (name == "vm_initialization") {
      return ffi::Function::FromPacked([](ffi::PackedArgs, ffi::Any*) {});
    }
    if (name == "embed") return ffi::Function::FromTyped(Embed);
    if (name == "decode" || name == "batch_decode") return MakeForward(true);
    if (name == "batch_prefill") return MakeForward(false);
    if (name == "encode") return ffi::Function::FromTyped(Encode);
    return std::nullopt;
  }
};

ffi::Module LoadExecutable() { return ffi::Module(ffi::make_object<FakeMachine>()); }

}  // namespace

TVM_FFI_DLL_EXPORT_TYPED_FUNC(vm_load_executable, LoadExecutable);
