/*!
 * \file device/vulkan/shader.h
 * \brief What a SPIR-V module needs of a device. Knows nothing of a device.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_SHADER_H_
#define NODE_MLC_DEVICE_VULKAN_SHADER_H_

#include <cstdint>
#include <optional>
#include <string>

namespace node_mlc::vulkan {

struct ShaderNeeds {
  /*! \brief Name of the last entry point; kernels have one. */
  std::string entry_point;
  uint32_t threads[3] = {1, 1, 1};
  /*! \brief Bytes that a group of threads shares. */
  uint64_t shared_memory = 0;
  bool float16 = false;
  bool float64 = false;
  bool int64 = false;
  bool subgroups = false;
  /*! \brief Products of four packed 8-bit integers in one instruction. */
  bool integer_dot_product = false;
};

/*! \brief Whether the bytes begin as SPIR-V does (in this machine's byte order). */
bool IsSpirv(const std::string& bytes);

/*! \brief Reads a module with one entry point; nothing where it is damaged. */
std::optional<ShaderNeeds> ReadShaderNeeds(const std::string& spirv);

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_SHADER_H_
