/*!
 * \file disk_cache_test.cc
 * \brief The files in which device runtimes keep compiled programs.
 */
#include "device/disk_cache.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "check.h"

using node_mlc::CacheFileName;
using node_mlc::DecodeCacheEntry;
using node_mlc::DiskCache;
using node_mlc::EncodeCacheEntry;

namespace fs = std::filesystem;

namespace {

/*! \brief A folder in the working folder that is deleted at both ends. */
struct Folder {
  Folder() { fs::remove_all(path); }
  ~Folder() { fs::remove_all(path); }

  size_t Files() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& file : fs::directory_iterator(path)) ++count;
    return count;
  }

  const std::string path = "node_mlc_disk_cache_test.tmp";
};

}  // namespace

TEST("disk cache: an entry comes back whole, bytes of any value and none") {
  for (const std::string& bytes : {std::string("\0\xff\n program", 11), std::string()}) {
    const std::string file = EncodeCacheEntry("key", bytes);
    const auto decoded = DecodeCacheEntry(file, "key");
    CHECK(decoded.has_value());
    CHECK_EQUAL(*decoded, bytes);
    CHECK(!DecodeCacheEntry(file, "other key").has_value());
  }
}

TEST("disk cache: any changed byte, and any missing end, is noticed") {
  const std::string file = EncodeCacheEntry("key", "some bytes");
  for (size_t i = 0; i < file.size(); ++i) {
    std::string changed = file;
    changed[i] ^= 0x20;
    CHECK(!DecodeCacheEntry(changed, "key").has_value());
    CHECK(!DecodeCacheEntry(file.substr(0, i), "key").has_value());
  }
  CHECK(!DecodeCacheEntry(file + "x", "key").has_value());
}

TEST("disk cache: the name of a file depends on the whole key") {
  CHECK_EQUAL(CacheFileName("a").size(), 36u);
  CHECK(CacheFileName("a") != CacheFileName("b"));
  CHECK(CacheFileName("ab") != CacheFileName("ba"));
}

TEST("disk cache: written entries are read, replaced and removed, no other file stays") {
  const Folder folder;
  const DiskCache cache(folder.path + "/made/when/needed");
  CHECK(!cache.Read("key").has_value());
  CHECK(cache.Write("key", "first"));
  CHECK(cache.Write("key", "second"));
  CHECK(cache.Write("other", "third"));
  CHECK_EQUAL(*cache.Read("key"), "second");
  CHECK_EQUAL(*cache.Read("other"), "third");
  cache.Remove("key");
  CHECK(!cache.Read("key").has_value());
  CHECK_EQUAL(*cache.Read("other"), "third");
}

TEST("disk cache: a folder that cannot be one is no error") {
  const Folder folder;
  std::ofstream(folder.path) << "a file";
  const DiskCache cache(folder.path);
  CHECK(!cache.Write("key", "bytes"));
  CHECK(!cache.Read("key").has_value());
}

TEST("disk cache: the oldest entries go when there are too many bytes") {
  const Folder folder;
  const std::string bytes(1000, 'x');
  const DiskCache cache(folder.path, 3500);
  const auto now = fs::file_time_type::clock::now();
  for (int i = 0; i < 3; ++i) {
    const std::string key(1, static_cast<char>('a' + i));
    CHECK(cache.Write(key, bytes));
    fs::last_write_time(folder.path + "/" + CacheFileName(key), now - std::chrono::hours(3 - i));
  }
  CHECK(cache.Write("d", bytes));
  CHECK(!cache.Read("a").has_value());
  CHECK(cache.Read("b").has_value() && cache.Read("c").has_value() && cache.Read("d").has_value());
  CHECK_EQUAL(folder.Files(), 3u);
}
