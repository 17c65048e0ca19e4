/*!
 * \file device/cuda/code_container.cc
 */
#include "device/cuda/code_container.h"

#include <tvm/support/serializer.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "device/byte_stream.h"
#include "device/checksum.h"
#include "device/device_error.h"

namespace node_mlc::cuda {

namespace {

constexpr std::string_view kMark = "node-mlc cuda code 1\n";
/*! \brief Every version begins so. */
constexpr std::string_view kFamily = "node-mlc cuda code ";
constexpr std::string_view kMachineCode = "sm_";
constexpr std::string_view kPtx = "compute_";

[[noreturn]] void ThrowDamaged(const std::string& what) {
  ThrowDeviceError(kDeviceFailure, "Expected kernels for NVIDIA GPUs in the compiled library but " +
                                       what + ": compile the model again.");
}

bool IsIntegrated(Capability capability) {
  static constexpr Capability kIntegrated[] = {72, 87, 101, 110};
  return std::find(std::begin(kIntegrated), std::end(kIntegrated), capability) !=
         std::end(kIntegrated);
}

bool Runs(const Architecture& code, Capability device) {
  if (code.capability > device) return false;
  if (!code.machine_code || code.capability == device) return true;
  return code.capability / 10 == device / 10 && !IsIntegrated(device) &&
         !IsIntegrated(code.capability);
}

/*! \brief Machine code before PTX, then the higher capability. */
bool IsBetter(const Architecture& one, const Architecture& other) {
  if (one.machine_code != other.machine_code) return one.machine_code;
  return one.capability > other.capability;
}

/*! \brief What lies between the mark and the checksum. */
std::string_view CheckedContent(std::string_view container) {
  constexpr size_t kChecksum = sizeof(uint64_t);
  if (container.substr(0, kFamily.size()) != kFamily) ThrowDamaged("it begins otherwise");
  if (container.substr(0, kMark.size()) != kMark) {
    ThrowDamaged("in a form that another version of this package writes");
  }
  if (container.size() < kMark.size() + kChecksum) ThrowDamaged("they end too early");
  const std::string_view content = container.substr(0, container.size() - kChecksum);
  ByteReader end(container.substr(content.size()));
  uint64_t checksum = 0;
  if (!end.Read(&checksum) || checksum != Checksum(content)) ThrowDamaged("they are damaged");
  return content.substr(kMark.size());
}

}  // namespace

std::string CapabilityText(Capability capability) {
  return std::to_string(capability / 10) + "." + std::to_string(capability % 10);
}

std::string Architecture::Name() const {
  return std::string(machine_code ? kMachineCode : kPtx) + std::to_string(capability);
}

std::optional<Architecture> ParseArchitecture(std::string_view name) {
  const bool machine_code = name.substr(0, kMachineCode.size()) == kMachineCode;
  const std::string_view prefix = machine_code ? kMachineCode : kPtx;
  if (name.substr(0, prefix.size()) != prefix) return std::nullopt;
  const std::string_view digits = name.substr(prefix.size());
  if (digits.size() < 2 || digits.size() > 3) return std::nullopt;
  Capability capability = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    capability = capability * 10 + (digit - '0');
  }
  return Architecture{capability, machine_code};
}

std::string EncodeContainer(const std::vector<DeviceCode>& entries) {
  ByteWriter writer;
  writer.Write(static_cast<const void*>(kMark.data()), kMark.size());
  writer.Write(static_cast<uint64_t>(entries.size()));
  for (const DeviceCode& entry : entries) {
    writer.Write(entry.architecture.Name());
    writer.Write(entry.bytes);
  }
  const std::string content = writer.Take();
  writer.Write(Checksum(content));
  return content + writer.Take();
}

std::vector<DeviceCode> DecodeContainer(std::string_view container) {
  ByteReader reader(CheckedContent(container));
  uint64_t count = 0;
  if (!reader.Read(&count)) ThrowDamaged("they end too early");
  std::vector<DeviceCode> entries;
  for (uint64_t i = 0; i < count; ++i) {
    std::string name, bytes;
    if (!reader.Read(&name) || !reader.Read(&bytes)) ThrowDamaged("they end too early");
    const std::optional<Architecture> architecture = ParseArchitecture(name);
    if (!architecture.has_value()) ThrowDamaged("for an unknown architecture, \"" + name + "\"");
    entries.push_back({*architecture, std::move(bytes)});
  }
  return entries;
}

const DeviceCode* ChooseCode(const std::vector<DeviceCode>& entries, Capability capability) {
  const DeviceCode* best = nullptr;
  for (const DeviceCode& entry : entries) {
    if (!Runs(entry.architecture, capability)) continue;
    if (best == nullptr || IsBetter(entry.architecture, best->architecture)) best = &entry;
  }
  return best;
}

}  // namespace node_mlc::cuda
