/*!
 * \file memory_test.cc
 * \brief Mapped files and reserved memory.
 */
#include <cstdio>
#include <fstream>
#include <string>

#include "check.h"
#include "support/coded_error.h"
#include "support/mapped_file.h"
#include "support/reserved_memory.h"

using node_mlc::CodedError;
using node_mlc::MappedFile;
using node_mlc::ReservedMemory;

// Address space only; the thread sanitizer leaves a program little of it.
#if defined(__SANITIZE_THREAD__)
constexpr size_t kReserved = size_t{1} << 36;
#else
constexpr size_t kReserved = size_t{1} << 40;
#endif

TEST("reserved memory: reads as zero, also after it was given back") {
  ReservedMemory memory(kReserved);
  CHECK_EQUAL(reinterpret_cast<uintptr_t>(memory.data()) % 64, 0u);
  CHECK_EQUAL(static_cast<int>(memory.data()[kReserved - 1]), 0);
  for (size_t i = 0; i < 100; ++i) memory.data()[i << 20] = 7;
  memory.Decommit((size_t{2} << 20) + 1, size_t{60} << 20);
  CHECK_EQUAL(static_cast<int>(memory.data()[size_t{1} << 20]), 7);
  CHECK_EQUAL(static_cast<int>(memory.data()[size_t{2} << 20]), 7);  // a part of a block
  CHECK_EQUAL(static_cast<int>(memory.data()[size_t{3} << 20]), 0);
  CHECK_EQUAL(static_cast<int>(memory.data()[size_t{59} << 20]), 0);
  CHECK_EQUAL(static_cast<int>(memory.data()[size_t{60} << 20]), 7);
}

TEST("reserved memory: more than the address space is an error with a code") {
  CHECK_THROWS(CodedError, ReservedMemory(size_t{1} << 60), message);
  CHECK(message.find("KV cache") != std::string::npos);
}

TEST("mapped file: shows the file; absent and empty ones are errors with a code") {
  const std::string path = "node_mlc_memory_test.tmp";  // in the working folder
  std::ofstream(path) << "hello";
  auto file = MappedFile::Open(path);
  CHECK_EQUAL(std::string(reinterpret_cast<const char*>(file->data()), file->size()), "hello");
  file->Prefault(0, file->size());
  std::ofstream(path, std::ios::trunc).close();
  CHECK_THROWS(CodedError, MappedFile::Open(path), empty);
  std::remove(path.c_str());
  CHECK_THROWS(CodedError, MappedFile::Open(path), absent);
  CHECK(absent.find(path) != std::string::npos);
  CHECK_THROWS(CodedError, MappedFile::Open("/"), folder);
}
