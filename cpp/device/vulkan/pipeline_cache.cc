/*!
 * \file device/vulkan/pipeline_cache.cc
 */
#include "device/vulkan/pipeline_cache.h"

#include <cstring>
#include <memory>
#include <mutex>
#include <optional>

#include "device/disk_cache.h"

namespace node_mlc::vulkan {

namespace {

struct State {
  std::mutex mutex;
  std::shared_ptr<const DiskCache> cache;
  ProgramCounts counts;
};

State& GetState() {
  // Never freed: a thread may still build a kernel while the process ends.
  static auto* state = new State();
  return *state;
}

std::shared_ptr<const DiskCache> Cache() {
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  return state.cache;
}

/*! \brief The header of the data of every driver (VkPipelineCacheHeaderVersionOne). */
struct CacheHeader {
  uint32_t size;
  uint32_t version;
  uint32_t vendor_id;
  uint32_t device_id;
  uint8_t uuid[16];
};
static_assert(sizeof(CacheHeader) == 32, "as Vulkan prescribes it");

}  // namespace

void SetProgramCache(const std::string& folder) {
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  state.cache = folder.empty() ? nullptr : std::make_shared<const DiskCache>(folder);
}

ProgramCounts CountPrograms() {
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  return state.counts;
}

bool IsCacheOf(const DeviceProperties& device, const std::string& data) {
  CacheHeader header;
  if (data.size() < sizeof header) return false;
  std::memcpy(&header, data.data(), sizeof header);
  return header.size >= sizeof header && header.size <= data.size() && header.version == 1 &&
         header.vendor_id == device.vendor_id && header.device_id == device.device_id &&
         std::memcmp(header.uuid, device.cache_uuid, sizeof header.uuid) == 0;
}

KernelCache::KernelCache(const LogicalDevice& device, const std::string& key)
    : device_(device), key_(device.properties().cache_key + "\n" + key) {
  std::string data;
  if (const auto disk = Cache()) data = disk->Read(key_).value_or("");
  loaded_ = IsCacheOf(device.properties(), data);
  VkPipelineCacheCreateInfo info;
  if (loaded_) {
    info.initialDataSize = data.size();
    info.pInitialData = data.data();
  }
  const DeviceFunctions& vk = device.functions();
  if (vk.CreatePipelineCache(device.handle(), &info, nullptr, &handle_) != VK_SUCCESS) {
    handle_ = nullptr;
    loaded_ = false;
  }
}

KernelCache::~KernelCache() {
  if (handle_ == nullptr) return;
  device_.functions().DestroyPipelineCache(device_.handle(), handle_, nullptr);
}

void KernelCache::Store() {
  {
    State& state = GetState();
    const std::lock_guard<std::mutex> lock(state.mutex);
    ++(loaded_ ? state.counts.loaded : state.counts.built);
  }
  const auto disk = Cache();
  if (loaded_ || disk == nullptr || handle_ == nullptr) return;
  const auto get = device_.functions().GetPipelineCacheData;
  size_t size = 0;
  if (get(device_.handle(), handle_, &size, nullptr) != VK_SUCCESS) return;
  std::string data(size, '\0');
  if (get(device_.handle(), handle_, &size, data.data()) != VK_SUCCESS) return;
  data.resize(size);
  disk->Write(key_, data);
}

}  // namespace node_mlc::vulkan
