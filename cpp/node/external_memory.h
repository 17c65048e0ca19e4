/*!
 * \file node/external_memory.h
 * \brief ArrayBuffers over memory that C++ owns.
 */
#ifndef NODE_MLC_NODE_EXTERNAL_MEMORY_H_
#define NODE_MLC_NODE_EXTERNAL_MEMORY_H_

#include <node_api.h>

#include <cstring>
#include <memory>
#include <string>

#include "node/addon_data.h"
#include "node/error_conversion.h"

namespace node_mlc {

/*! \brief Throws ERR_INVALID_ARGUMENT for more bytes than one ArrayBuffer of this runtime can show.
 */
inline void RequireViewable(napi_env env, size_t size) {
  const AddonData* data = AddonData::Get(env);
  if (data == nullptr) throw JsExceptionPending();
  if (static_cast<double>(size) <= data->max_view_bytes) return;
  throw CodedError("ERR_INVALID_ARGUMENT",
                   "Expected at most " +
                       std::to_string(static_cast<uint64_t>(data->max_view_bytes)) +
                       " bytes, the longest array of this JavaScript runtime, but received " +
                       std::to_string(size) + ". View or map a part at a time.");
}

/*!
 * \brief An ArrayBuffer over [data, data + size) that keeps `owner` alive until it is collected.
 *
 * Where the runtime forbids external buffers (Electron's memory cage) it is a copy: writes through
 * it are then lost, which `copied` reports.
 */
template <typename Owner>
napi_value MakeExternalArrayBuffer(napi_env env, void* data, size_t size,
                                   std::unique_ptr<Owner> owner, bool* copied = nullptr) {
  napi_value buffer;
  if (copied != nullptr) *copied = false;
  RequireViewable(env, size);
  if (size > 0) {
    const napi_status status = napi_create_external_arraybuffer(
        env, data, size, [](napi_env, void*, void* hint) { delete static_cast<Owner*>(hint); },
        owner.get(), &buffer);
    if (status == napi_ok) {
      owner.release();
      return buffer;
    }
    if (status != napi_no_external_buffers_allowed) {
      owner.release();  // Node may have run the finalizer already: better a leak than a double free
      Check(env, status);
    }
    if (copied != nullptr) *copied = true;
  }
  void* target = nullptr;
  Check(env, napi_create_arraybuffer(env, size, &target, &buffer));
  if (size > 0) std::memcpy(target, data, size);
  return buffer;
}

/*! \brief Bytes of one element. */
size_t TypedArrayElementBytes(napi_typedarray_type type);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_EXTERNAL_MEMORY_H_
