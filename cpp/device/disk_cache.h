/*!
 * \file device/disk_cache.h
 * \brief What drivers compile, kept in a folder between processes.
 */
#ifndef NODE_MLC_DEVICE_DISK_CACHE_H_
#define NODE_MLC_DEVICE_DISK_CACHE_H_

#include <cstdint>
#include <optional>
#include <string>

namespace node_mlc {

/*!
 * \brief Files of bytes by key. Several processes may share a folder, which may be deleted at any
 * time. Thread safe. No member throws: whoever asks can also do without.
 */
class DiskCache {
 public:
  /*! \brief The oldest entries are deleted when there is more than this in the folder. */
  static constexpr uint64_t kDefaultLimit = uint64_t{512} << 20;

  /*! \param folder UTF-8; made when the first entry is written. */
  explicit DiskCache(std::string folder, uint64_t limit_bytes = kDefaultLimit)
      : folder_(std::move(folder)), limit_(limit_bytes) {}

  /*! \brief The bytes of the key; nothing where there are none or the file is damaged. */
  std::optional<std::string> Read(const std::string& key) const noexcept;

  /*! \brief Replaces the bytes of the key in one step; false where that is not possible. */
  bool Write(const std::string& key, const std::string& bytes) const noexcept;

  /*! \brief Deletes the entry of the key. */
  void Remove(const std::string& key) const noexcept;

 private:
  void Prune() const;

  const std::string folder_;
  const uint64_t limit_;
};

/*!
 * \brief A file of the cache: a mark, the key, the bytes (each with its length as a little-endian
 * uint64 before it), and a checksum of all that.
 */
std::string EncodeCacheEntry(const std::string& key, const std::string& bytes);

/*! \brief The bytes of a file; nothing where it is damaged or belongs to another key. */
std::optional<std::string> DecodeCacheEntry(const std::string& file, const std::string& key);

/*! \brief Name of a key's file: 32 hexadecimal digits and ".bin". */
std::string CacheFileName(const std::string& key);

}  // namespace node_mlc

#endif  // NODE_MLC_DEVICE_DISK_CACHE_H_
