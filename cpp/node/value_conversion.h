/*!
 * \file node/value_conversion.h
 * \brief JavaScript values to FFI values and back. The rules are listed in lib/ffi/value.ts.
 */
#ifndef NODE_MLC_NODE_VALUE_CONVERSION_H_
#define NODE_MLC_NODE_VALUE_CONVERSION_H_

#include <node_api.h>
#include <tvm/ffi/any.h>

#include <string>
#include <vector>

#include "node/type_schema.h"

namespace node_mlc {

/*! \brief Converts for a parameter of type `schema`; throws CodedError(ERR_INVALID_ARGUMENT or
 * ERR_DISPOSED). */
tvm::ffi::Any ToFfi(napi_env env, napi_value value, const TypeSchema& schema);

/*! \brief A new JavaScript value; throws JsExceptionPending. */
napi_value ToJs(napi_env env, tvm::ffi::Any value);

/*! \brief A JavaScript string as UTF-8. */
std::string ToUtf8(napi_env env, napi_value value);

/*! \brief A JavaScript string from UTF-8. */
napi_value ToJsString(napi_env env, const std::string& text);

/*! \brief Dimensions from an array of non-negative integers or a Shape. */
std::vector<int64_t> ToShape(napi_env env, napi_value value);

/*! \brief A data type from its name ("float32") or a DType. */
DLDataType ToDataType(napi_env env, napi_value value);

/*! \brief A device from a Device or {type, index}. */
DLDevice ToDevice(napi_env env, napi_value value);

/*! \brief "cpu", "cuda", ...; "device N" for one without a name here. */
std::string DeviceTypeName(DLDeviceType type);

/*! \brief {type, index}. */
napi_value ToJsDevice(napi_env env, DLDevice device);

/*! \brief An array of numbers. */
napi_value ToJsShape(napi_env env, const int64_t* dimensions, size_t count);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_VALUE_CONVERSION_H_
