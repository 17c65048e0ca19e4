/*!
 * \file support/mapped_file.h
 * \brief A file mapped into memory, read only.
 */
#ifndef NODE_MLC_SUPPORT_MAPPED_FILE_H_
#define NODE_MLC_SUPPORT_MAPPED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace node_mlc {

/*!
 * \brief One mapping of a whole file. Its pages belong to the page cache and are shared by every
 * process that maps it.
 *
 * Immutable after Open(), so any thread may read it; shared ownership, because tensors keep the
 * mapping alive.
 */
class MappedFile {
 public:
  /*! \brief Maps `path`; throws CodedError: ERR_INVALID_PACKAGE when it is absent or empty, else
   * ERR_IO. */
  static std::shared_ptr<MappedFile> Open(const std::string& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  const std::string& path() const { return path_; }

  /*! \brief Reads `bytes` at `offset` into memory, so that later reads do not wait for the disk. */
  void Prefault(size_t offset, size_t bytes) const;

  /*! \brief Pins the mapping in memory; throws CodedError(ERR_INSUFFICIENT_MEMORY) when the system
   * refuses. */
  void Lock() const;

 private:
  MappedFile(std::string path, const uint8_t* data, size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  const std::string path_;
  const uint8_t* const data_;
  const size_t size_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_MAPPED_FILE_H_
