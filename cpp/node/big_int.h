/*!
 * \file node/big_int.h
 * \brief JavaScript bigints and TVM's integers of any size.
 */
#ifndef NODE_MLC_NODE_BIG_INT_H_
#define NODE_MLC_NODE_BIG_INT_H_

#include <node_api.h>
#include <tvm/ffi/any.h>

namespace node_mlc {

/*! \brief An Int where the value fits into 64 signed bits, else an ffi.BigInt. */
tvm::ffi::Any BigIntToFfi(napi_env env, napi_value value);

/*! \brief A bigint from an ffi.BigInt. */
napi_value BigIntToJs(napi_env env, const tvm::ffi::Any& value);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_BIG_INT_H_
