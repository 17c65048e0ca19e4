/*!
 * \file vulkan_command_test.cc
 * \brief What the Vulkan runtime works out about commands and kernels, without a device.
 */
#include <tvm/ffi/error.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "device/vulkan/folded_groups.h"
#include "device/vulkan/hazard_tracker.h"
#include "device/vulkan/pipeline_cache.h"
#include "device/vulkan/shader.h"
#include "device/vulkan/vulkan_error.h"

using namespace node_mlc::vulkan;  // NOLINT: the names of one small room

namespace {

const int kMemories[2] = {};

MemoryAccess Reads(uint64_t begin, uint64_t end, int memory = 0) {
  return {&kMemories[memory], begin, end, false};
}

MemoryAccess Writes(uint64_t begin, uint64_t end, int memory = 0) {
  return {&kMemories[memory], begin, end, true};
}

uint32_t Instruction(uint32_t code, uint32_t words) { return words << 16 | code; }

/*! \brief A module of these instructions. */
std::string Spirv(const std::vector<uint32_t>& instructions) {
  std::vector<uint32_t> words = {0x07230203, 0x00010300, 0, 100, 0};
  words.insert(words.end(), instructions.begin(), instructions.end());
  std::string bytes(words.size() * 4, '\0');
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

}  // namespace

TEST("hazards: reads side by side need no barrier, writes to what was touched do") {
  HazardTracker hazards;
  CHECK(!hazards.Add({Reads(0, 100), Writes(100, 200)}));
  CHECK(!hazards.Add({Reads(0, 100), Writes(200, 300)}));
  CHECK(hazards.Add({Reads(199, 200), Writes(300, 400)}));  // read after write
  CHECK(!hazards.Add({Reads(0, 100), Writes(400, 500)}));   // ordered by that barrier
  CHECK(hazards.Add({Writes(0, 10)}));                      // write after read
  CHECK(hazards.Add({Writes(9, 20)}));                      // write after write
  CHECK(!hazards.Add({Writes(20, 30), Reads(20, 30)}));     // within one command
  CHECK(!hazards.Add({Writes(0, 1000, 1)}));                // another memory
}

TEST("hazards: what is remembered is bounded") {
  HazardTracker hazards;
  int barriers = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    barriers += hazards.Add({Writes(i, i + 1)}) ? 1 : 0;
    CHECK(hazards.size() <= 96);
  }
  CHECK_EQUAL(barriers, 10);
}

TEST("groups: folded along two axes, each within the limit, nothing left out") {
  for (const uint64_t groups : {1ull, 65535ull, 65536ull, 65537ull, 131070ull, 131071ull,
                                1000003ull, 65535ull * 65535ull}) {
    const FoldedGroups folded = FoldGroups(groups);
    const uint64_t all = uint64_t{folded.x} * folded.z;
    CHECK(folded.x <= kMostGroups && folded.z <= kMostGroups);
    CHECK(all >= groups && all < groups + folded.z);
  }
  CHECK_EQUAL(FoldGroups(65535).z, 1u);
}

TEST("shader: threads, shared memory and features are read") {
  const auto needs = ReadShaderNeeds(Spirv({
      Instruction(17, 2), 1,                            // Shader
      Instruction(17, 2), 9,                            // Float16
      Instruction(17, 2), 61,                           // GroupNonUniform
      Instruction(15, 6), 5,  4,  0x6e69616d, 0x6c, 7,  // entry point "mainl", with one more word
      Instruction(16, 6), 1,  17, 64,         2,    1,  // LocalSize
      Instruction(22, 3), 10, 16,                       // half
      Instruction(23, 4), 11, 10, 4,                    // vector of 4
      Instruction(21, 4), 12, 32, 0,                    // uint
      Instruction(43, 4), 12, 13, 100,                  // 100
      Instruction(28, 4), 14, 11, 13,                   // array
      Instruction(32, 4), 15, 4,  14,                   // pointer to shared memory
      Instruction(59, 4), 15, 16, 4,                    // variable
      Instruction(32, 4), 17, 6,  14,                   // pointer to private memory
      Instruction(59, 4), 17, 18, 6,                    // variable
  }));
  CHECK(needs.has_value());
  CHECK_EQUAL(needs->threads[0] * 10000 + needs->threads[1] * 100 + needs->threads[2], 640201u);
  CHECK_EQUAL(needs->entry_point, "mainl");
  CHECK_EQUAL(needs->shared_memory, 800u);
  CHECK(needs->float16 && needs->subgroups && !needs->int64 && !needs->float64);
  CHECK(!needs->integer_dot_product);
  CHECK(ReadShaderNeeds(Spirv({Instruction(17, 2), 6018}))->integer_dot_product);
}

TEST("shader: what is no SPIR-V, or ends too early, is refused") {
  CHECK(!ReadShaderNeeds("").has_value());
  CHECK(!ReadShaderNeeds("@compute fn main() {}").has_value());
  CHECK(!IsSpirv("@compute"));
  CHECK(IsSpirv(Spirv({})));
  CHECK(!ReadShaderNeeds(Spirv({Instruction(17, 2)})).has_value());
  CHECK(!ReadShaderNeeds(Spirv({Instruction(59, 2), 1})).has_value());
  CHECK(!ReadShaderNeeds(Spirv({0})).has_value());
  CHECK(!ReadShaderNeeds(Spirv({Instruction(17, 2), 1}) + "x").has_value());
}

TEST("pipeline cache: data of another device or driver, or damaged ones, are not taken") {
  DeviceProperties device;
  device.vendor_id = 7;
  device.device_id = 9;
  for (int i = 0; i < 16; ++i) device.cache_uuid[i] = static_cast<uint8_t>(i);
  const uint32_t numbers[] = {32, 1, 7, 9};
  std::string data(32, '\0');
  std::memcpy(data.data(), numbers, sizeof numbers);
  std::memcpy(data.data() + 16, device.cache_uuid, 16);
  CHECK(IsCacheOf(device, data) && IsCacheOf(device, data + "more"));
  CHECK(!IsCacheOf(device, "") && !IsCacheOf(device, data.substr(0, 31)));
  for (size_t i = 0; i < data.size(); ++i) {
    std::string changed = data;
    changed[i] ^= 0x40;
    CHECK(!IsCacheOf(device, changed));
  }
}

TEST("results: each kind of failure has its code") {
  CHECK_EQUAL(std::string(ResultKind(VK_ERROR_OUT_OF_DEVICE_MEMORY)), "ERR_INSUFFICIENT_MEMORY");
  CHECK_EQUAL(std::string(ResultKind(VK_ERROR_TOO_MANY_OBJECTS)), "ERR_INSUFFICIENT_MEMORY");
  CHECK_EQUAL(std::string(ResultKind(VK_ERROR_DEVICE_LOST)), "ERR_DEVICE_LOST");
  CHECK_EQUAL(std::string(ResultKind(VK_ERROR_INCOMPATIBLE_DRIVER)), "ERR_DEVICE_UNAVAILABLE");
  CHECK_EQUAL(std::string(ResultKind(VK_ERROR_UNKNOWN)), "ERR_NATIVE");
  CHECK_EQUAL(ResultText(VK_ERROR_DEVICE_LOST), "VK_ERROR_DEVICE_LOST (-4)");
  CHECK_EQUAL(ResultText(static_cast<VkResult>(-77)), "result -77");
  CheckResult(VK_SUCCESS, "do nothing");
  CHECK_THROWS(tvm::ffi::Error, CheckResult(VK_ERROR_DEVICE_LOST, "submit commands"), message);
  CHECK(message.find("submit commands") != std::string::npos);
}
