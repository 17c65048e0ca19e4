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

[[noreturn]] void Fail(const std::string& path, const std::string& reason) {
  throw CodedError(
      "ERR_IO", "Expected a readable file at " + path + " but mapping it failed: " + reason + ".");
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

std::unique_ptr<MappedFile> MappedFile::Open(const std::string& path) {
  Handle file{CreateFileW(ToWide(path).c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr,
                          OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr)};
  if (file.value == INVALID_HANDLE_VALUE) Fail(path, LastError());
  LARGE_INTEGER size;
  if (!GetFileSizeEx(file.value, &size)) Fail(path, LastError());
  if (size.QuadPart == 0) return std::unique_ptr<MappedFile>(new MappedFile(nullptr, 0));
  Handle mapping{CreateFileMappingW(file.value, nullptr, PAGE_WRITECOPY, 0, 0, nullptr)};
  if (mapping.value == nullptr) Fail(path, LastError());
  void* data = MapViewOfFile(mapping.value, FILE_MAP_COPY, 0, 0, 0);
  if (data == nullptr) Fail(path, LastError());
  return std::unique_ptr<MappedFile>(
      new MappedFile(static_cast<uint8_t*>(data), static_cast<size_t>(size.QuadPart)));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) UnmapViewOfFile(data_);
}

#else

std::unique_ptr<MappedFile> MappedFile::Open(const std::string& path) {
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
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return std::unique_ptr<MappedFile>(new MappedFile(nullptr, 0));
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.value, 0);
  if (data == MAP_FAILED) Fail(path, std::strerror(errno));
  return std::unique_ptr<MappedFile>(new MappedFile(static_cast<uint8_t*>(data), size));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, size_);
}

#endif

}  // namespace node_mlc
