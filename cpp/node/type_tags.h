/*!
 * \file node/type_tags.h
 * \brief Every napi_type_tag of the addon, together, so that no value is used twice.
 *
 * A native method may be borrowed onto a foreign object (`FfiObject.prototype.field.call({})`), and
 * a foreign addon may wrap its own pointer in an object that is handed to us. The tag is checked
 * before any pointer is read. The values are random: two copies of this addon (two versions in one
 * process) must not accept each other's objects, so a change of the layout of a tagged class needs
 * a new value.
 */
#ifndef NODE_MLC_NODE_TYPE_TAGS_H_
#define NODE_MLC_NODE_TYPE_TAGS_H_

#include <node_api.h>

namespace node_mlc {

/*! \brief ValueHandle (value_handle.h): every FFI object, function, module, tensor and typed
 * literal. */
inline constexpr napi_type_tag kValueHandleTag = {0x6d1f0c5b8e2a4f97ull, 0xb3c84417d95ae260ull};

/*! \brief EngineWrap (engine_wrap.h). */
inline constexpr napi_type_tag kEngineTag = {0x92ab6f0e417d4c3bull, 0x8a10e5f73cd26b94ull};

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_TYPE_TAGS_H_
