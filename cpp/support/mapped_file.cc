/*!
 * \file support/mapped_file.cc
 */
#include "support/mapped_file.h"

#include <cerrno>
#include <cstring>

#include "support/coded_error.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace node_mlc {

namespace {

[[noreturn]] void ThrowEmpty(const std::string& path) {
  throw CodedError("ERR_INVALID_PACKAGE", "Expected data in " + path + " but it is empty.");
}

#ifdef _WIN32
[[noreturn]] void ThrowSystem(const std::string& path, const char* action) {
  DWORD error = GetLastError();
  bool absent = error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
  throw CodedError(absent ? "ERR_INVALID_PACKAGE" : "ERR_IO", std::string("Could not ") + action +
                                                                  " " + path + ": Windows error " +
                                                                  std::to_string(error) + ".");
}

std::wstring Wide(const std::string& text) {
  int length =
      MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0);
  std::wstring wide(length, L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), wide.data(), length);
  return wide;
}
#else
[[noreturn]] void ThrowSystem(const std::string& path, const char* action) {
  int error = errno;
  bool absent = error == ENOENT || error == ENOTDIR;
  throw CodedError(
      absent ? "ERR_INVALID_PACKAGE" : (error == ENOMEM ? "ERR_INSUFFICIENT_MEMORY" : "ERR_IO"),
      std::string("Could not ") + action + " " + path + ": " + std::strerror(error) + ".");
}

/*! \brief Closes the descriptor on every way out; the mapping lives on without it. */
struct Descriptor {
  explicit Descriptor(int value) : value(value) {}
  ~Descriptor() { close(value); }
  const int value;
};
#endif

}  // namespace

#ifdef _WIN32
std::shared_ptr<MappedFile> MappedFile::Open(const std::string& path) {
  HANDLE file = CreateFileW(Wide(path).c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr,
                            OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) ThrowSystem(path, "open");
  LARGE_INTEGER size;
  HANDLE mapping = nullptr;
  void* data = nullptr;
  if (GetFileSizeEx(file, &size) && size.QuadPart > 0) {
    mapping = CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
    if (mapping != nullptr) data = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
  }
  DWORD error = GetLastError();
  if (mapping != nullptr) CloseHandle(mapping);
  CloseHandle(file);
  if (data == nullptr && size.QuadPart == 0) ThrowEmpty(path);
  SetLastError(error);
  if (data == nullptr) ThrowSystem(path, "map");
  return std::shared_ptr<MappedFile>(
      new MappedFile(path, static_cast<const uint8_t*>(data), static_cast<size_t>(size.QuadPart)));
}

MappedFile::~MappedFile() { UnmapViewOfFile(data_); }

void MappedFile::Lock() const {
  if (VirtualLock(const_cast<uint8_t*>(data_), size_)) return;
  throw CodedError("ERR_INSUFFICIENT_MEMORY",
                   "Could not lock " + std::to_string(size_) + " bytes of " + path_ +
                       " in memory: Windows error " + std::to_string(GetLastError()) +
                       ". Load without lockMemory.");
}
#else
std::shared_ptr<MappedFile> MappedFile::Open(const std::string& path) {
  int opened = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (opened < 0) ThrowSystem(path, "open");
  Descriptor file(opened);
  struct stat status;
  if (fstat(file.value, &status) != 0) ThrowSystem(path, "inspect");
  if (!S_ISREG(status.st_mode)) {
    throw CodedError("ERR_INVALID_PACKAGE", "Expected a file at " + path + ".");
  }
  if (status.st_size == 0) ThrowEmpty(path);
  size_t size = static_cast<size_t>(status.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.value, 0);
  if (data == MAP_FAILED) ThrowSystem(path, "map");
  return std::shared_ptr<MappedFile>(new MappedFile(path, static_cast<const uint8_t*>(data), size));
}

MappedFile::~MappedFile() { munmap(const_cast<uint8_t*>(data_), size_); }

void MappedFile::Lock() const {
  if (mlock(data_, size_) == 0) return;
  throw CodedError("ERR_INSUFFICIENT_MEMORY",
                   "Could not lock " + std::to_string(size_) + " bytes of " + path_ +
                       " in memory: " + std::strerror(errno) +
                       ". Raise the limit (ulimit -l) or load without lockMemory.");
}
#endif

void MappedFile::Prefault(size_t offset, size_t bytes) const {
  constexpr size_t kSmallestPage = 4096;
#ifndef _WIN32
  // Before the first touch: the system then reads ahead of it in large pieces. Only a hint, so its
  // result does not matter.
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t skip = offset % page;
  madvise(const_cast<uint8_t*>(data_) + offset - skip, bytes + skip, MADV_WILLNEED);
#endif
  const volatile uint8_t* start = data_ + offset;
  uint8_t sum = 0;
  for (size_t i = 0; i < bytes; i += kSmallestPage) sum = static_cast<uint8_t>(sum + start[i]);
  static_cast<void>(sum);
}

}  // namespace node_mlc
