/*!
 * \file device/opencl/program_cache.cc
 */
#include "device/opencl/program_cache.h"

#include <memory>
#include <mutex>
#include <optional>

#include "device/disk_cache.h"
#include "device/opencl/opencl_library.h"

namespace node_mlc::opencl {

namespace {

struct State {
  std::mutex mutex;
  std::shared_ptr<const DiskCache> cache;
  bool always = false;
  ProgramCounts counts;
};

State& GetState() {
  // Never freed: a thread may still build a program while the process ends.
  static auto* state = new State();
  return *state;
}

/*!
 * \brief Whether the driver keeps kernels on disk itself and is slow to give them away.
 *
 * PoCL compiles a kernel when it is first launched, for that size of groups, and keeps the result.
 * Asked for a program's binary it compiles each kernel for every case: with 30 kernels 66 s
 * in place of the 14 s that their launches take.
 */
bool KeepsKernels(const Device& device) {
  return device.properties().platform == "Portable Computing Language";
}

std::shared_ptr<const DiskCache> CacheFor(const Device& device) {
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  return state.always || !KeepsKernels(device) ? state.cache : nullptr;
}

std::string KeyOf(const Device& device, const std::string& source, const char* options) {
  const DeviceProperties& properties = device.properties();
  std::string key;
  for (const std::string& part : {properties.platform, properties.name, properties.version,
                                  properties.driver, std::string(options)}) {
    key += part + "\n";
  }
  return key + source;
}

cl_program BuildBinary(Device& device, const std::string& binary, const char* options) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(binary.data());
  const size_t size = binary.size();
  const cl_device_id id = device.id();
  cl_int binary_status = kSuccess;
  cl_int status = kSuccess;
  cl_program program = Cl().CreateProgramWithBinary(device.context(), 1, &id, &size, &bytes,
                                                    &binary_status, &status);
  if (status == kSuccess && binary_status == kSuccess) {
    status = Cl().BuildProgram(program, 1, &id, options, nullptr, nullptr);
    if (status == kSuccess) return program;
  }
  if (program != nullptr) Cl().ReleaseProgram(program);
  return nullptr;
}

/*! \brief The program for its one device; empty where the driver does not give it. */
std::string BinaryOf(cl_program program) {
  size_t size = 0;
  if (Cl().GetProgramInfo(program, kProgramBinarySizes, sizeof size, &size, nullptr) != kSuccess) {
    return "";
  }
  std::string binary(size, '\0');
  char* bytes = binary.data();
  return Cl().GetProgramInfo(program, kProgramBinaries, sizeof bytes, &bytes, nullptr) == kSuccess
             ? binary
             : "";
}

void Count(uint64_t ProgramCounts::*counter) {
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  ++(state.counts.*counter);
}

}  // namespace

void SetProgramCache(const std::string& folder, bool always) {
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  state.cache = folder.empty() ? nullptr : std::make_shared<const DiskCache>(folder);
  state.always = always;
}

ProgramCounts CountPrograms() {
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  return state.counts;
}

cl_program LoadProgram(Device& device, const std::string& source, const char* options) {
  const std::shared_ptr<const DiskCache> cache = CacheFor(device);
  if (cache == nullptr) return nullptr;
  const std::string key = KeyOf(device, source, options);
  const std::optional<std::string> binary = cache->Read(key);
  if (!binary.has_value()) return nullptr;
  cl_program program = BuildBinary(device, *binary, options);
  if (program == nullptr) {
    cache->Remove(key);
    return nullptr;
  }
  Count(&ProgramCounts::loaded);
  return program;
}

void StoreProgram(Device& device, const std::string& source, const char* options,
                  cl_program program) {
  Count(&ProgramCounts::built);
  const std::shared_ptr<const DiskCache> cache = CacheFor(device);
  if (cache == nullptr) return;
  const std::string binary = BinaryOf(program);
  if (!binary.empty()) cache->Write(KeyOf(device, source, options), binary);
}

}  // namespace node_mlc::opencl
