/*!
 * \file support/mapped_file.h
 * \brief A file mapped into memory, copy on write.
 */
#ifndef NODE_MLC_SUPPORT_MAPPED_FILE_H_
#define NODE_MLC_SUPPORT_MAPPED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace node_mlc {

/*!
 * \brief A private (copy-on-write), readable and writable mapping: writes never reach the file.
 *
 * Pages are read on first touch and may be dropped by the system while they are unchanged.
 */
class MappedFile {
 public:
  /*! \brief Maps the whole file; throws CodedError(ERR_IO). A file of length zero maps to no
   * memory. */
  static std::unique_ptr<MappedFile> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  MappedFile(uint8_t* data, size_t size) : data_(data), size_(size) {}

  uint8_t* data_;
  size_t size_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_MAPPED_FILE_H_
