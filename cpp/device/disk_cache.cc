/*!
 * \file device/disk_cache.cc
 */
#include "device/disk_cache.h"

#include <tvm/support/serializer.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "device/byte_stream.h"
#include "device/checksum.h"

#ifdef _WIN32
#include <process.h>
#else
#include <unistd.h>
#endif

namespace node_mlc {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMark = "node-mlc device cache 1\n";

std::string Hexadecimal(uint64_t value) {
  std::string digits(16, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, value >>= 4) {
    *digit = "0123456789abcdef"[value & 15];
  }
  return digits;
}

/*! \brief A name that no other writer uses, in this process or another. */
std::string TemporaryName(const std::string& name) {
  static std::atomic<unsigned> count{0};
#ifdef _WIN32
  const int process = _getpid();
#else
  const int process = getpid();
#endif
  return name + "." + std::to_string(process) + "-" + std::to_string(count++) + ".tmp";
}

fs::path Path(const std::string& folder, const std::string& name) {
  return fs::u8path(folder) / name;
}

}  // namespace

std::string EncodeCacheEntry(const std::string& key, const std::string& bytes) {
  ByteWriter writer;
  writer.Write(static_cast<const void*>(kMark.data()), kMark.size());
  writer.Write(key);
  writer.Write(bytes);
  std::string file = writer.Take();
  writer.Write(Checksum(file));
  return file + writer.Take();
}

std::optional<std::string> DecodeCacheEntry(const std::string& file, const std::string& key) {
  constexpr size_t kChecksum = sizeof(uint64_t);
  const std::string_view whole(file);
  if (whole.size() < kMark.size() + kChecksum || whole.substr(0, kMark.size()) != kMark) {
    return std::nullopt;
  }
  const std::string_view content = whole.substr(0, whole.size() - kChecksum);
  ByteReader end(whole.substr(content.size()));
  ByteReader reader(content.substr(kMark.size()));
  uint64_t checksum = 0;
  std::string found, bytes;
  if (!end.Read(&checksum) || checksum != Checksum(content)) return std::nullopt;
  if (!reader.Read(&found) || found != key || !reader.Read(&bytes)) return std::nullopt;
  return bytes;
}

std::string CacheFileName(const std::string& key) {
  const uint64_t first = Checksum(key);
  return Hexadecimal(first) + Hexadecimal(Checksum(key, ~first)) + ".bin";
}

std::optional<std::string> DiskCache::Read(const std::string& key) const noexcept try {
  std::ifstream file(Path(folder_, CacheFileName(key)), std::ios::binary);
  if (!file) return std::nullopt;
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return DecodeCacheEntry(bytes, key);
} catch (...) {
  return std::nullopt;
}

bool DiskCache::Write(const std::string& key, const std::string& bytes) const noexcept try {
  fs::create_directories(fs::u8path(folder_));
  const std::string name = CacheFileName(key);
  const fs::path temporary = Path(folder_, TemporaryName(name));
  std::ofstream file(temporary, std::ios::binary);
  const std::string entry = EncodeCacheEntry(key, bytes);
  file.write(entry.data(), static_cast<std::streamsize>(entry.size()));
  file.close();
  std::error_code failure;
  if (file) fs::rename(temporary, Path(folder_, name), failure);
  if (!file || failure) {
    fs::remove(temporary, failure);
    return false;
  }
  Prune();
  return true;
} catch (...) {
  return false;
}

void DiskCache::Remove(const std::string& key) const noexcept try {
  std::error_code ignored;
  fs::remove(Path(folder_, CacheFileName(key)), ignored);
} catch (...) {
}

void DiskCache::Prune() const {
  struct Entry {
    fs::file_time_type written;
    uint64_t size;
    fs::path path;
  };
  std::vector<Entry> entries;
  uint64_t total = 0;
  for (const fs::directory_entry& file : fs::directory_iterator(fs::u8path(folder_))) {
    // Only what this class has written.
    const fs::path extension = file.path().extension();
    if (extension != ".bin" && extension != ".tmp") continue;
    entries.push_back({file.last_write_time(), file.file_size(), file.path()});
    total += entries.back().size;
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.written < b.written; });
  for (const Entry& oldest : entries) {
    if (total <= limit_) return;
    std::error_code ignored;
    fs::remove(oldest.path, ignored);
    total -= oldest.size;
  }
}

}  // namespace node_mlc
