/*!
 * \file support/reserved_memory.h
 * \brief A large zeroed range of memory that costs nothing until it is touched.
 */
#ifndef NODE_MLC_SUPPORT_RESERVED_MEMORY_H_
#define NODE_MLC_SUPPORT_RESERVED_MEMORY_H_

#include <cstddef>
#include <cstdint>

namespace node_mlc {

/*!
 * \brief Anonymous memory, page aligned (hence 64-byte aligned), committed by the operating system
 * page by page.
 *
 * One owner; not thread safe. On Windows the whole range counts against the commit limit at once.
 */
class ReservedMemory {
 public:
  /*! \brief Reserves `bytes` (at least 1); throws CodedError(ERR_INSUFFICIENT_MEMORY). */
  explicit ReservedMemory(size_t bytes);
  ~ReservedMemory();
  ReservedMemory(const ReservedMemory&) = delete;
  ReservedMemory& operator=(const ReservedMemory&) = delete;

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

  /*! \brief Gives the first `bytes` back to the system; they read as zero afterwards. */
  void Decommit(size_t bytes);

 private:
  uint8_t* data_ = nullptr;
  const size_t size_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_RESERVED_MEMORY_H_
