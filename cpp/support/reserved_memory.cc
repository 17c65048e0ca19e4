/*!
 * \file support/reserved_memory.cc
 */
#include "support/reserved_memory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "support/coded_error.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/mman.h>
#endif

namespace node_mlc {

namespace {

[[noreturn]] void ThrowRefused(size_t bytes, const std::string& reason) {
  throw CodedError("ERR_INSUFFICIENT_MEMORY",
                   "Could not reserve " + std::to_string(bytes) +
                       " bytes of address space for the KV cache: " + reason +
                       ". Lower the context length or the batch size.");
}

/*! \brief A multiple of the page sizes of all systems. */
constexpr size_t kBlock = size_t{64} << 10;

}  // namespace

void ReservedMemory::Decommit(size_t begin, size_t end) {
  begin = (begin + kBlock - 1) / kBlock * kBlock;
  end = std::min(end, size_) / kBlock * kBlock;
  if (begin < end) DecommitBlocks(data_ + begin, end - begin);
}

#ifdef _WIN32
ReservedMemory::ReservedMemory(size_t bytes) : size_(bytes) {
  data_ =
      static_cast<uint8_t*>(VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
  if (data_ == nullptr) ThrowRefused(bytes, "Windows error " + std::to_string(GetLastError()));
}

ReservedMemory::~ReservedMemory() { VirtualFree(data_, 0, MEM_RELEASE); }

void ReservedMemory::DecommitBlocks(uint8_t* data, size_t bytes) {
  VirtualFree(data, bytes, MEM_DECOMMIT);
  VirtualAlloc(data, bytes, MEM_COMMIT, PAGE_READWRITE);
}
#else
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

ReservedMemory::ReservedMemory(size_t bytes) : size_(bytes) {
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) ThrowRefused(bytes, std::strerror(errno));
  data_ = static_cast<uint8_t*>(data);
#ifdef MADV_HUGEPAGE
  // A step visits a short run of every KV page: with pages of 4 KB each would be an address to look
  // up. Where the system refuses, nothing is lost.
  madvise(data_, size_, MADV_HUGEPAGE);
#endif
}

ReservedMemory::~ReservedMemory() { munmap(data_, size_); }

void ReservedMemory::DecommitBlocks(uint8_t* data, size_t bytes) {
#ifdef __linux__
  madvise(data, bytes, MADV_DONTNEED);
#else
  // Elsewhere MADV_DONTNEED is a mere hint; a new mapping over the old one really lets go of it.
  mmap(data, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
       -1, 0);
#endif
}
#endif

}  // namespace node_mlc
