/*!
 * \file device/vulkan/wgsl_compiler.h
 * \brief WGSL, which TVM generates, to SPIR-V, which drivers take.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_WGSL_COMPILER_H_
#define NODE_MLC_DEVICE_VULKAN_WGSL_COMPILER_H_

#include <string>

namespace node_mlc::vulkan {

/*!
 * \brief SPIR-V of a kernel, by the library node_mlc_wgsl beside this one. Thread safe.
 * \param kernel For messages.
 * Throws "ERR_COMPILER_NOT_FOUND" where the library is missing, "ERR_COMPILE" with the place of an
 * error in the source.
 */
std::string CompileWgsl(const std::string& kernel, const std::string& source);

/*! \brief Why CompileWgsl() cannot work here; empty where it can. */
const std::string& MissingWgslCompiler();

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_WGSL_COMPILER_H_
