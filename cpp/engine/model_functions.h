/*!
 * \file engine/model_functions.h
 * \brief The functions of a compiled model, resolved once.
 */
#ifndef NODE_MLC_ENGINE_MODEL_FUNCTIONS_H_
#define NODE_MLC_ENGINE_MODEL_FUNCTIONS_H_

#include <dlpack/dlpack.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/object.h>

#include <string>

namespace node_mlc {

/*!
 * \brief A loaded library and its virtual machine; none of the functions but `encode` is null; of
 * an encoder `embed` and `encode` are there and the others null.
 *
 * The machine keeps registers between calls, so all calls come from one thread. Members are
 * destroyed from the last to the first: the library goes when nothing refers to its code any more.
 */
struct ModelFunctions {
  /*! \brief Loads `path` to run on `device`; throws CodedError(ERR_INVALID_PACKAGE) when it is
   * absent, damaged, or no model library. */
  static ModelFunctions Load(const std::string& path, bool encoder, DLDevice device);

  /*! \brief The loaded library. */
  tvm::ffi::ObjectRef library;
  /*! \brief Its virtual machine. */
  tvm::ffi::ObjectRef machine;
  /*! \brief (ids i32[n], params) -> f32[n, hidden] */
  tvm::ffi::Function embed;
  /*! \brief One row of one sequence; the signature of all three is that of batch_prefill. */
  tvm::ffi::Function decode;
  /*! \brief One row of each of b sequences. */
  tvm::ffi::Function batch_decode;
  /*! \brief (x f32[n, hidden], q_indptr i32[b+1], positions i32[n], page_indptr i32[b+1],
   * page_indices i32[p], logit_rows i32[m], kv_pages, params) -> f32[m, vocab] */
  tvm::ffi::Function batch_prefill;
  /*! \brief batch_prefill with the rows after the final norm, f32[m, hidden]; null in a library
   * that was compiled before embeddings. */
  tvm::ffi::Function encode;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_MODEL_FUNCTIONS_H_
