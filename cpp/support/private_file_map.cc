/*!
 * \file support/private_file_map.cc
 */
#include "support/private_file_map.h"

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

[[noreturn]] void Fail(const std::string& path, const std::string& reason) {
  throw CodedError(
      "ERR_IO", "Expected a readable file at " + path + " but mapping it failed: " + reason + ".");
}

/*! \brief Bytes to map after `offset`, checked against the size of the file. */
size_t CheckedLength(const std::string& path, uint64_t file_size, uint64_t offset,
                     std::optional<uint64_t> length) {
  if (offset <= file_size) {
    const uint64_t available = file_size - offset;
    if (length.value_or(available) <= available)
      return static_cast<size_t>(length.value_or(available));
  }
  Fail(path, "it has " + std::to_string(file_size) + " bytes, fewer than asked for");
}

}  // namespace

#ifdef _WIN32

namespace {

struct Handle {
  ~Handle() {
    if (value != nullptr && value != INVALID_HANDLE_VALUE) CloseHandle(value);
  }
  HANDLE value;
};

std::string LastError() { return "Windows error " + std::to_string(GetLastError()); }

std::wstring ToWide(const std::string& utf8) {
  const int length =
      MultiByteToWideChar(CP_UTF8, 0, utf8.data(), static_cast<int>(utf8.size()), nullptr, 0);
  std::wstring wide(length, L'\0');
  MultiByteToWideChar(CP_UTF8, 0, utf8.data(), static_cast<int>(utf8.size()), wide.data(), length);
  return wide;
}

}  // namespace

std::unique_ptr<PrivateFileMap> PrivateFileMap::Open(const std::string& path, uint64_t offset,
                                                     std::optional<uint64_t> length) {
  Handle file{CreateFileW(ToWide(path).c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr,
                          OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr)};
  if (file.value == INVALID_HANDLE_VALUE) Fail(path, LastError());
  LARGE_INTEGER size;
  if (!GetFileSizeEx(file.value, &size)) Fail(path, LastError());
  const size_t bytes = CheckedLength(path, static_cast<uint64_t>(size.QuadPart), offset, length);
  if (bytes == 0) return std::unique_ptr<PrivateFileMap>(new PrivateFileMap(nullptr, 0, 0));
  SYSTEM_INFO system;
  GetSystemInfo(&system);
  const uint64_t start = offset / system.dwAllocationGranularity * system.dwAllocationGranularity;
  const auto skip = static_cast<size_t>(offset - start);
  Handle mapping{CreateFileMappingW(file.value, nullptr, PAGE_WRITECOPY, 0, 0, nullptr)};
  if (mapping.value == nullptr) Fail(path, LastError());
  void* base = MapViewOfFile(mapping.value, FILE_MAP_COPY, static_cast<DWORD>(start >> 32),
                             static_cast<DWORD>(start & 0xffffffffu), skip + bytes);
  if (base == nullptr) Fail(path, LastError());
  return std::unique_ptr<PrivateFileMap>(
      new PrivateFileMap(static_cast<uint8_t*>(base), skip, bytes));
}

PrivateFileMap::~PrivateFileMap() {
  if (base_ != nullptr) UnmapViewOfFile(base_);
}

#else

std::unique_ptr<PrivateFileMap> PrivateFileMap::Open(const std::string& path, uint64_t offset,
                                                     std::optional<uint64_t> length) {
  struct Descriptor {
    ~Descriptor() {
      if (value >= 0) close(value);
    }
    int value;
  } file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.value < 0) Fail(path, std::strerror(errno));
  struct stat status;
  if (fstat(file.value, &status) != 0) Fail(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) Fail(path, "it is not a regular file");
  const size_t size = CheckedLength(path, static_cast<uint64_t>(status.st_size), offset, length);
  if (size == 0) return std::unique_ptr<PrivateFileMap>(new PrivateFileMap(nullptr, 0, 0));
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const auto skip = static_cast<size_t>(offset % page);
  void* base = mmap(nullptr, skip + size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.value,
                    static_cast<off_t>(offset - skip));
  if (base == MAP_FAILED) Fail(path, std::strerror(errno));
  return std::unique_ptr<PrivateFileMap>(
      new PrivateFileMap(static_cast<uint8_t*>(base), skip, size));
}

PrivateFileMap::~PrivateFileMap() {
  if (base_ != nullptr) munmap(base_, skip_ + size_);
}

#endif

}  // namespace node_mlc
