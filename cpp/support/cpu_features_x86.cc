/*!
 * \file support/cpu_features_x86.cc
 * \brief x86-64, through CPUID. Bits are those of Intel's manual (volume 2, CPUID) and AMD's manual
 * (volume 3, appendix E).
 */
#if defined(__x86_64__) || defined(_M_X64)

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "support/cpu_features.h"

#ifdef _MSC_VER
#include <intrin.h>
#else
#include <cpuid.h>
#endif

namespace node_mlc {

namespace {

struct Registers {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
};

Registers CpuId(uint32_t leaf, uint32_t subleaf = 0) {
  Registers r;
#ifdef _MSC_VER
  int out[4];
  __cpuidex(out, static_cast<int>(leaf), static_cast<int>(subleaf));
  r = {static_cast<uint32_t>(out[0]), static_cast<uint32_t>(out[1]), static_cast<uint32_t>(out[2]),
       static_cast<uint32_t>(out[3])};
#else
  __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
#endif
  return r;
}

uint64_t ReadXcr0() {
#ifdef _MSC_VER
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
#endif
}

/*! \brief What must be saved by the system for a feature to be usable. */
enum class State { kNone, kAvx, kAvx512 };
enum class Register { kEax, kEbx, kEcx, kEdx };

struct Feature {
  const char* name;
  uint32_t leaf;
  uint32_t subleaf;
  Register reg;
  int bit;
  State state;
};

constexpr uint32_t kExtended1 = 0x80000001;
constexpr uint32_t kExtended8 = 0x80000008;
constexpr State kNone = State::kNone;
constexpr State kAvx = State::kAvx;
constexpr State kAvx512 = State::kAvx512;
constexpr Register kEax = Register::kEax;
constexpr Register kEbx = Register::kEbx;
constexpr Register kEcx = Register::kEcx;
constexpr Register kEdx = Register::kEdx;

constexpr Feature kFeatures[] = {
    {"cx8", 1, 0, kEdx, 8, kNone},
    {"cmov", 1, 0, kEdx, 15, kNone},
    {"mmx", 1, 0, kEdx, 23, kNone},
    {"fxsr", 1, 0, kEdx, 24, kNone},
    {"sse", 1, 0, kEdx, 25, kNone},
    {"sse2", 1, 0, kEdx, 26, kNone},
    {"sse3", 1, 0, kEcx, 0, kNone},
    {"pclmul", 1, 0, kEcx, 1, kNone},
    {"ssse3", 1, 0, kEcx, 9, kNone},
    {"fma", 1, 0, kEcx, 12, kAvx},
    {"cx16", 1, 0, kEcx, 13, kNone},
    {"sse4.1", 1, 0, kEcx, 19, kNone},
    {"sse4.2", 1, 0, kEcx, 20, kNone},
    {"crc32", 1, 0, kEcx, 20, kNone},
    {"movbe", 1, 0, kEcx, 22, kNone},
    {"popcnt", 1, 0, kEcx, 23, kNone},
    {"aes", 1, 0, kEcx, 25, kNone},
    {"xsave", 1, 0, kEcx, 26, kAvx},
    {"avx", 1, 0, kEcx, 28, kAvx},
    {"f16c", 1, 0, kEcx, 29, kAvx},
    {"rdrnd", 1, 0, kEcx, 30, kNone},
    {"sahf", kExtended1, 0, kEcx, 0, kNone},
    {"lzcnt", kExtended1, 0, kEcx, 5, kNone},
    {"sse4a", kExtended1, 0, kEcx, 6, kNone},
    {"prfchw", kExtended1, 0, kEcx, 8, kNone},
    {"xop", kExtended1, 0, kEcx, 11, kAvx},
    {"lwp", kExtended1, 0, kEcx, 15, kNone},
    {"fma4", kExtended1, 0, kEcx, 16, kAvx},
    {"tbm", kExtended1, 0, kEcx, 21, kNone},
    {"mwaitx", kExtended1, 0, kEcx, 29, kNone},
    {"64bit", kExtended1, 0, kEdx, 29, kNone},
    {"clzero", kExtended8, 0, kEbx, 0, kNone},
    {"rdpru", kExtended8, 0, kEbx, 4, kNone},
    {"wbnoinvd", kExtended8, 0, kEbx, 9, kNone},
    {"fsgsbase", 7, 0, kEbx, 0, kNone},
    {"bmi", 7, 0, kEbx, 3, kNone},
    {"avx2", 7, 0, kEbx, 5, kAvx},
    {"bmi2", 7, 0, kEbx, 8, kNone},
    {"invpcid", 7, 0, kEbx, 10, kNone},
    {"rtm", 7, 0, kEbx, 11, kNone},
    {"avx512f", 7, 0, kEbx, 16, kAvx512},
    {"avx512dq", 7, 0, kEbx, 17, kAvx512},
    {"rdseed", 7, 0, kEbx, 18, kNone},
    {"adx", 7, 0, kEbx, 19, kNone},
    {"avx512ifma", 7, 0, kEbx, 21, kAvx512},
    {"clflushopt", 7, 0, kEbx, 23, kNone},
    {"clwb", 7, 0, kEbx, 24, kNone},
    {"avx512cd", 7, 0, kEbx, 28, kAvx512},
    {"sha", 7, 0, kEbx, 29, kNone},
    {"avx512bw", 7, 0, kEbx, 30, kAvx512},
    {"avx512vl", 7, 0, kEbx, 31, kAvx512},
    {"avx512vbmi", 7, 0, kEcx, 1, kAvx512},
    {"pku", 7, 0, kEcx, 4, kNone},
    {"waitpkg", 7, 0, kEcx, 5, kNone},
    {"avx512vbmi2", 7, 0, kEcx, 6, kAvx512},
    {"shstk", 7, 0, kEcx, 7, kNone},
    {"gfni", 7, 0, kEcx, 8, kNone},
    {"vaes", 7, 0, kEcx, 9, kAvx},
    {"vpclmulqdq", 7, 0, kEcx, 10, kAvx},
    {"avx512vnni", 7, 0, kEcx, 11, kAvx512},
    {"avx512bitalg", 7, 0, kEcx, 12, kAvx512},
    {"avx512vpopcntdq", 7, 0, kEcx, 14, kAvx512},
    {"rdpid", 7, 0, kEcx, 22, kNone},
    {"cldemote", 7, 0, kEcx, 25, kNone},
    {"movdiri", 7, 0, kEcx, 27, kNone},
    {"movdir64b", 7, 0, kEcx, 28, kNone},
    {"enqcmd", 7, 0, kEcx, 29, kNone},
    {"uintr", 7, 0, kEdx, 5, kNone},
    {"avx512vp2intersect", 7, 0, kEdx, 8, kAvx512},
    {"serialize", 7, 0, kEdx, 14, kNone},
    {"tsxldtrk", 7, 0, kEdx, 16, kNone},
    {"pconfig", 7, 0, kEdx, 18, kNone},
    {"avx512fp16", 7, 0, kEdx, 23, kAvx512},
    {"sha512", 7, 1, kEax, 0, kAvx},
    {"sm3", 7, 1, kEax, 1, kAvx},
    {"sm4", 7, 1, kEax, 2, kAvx},
    {"raoint", 7, 1, kEax, 3, kNone},
    {"avxvnni", 7, 1, kEax, 4, kAvx},
    {"avx512bf16", 7, 1, kEax, 5, kAvx512},
    {"cmpccxadd", 7, 1, kEax, 7, kNone},
    {"hreset", 7, 1, kEax, 22, kNone},
    {"avxifma", 7, 1, kEax, 23, kAvx},
    {"avxvnniint8", 7, 1, kEdx, 4, kAvx},
    {"avxneconvert", 7, 1, kEdx, 5, kAvx},
    {"avxvnniint16", 7, 1, kEdx, 10, kAvx},
    {"prefetchi", 7, 1, kEdx, 14, kNone},
    {"xsaveopt", 0xd, 1, kEax, 0, kAvx},
    {"xsavec", 0xd, 1, kEax, 1, kAvx},
    {"xsaves", 0xd, 1, kEax, 3, kAvx},
    {"ptwrite", 0x14, 0, kEbx, 4, kNone},
};

uint32_t Select(const Registers& r, Register reg) {
  switch (reg) {
    case Register::kEax:
      return r.eax;
    case Register::kEbx:
      return r.ebx;
    case Register::kEcx:
      return r.ecx;
    default:
      return r.edx;
  }
}

bool LeafExists(uint32_t leaf, uint32_t subleaf) {
  const uint32_t highest = CpuId(leaf & 0x80000000u).eax;
  if (highest < leaf) return false;
  return leaf != 7 || subleaf <= CpuId(7).eax;
}

bool SystemSaves(State state) {
  if (state == State::kNone) return true;
  if ((CpuId(1).ecx >> 27 & 1) == 0) return false;  // OSXSAVE
  const uint64_t saved = ReadXcr0();
  if ((saved & 0x6) != 0x6) return false;
#ifdef __APPLE__
  return true;  // macOS turns AVX-512 state on at its first use
#else
  return state == State::kAvx || (saved & 0xe0) == 0xe0;
#endif
}

}  // namespace

std::vector<std::string> CpuFeatures() {
  std::vector<std::string> names;
  for (const Feature& feature : kFeatures) {
    if (!LeafExists(feature.leaf, feature.subleaf)) continue;
    const Registers registers = CpuId(feature.leaf, feature.subleaf);
    if ((Select(registers, feature.reg) >> feature.bit & 1) == 0) continue;
    if (SystemSaves(feature.state)) names.emplace_back(feature.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string CpuName() {
  if (CpuId(0x80000000u).eax < 0x80000004u) return "x86-64";
  std::string name;
  for (uint32_t leaf = 0x80000002u; leaf <= 0x80000004u; ++leaf) {
    const Registers r = CpuId(leaf);
    const std::array<uint32_t, 4> words = {r.eax, r.ebx, r.ecx, r.edx};
    name.append(reinterpret_cast<const char*>(words.data()), sizeof(words));
  }
  name.resize(std::strlen(name.c_str()));
  const size_t begin = name.find_first_not_of(' ');
  if (begin == std::string::npos) return "x86-64";
  return name.substr(begin, name.find_last_not_of(' ') - begin + 1);
}

}  // namespace node_mlc

#endif
