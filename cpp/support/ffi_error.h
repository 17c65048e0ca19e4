/*!
 * \file support/ffi_error.h
 * \brief The project's view of TVM's errors.
 */
#ifndef NODE_MLC_SUPPORT_FFI_ERROR_H_
#define NODE_MLC_SUPPORT_FFI_ERROR_H_

#include <tvm/ffi/error.h>

#include <string>

#include "support/coded_error.h"

namespace node_mlc {

/*!
 * \brief The same error under the project's code: device runtimes have our codes as their kinds
 * (device/device_error.h), anything else is ERR_NATIVE with the kind in the message.
 */
inline CodedError CodedFfiError(const tvm::ffi::Error& error) {
  const std::string kind(error.kind());
  const std::string message(error.message());
  if (kind.compare(0, 4, "ERR_") == 0) return CodedError(kind, message);
  return CodedError("ERR_NATIVE", kind + ": " + message);
}

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_FFI_ERROR_H_
