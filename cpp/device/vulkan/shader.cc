/*!
 * \file device/vulkan/shader.cc
 * \brief Reads the few instructions of SPIR-V (Khronos, version 1.3) that tell what a kernel needs.
 */
#include "device/vulkan/shader.h"

#include <cstring>
#include <unordered_map>
#include <vector>

namespace node_mlc::vulkan {

namespace {

constexpr uint32_t kMagic = 0x07230203;
constexpr size_t kHeaderWords = 5;

enum Instruction : uint32_t {
  kEntryPoint = 15,
  kExecutionMode = 16,
  kCapability = 17,
  kTypeBool = 20,
  kTypeInt = 21,
  kTypeFloat = 22,
  kTypeVector = 23,
  kTypeArray = 28,
  kTypePointer = 32,
  kConstant = 43,
  kVariable = 59,
};
enum Capability : uint32_t {
  kFloat16 = 9,
  kFloat64 = 10,
  kInt64 = 11,
  kGroupNonUniform = 61,
  kGroupNonUniformQuad = 68,
  kStorageBuffer16BitAccess = 4433,
  kDotProductInputAll = 6016,
  kDotProduct = 6019,
};
constexpr uint32_t kLocalSize = 17;
constexpr uint32_t kWorkgroup = 4;

/*! \brief A text of up to `count` words, which ends with a zero byte. */
std::string Text(const uint32_t* words, size_t count) {
  const std::string bytes(reinterpret_cast<const char*>(words), count * 4);
  return bytes.substr(0, bytes.find('\0'));
}

/*! \brief Reads instruction after instruction; ids of types and constants by what they are worth.
 */
class Reader {
 public:
  void Read(uint32_t instruction, const uint32_t* words, size_t count) {
    switch (instruction) {
      case kCapability:
        return ReadCapability(words[1]);
      case kEntryPoint:
        needs.entry_point = Text(words + 3, count - 3);
        return;
      case kExecutionMode:
        if (count == 6 && words[2] == kLocalSize) std::memcpy(needs.threads, words + 3, 12);
        return;
      case kTypeBool:
        sizes_[words[1]] = 4;
        return;
      case kTypeInt:
      case kTypeFloat:
        sizes_[words[1]] = words[2] / 8;
        return;
      case kTypeVector:
        sizes_[words[1]] = sizes_[words[2]] * words[3];
        return;
      case kTypeArray:
        sizes_[words[1]] = sizes_[words[2]] * constants_[words[3]];
        return;
      case kTypePointer:
        if (words[2] == kWorkgroup) sizes_[words[1]] = sizes_[words[3]];
        return;
      case kConstant:
        constants_[words[2]] = words[3];
        return;
      case kVariable:
        if (words[3] == kWorkgroup) needs.shared_memory += sizes_[words[1]];
        return;
      default:
        return;
    }
  }

  ShaderNeeds needs;

 private:
  void ReadCapability(uint32_t capability) {
    needs.float16 |= capability == kFloat16 || capability == kStorageBuffer16BitAccess;
    needs.float64 |= capability == kFloat64;
    needs.int64 |= capability == kInt64;
    needs.integer_dot_product |= capability >= kDotProductInputAll && capability <= kDotProduct;
    needs.subgroups |= capability >= kGroupNonUniform && capability <= kGroupNonUniformQuad;
  }

  std::unordered_map<uint32_t, uint64_t> sizes_;
  std::unordered_map<uint32_t, uint32_t> constants_;
};

/*! \brief Words of the shortest form of an instruction that is read. */
size_t LeastWords(uint32_t instruction) {
  switch (instruction) {
    case kCapability:
    case kTypeBool:
      return 2;
    case kExecutionMode:
    case kTypeFloat:
      return 3;
    case kEntryPoint:
    case kTypeInt:
    case kTypeVector:
    case kTypeArray:
    case kTypePointer:
    case kConstant:
    case kVariable:
      return 4;
    default:
      return 1;
  }
}

}  // namespace

bool IsSpirv(const std::string& bytes) {
  uint32_t magic = 0;
  if (bytes.size() < sizeof magic) return false;
  std::memcpy(&magic, bytes.data(), sizeof magic);
  return magic == kMagic;
}

std::optional<ShaderNeeds> ReadShaderNeeds(const std::string& spirv) {
  if (!IsSpirv(spirv) || spirv.size() % 4 != 0) return std::nullopt;
  std::vector<uint32_t> words(spirv.size() / 4);
  std::memcpy(words.data(), spirv.data(), spirv.size());
  Reader reader;
  for (size_t at = kHeaderWords; at < words.size();) {
    const uint32_t instruction = words[at] & 0xffff;
    const size_t count = words[at] >> 16;
    if (count < LeastWords(instruction) || count > words.size() - at) return std::nullopt;
    reader.Read(instruction, &words[at], count);
    at += count;
  }
  return reader.needs;
}

}  // namespace node_mlc::vulkan
