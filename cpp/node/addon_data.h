/*!
 * \file node/addon_data.h
 * \brief What the addon keeps for one environment (the main thread or one worker). There are no
 * static JS references.
 */
#ifndef NODE_MLC_NODE_ADDON_DATA_H_
#define NODE_MLC_NODE_ADDON_DATA_H_

#include <node_api.h>

#include <array>
#include <memory>

#include "engine/thread_pool.h"
#include "node/reference_reaper.h"

namespace node_mlc {

class EngineSession;
struct ValueHandle;

/*! \brief The JavaScript classes whose instances are made by C++. */
enum class WrapClass { kObject, kFunction, kModule, kTensor, kFloat, kDType, kDevice, kShape };
inline constexpr size_t kWrapClassCount = 8;

/*! \brief State of one environment. */
struct AddonData {
  /*! \brief Makes the state of `env`; it lives until the environment is torn down. */
  static AddonData* Create(napi_env env);

  /*! \brief The state of `env`, or nullptr when the environment is going away. */
  static AddonData* Get(napi_env env);

  /*! \brief Constructors by WrapClass. */
  std::array<napi_ref, kWrapClassCount> classes{};

  /*! \brief The longest ArrayBuffer of this runtime (buffer.constants.MAX_LENGTH); set by
   * lib/ffi/native.ts. */
  double max_view_bytes = 0x7fffffff;

  /*! \brief (code, message, details) => MlcError; set by lib/ffi/native.ts. */
  napi_ref error_factory = nullptr;

  /*! \brief The handle that the constructor being run must adopt; null when JavaScript calls the
   * constructor itself. */
  ValueHandle* handle_under_construction = nullptr;

  /*! \brief Constructor of NativeEngine. */
  napi_ref engine_class = nullptr;

  /*! \brief The session that the NativeEngine being constructed must adopt. */
  const std::shared_ptr<EngineSession>* engine_under_construction = nullptr;

  /*! \brief Threads of the kernels that JavaScript itself calls; null until useThreads(). */
  std::unique_ptr<ThreadPool> pool;

  /*! \brief Shared with callbacks and errors held by TVM, which may outlive the environment. */
  std::shared_ptr<ReferenceReaper> reaper;
};

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_ADDON_DATA_H_
