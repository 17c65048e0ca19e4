/*!
 * \file device_serializer_test.cc
 * \brief The byte format of device modules.
 */
#include <tvm/support/serializer.h>

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "check.h"
#include "device/byte_stream.h"
#include "runtime/metadata.h"

using node_mlc::ByteReader;
using node_mlc::ByteWriter;
namespace ffi = tvm::ffi;

namespace {

template <typename T>
std::string Written(const T& value) {
  ByteWriter writer;
  writer.Write(value);
  return writer.Take();
}

template <typename T>
T ReadBack(const std::string& bytes) {
  T value{};
  ByteReader reader(bytes);
  CHECK(reader.Read(&value));
  return value;
}

}  // namespace

TEST("serializer: numbers are little-endian, texts and lists begin with their length") {
  CHECK_EQUAL(Written(uint32_t{0x01020304}), "\x04\x03\x02\x01");
  CHECK_EQUAL(Written(std::string("ab")), std::string("\2\0\0\0\0\0\0\0ab", 10));
  CHECK_EQUAL(Written(ffi::String("ab")), Written(std::string("ab")));
  CHECK_EQUAL(Written(std::vector<uint8_t>{7, 8}), std::string("\2\0\0\0\0\0\0\0\7\10", 10));
  CHECK_EQUAL(Written(DLDataType{kDLFloat, 32, 4}), std::string("\2\x20\4\0", 4));
  CHECK_EQUAL(Written(DLDevice{kDLOpenCL, 3}), std::string("\4\0\0\0\3\0\0\0", 8));
}

TEST("serializer: containers come back") {
  std::unordered_map<std::string, int> map = {{"a", 1}, {"b", -2}};
  CHECK(ReadBack<decltype(map)>(Written(map)) == map);
  std::vector<std::pair<std::string, double>> pairs = {{"x", 0.5}, {"", -1}};
  CHECK(ReadBack<decltype(pairs)>(Written(pairs)) == pairs);
}

TEST("serializer: what a kernel takes comes back") {
  using tvm::runtime::FunctionInfo;
  using Infos = ffi::Map<ffi::String, FunctionInfo>;
  const FunctionInfo info("kernel", {DLDataType{kDLOpaqueHandle, 64, 1}, DLDataType{kDLInt, 32, 1}},
                          {"blockIdx.x", "threadIdx.x"}, {});
  const auto infos = ReadBack<Infos>(Written(Infos{{"kernel", info}}));
  CHECK_EQUAL(infos.size(), 1u);
  const FunctionInfo back = infos["kernel"];
  CHECK_EQUAL(std::string(back->name), "kernel");
  CHECK_EQUAL(back->arg_types.size(), 2u);
  CHECK_EQUAL(static_cast<int>(back->arg_types[1].bits), 32);
  CHECK_EQUAL(std::string(back->launch_param_tags[1]), "threadIdx.x");
}

TEST("serializer: bytes that end too early, or claim to be many, are refused") {
  const std::string whole = Written(ffi::Array<ffi::String>{"first", "second"});
  for (size_t size = 0; size < whole.size(); ++size) {
    ByteReader reader(std::string_view(whole).substr(0, size));
    ffi::Array<ffi::String> values;
    CHECK(!reader.Read(&values));
  }
  const std::string claim = Written(~uint64_t{0}) + "few";
  ByteReader text(claim), list(claim);
  std::string value;
  std::vector<double> values;
  CHECK(!text.Read(&value));
  CHECK(!list.Read(&values));
}
