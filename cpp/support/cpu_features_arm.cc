/*!
 * \file support/cpu_features_arm.cc
 * \brief AArch64: the kernel's hardware capabilities on Linux, sysctl on macOS, a baseline on
 * Windows.
 */
#if defined(__aarch64__) || defined(_M_ARM64)

#include <algorithm>
#include <fstream>

#include "support/cpu_features.h"

#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#include <windows.h>
#endif

namespace node_mlc {

namespace {

/*! \brief Always there on the AArch64 systems that Node runs on. */
const std::vector<std::string> kBaseline = {"fp-armv8", "neon"};

#if defined(__linux__)
struct Capability {
  const char* name;
  unsigned long word;  // NOLINT(runtime/int): the type of getauxval()
  int bit;
};
// Bits of asm/hwcap.h, spelled out because older kernel headers lack the newer ones.
constexpr Capability kCapabilities[] = {
    {"aes", AT_HWCAP, 3},       {"sha2", AT_HWCAP, 6},         {"crc", AT_HWCAP, 7},
    {"lse", AT_HWCAP, 8},       {"fullfp16", AT_HWCAP, 10},    {"rdm", AT_HWCAP, 12},
    {"jsconv", AT_HWCAP, 13},   {"complxnum", AT_HWCAP, 14},   {"rcpc", AT_HWCAP, 15},
    {"sha3", AT_HWCAP, 17},     {"sm4", AT_HWCAP, 19},         {"dotprod", AT_HWCAP, 20},
    {"sve", AT_HWCAP, 22},      {"fp16fml", AT_HWCAP, 23},     {"dit", AT_HWCAP, 24},
    {"lse2", AT_HWCAP, 25},     {"rcpc-immo", AT_HWCAP, 26},   {"flagm", AT_HWCAP, 27},
    {"ssbs", AT_HWCAP, 28},     {"sb", AT_HWCAP, 29},          {"ccdp", AT_HWCAP2, 0},
    {"sve2", AT_HWCAP2, 1},     {"sve-aes", AT_HWCAP2, 3},     {"sve-bitperm", AT_HWCAP2, 4},
    {"sve-sha3", AT_HWCAP2, 5}, {"sve-sm4", AT_HWCAP2, 6},     {"altnzcv", AT_HWCAP2, 7},
    {"fptoint", AT_HWCAP2, 8},  {"i8mm", AT_HWCAP2, 13},       {"bf16", AT_HWCAP2, 14},
    {"rand", AT_HWCAP2, 16},    {"bti", AT_HWCAP2, 17},        {"mte", AT_HWCAP2, 18},
    {"sme", AT_HWCAP2, 23},     {"cssc", AT_HWCAP2, 34},       {"mops", AT_HWCAP2, 43},
    {"hbc", AT_HWCAP2, 44},     {"sve-b16b16", AT_HWCAP2, 45}, {"rcpc3", AT_HWCAP2, 46},
    {"lse128", AT_HWCAP2, 47},
};
#elif defined(__APPLE__)
struct Capability {
  const char* name;
  const char* key;
};
constexpr Capability kCapabilities[] = {
    {"aes", "hw.optional.arm.FEAT_AES"},
    {"sha2", "hw.optional.arm.FEAT_SHA256"},
    {"sha3", "hw.optional.arm.FEAT_SHA3"},
    {"crc", "hw.optional.armv8_crc32"},
    {"lse", "hw.optional.arm.FEAT_LSE"},
    {"lse2", "hw.optional.arm.FEAT_LSE2"},
    {"fullfp16", "hw.optional.arm.FEAT_FP16"},
    {"fp16fml", "hw.optional.arm.FEAT_FHM"},
    {"rdm", "hw.optional.arm.FEAT_RDM"},
    {"jsconv", "hw.optional.arm.FEAT_JSCVT"},
    {"complxnum", "hw.optional.arm.FEAT_FCMA"},
    {"rcpc", "hw.optional.arm.FEAT_LRCPC"},
    {"rcpc-immo", "hw.optional.arm.FEAT_LRCPC2"},
    {"dotprod", "hw.optional.arm.FEAT_DotProd"},
    {"dit", "hw.optional.arm.FEAT_DIT"},
    {"flagm", "hw.optional.arm.FEAT_FlagM"},
    {"altnzcv", "hw.optional.arm.FEAT_FlagM2"},
    {"ssbs", "hw.optional.arm.FEAT_SSBS"},
    {"sb", "hw.optional.arm.FEAT_SB"},
    {"fptoint", "hw.optional.arm.FEAT_FRINTTS"},
    {"i8mm", "hw.optional.arm.FEAT_I8MM"},
    {"bf16", "hw.optional.arm.FEAT_BF16"},
    {"ccdp", "hw.optional.arm.FEAT_DPB2"},
    {"bti", "hw.optional.arm.FEAT_BTI"},
    {"sme", "hw.optional.arm.FEAT_SME"},
    {"sme2", "hw.optional.arm.FEAT_SME2"},
};

bool Supports(const char* key) {
  int value = 0;
  size_t size = sizeof(value);
  return sysctlbyname(key, &value, &size, nullptr, 0) == 0 && value != 0;
}
#endif

}  // namespace

std::vector<std::string> CpuFeatures() {
  std::vector<std::string> names = kBaseline;
#if defined(__linux__)
  for (const Capability& capability : kCapabilities) {
    if (getauxval(capability.word) >> capability.bit & 1) names.emplace_back(capability.name);
  }
#elif defined(__APPLE__)
  for (const Capability& capability : kCapabilities) {
    if (Supports(capability.key)) names.emplace_back(capability.name);
  }
#elif defined(_WIN32)
  if (IsProcessorFeaturePresent(PF_ARM_V8_CRYPTO_INSTRUCTIONS_AVAILABLE)) {
    names.insert(names.end(), {"aes", "sha2"});
  }
  if (IsProcessorFeaturePresent(PF_ARM_V8_CRC32_INSTRUCTIONS_AVAILABLE)) names.emplace_back("crc");
  if (IsProcessorFeaturePresent(PF_ARM_V81_ATOMIC_INSTRUCTIONS_AVAILABLE))
    names.emplace_back("lse");
  if (IsProcessorFeaturePresent(PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE))
    names.emplace_back("dotprod");
#endif
  std::sort(names.begin(), names.end());
  return names;
}

std::string CpuName() {
#if defined(__APPLE__)
  char name[256];
  size_t size = sizeof(name);
  if (sysctlbyname("machdep.cpu.brand_string", name, &size, nullptr, 0) == 0) return name;
#elif defined(__linux__)
  std::ifstream model("/sys/firmware/devicetree/base/model");
  std::string name;
  if (std::getline(model, name, '\0') && !name.empty()) return name;
#endif
  return "aarch64";
}

}  // namespace node_mlc

#endif
