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

  /*! \brief Gives bytes [begin, end) back to the system, but for parts of blocks of 64 KB at both
   * ends; what was given back reads as zero. */
  void Decommit(size_t begin, size_t end);

 private:
  static void DecommitBlocks(uint8_t* data, size_t bytes);

  uint8_t* data_ = nullptr;
  const size_t size_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_RESERVED_MEMORY_H_
