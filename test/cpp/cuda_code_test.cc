/*!
 * \file cuda_code_test.cc
 * \brief Code for NVIDIA GPUs in compiled libraries: its form, and which of it a GPU gets.
 */
#include <tvm/ffi/error.h>

#include <string>
#include <vector>

#include "check.h"
#include "device/cuda/code_container.h"

using namespace node_mlc::cuda;

namespace {

std::vector<DeviceCode> Entries(const std::vector<std::string>& names) {
  std::vector<DeviceCode> entries;
  for (const std::string& name : names) entries.push_back({*ParseArchitecture(name), "of " + name});
  return entries;
}

std::string Chosen(const std::vector<std::string>& names, Capability capability) {
  const std::vector<DeviceCode> entries = Entries(names);
  const DeviceCode* chosen = ChooseCode(entries, capability);
  return chosen == nullptr ? "none" : chosen->architecture.Name();
}

std::string Refusal(const std::string& container) {
  try {
    DecodeContainer(container);
  } catch (const tvm::ffi::Error& error) {
    CHECK_EQUAL(std::string(error.kind()), "ERR_NATIVE");
    return std::string(error.message());
  }
  return "";
}

bool Says(const std::string& message, const std::string& part) {
  return message.find(part) != std::string::npos;
}

}  // namespace

TEST("CUDA code: a container comes back whole, bytes of any value and none") {
  std::vector<DeviceCode> entries = Entries({"sm_80", "sm_120", "compute_80"});
  entries[0].bytes = std::string(
      "\0\x7f"
      "ELF\xff\n",
      7);
  entries[1].bytes = "";
  const std::vector<DeviceCode> back = DecodeContainer(EncodeContainer(entries));
  CHECK_EQUAL(back.size(), entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    CHECK_EQUAL(back[i].architecture.Name(), entries[i].architecture.Name());
    CHECK(back[i].bytes == entries[i].bytes);
  }
  CHECK(DecodeContainer(EncodeContainer({})).empty());
}

TEST("CUDA code: a container's form is fixed") {
  const std::string container = EncodeContainer({{{90, true}, "ab"}});
  const std::string expected = std::string("node-mlc cuda code 1\n") + '\1' + std::string(7, '\0') +
                               '\5' + std::string(7, '\0') + "sm_90" + '\2' + std::string(7, '\0') +
                               "ab";
  CHECK_EQUAL(container.substr(0, container.size() - 8), expected);
}

TEST("CUDA code: every cut and every changed byte of a container is refused") {
  const std::string container = EncodeContainer(Entries({"sm_80", "compute_80"}));
  for (size_t size = 0; size < container.size(); ++size)
    CHECK(!Refusal(container.substr(0, size)).empty());
  for (size_t at = 0; at < container.size(); ++at) {
    std::string damaged = container;
    damaged[at] ^= 1;
    CHECK(!Refusal(damaged).empty());
  }
  CHECK(!Refusal(container + "x").empty());
}

TEST("CUDA code: what is refused is told apart") {
  CHECK(Says(Refusal("extern \"C\" __global__"), "begins otherwise"));
  CHECK(Says(Refusal("node-mlc cuda code 2\n........"), "another version"));
  std::string damaged = EncodeContainer(Entries({"sm_80"}));
  damaged.back() ^= 1;
  CHECK(Says(Refusal(damaged), "damaged"));
}

TEST("CUDA code: names of architectures") {
  CHECK_EQUAL(ParseArchitecture("sm_120")->capability, 120);
  CHECK(!ParseArchitecture("compute_80")->machine_code);
  CHECK_EQUAL(CapabilityText(120), "12.0");
  for (const char* wrong :
       {"", "sm_", "sm_9", "sm_90a", "sm_1200", "sm90", "compute_", "gfx_90", "sm_-9"}) {
    CHECK(!ParseArchitecture(wrong).has_value());
  }
}

TEST("CUDA code: a GPU gets the best machine code of its generation, else PTX, else nothing") {
  const std::vector<std::string> usual = {"sm_80", "sm_89", "sm_90", "compute_80"};
  CHECK_EQUAL(Chosen(usual, 80), "sm_80");
  CHECK_EQUAL(Chosen(usual, 86), "sm_80");
  CHECK_EQUAL(Chosen(usual, 89), "sm_89");
  CHECK_EQUAL(Chosen(usual, 90), "sm_90");
  CHECK_EQUAL(Chosen(usual, 100), "compute_80");
  CHECK_EQUAL(Chosen(usual, 121), "compute_80");
  CHECK_EQUAL(Chosen(usual, 75), "none");
  CHECK_EQUAL(Chosen({"sm_89", "compute_80"}, 86), "compute_80");
  CHECK_EQUAL(Chosen({"sm_80"}, 90), "none");
  CHECK_EQUAL(Chosen({"sm_100", "sm_103", "sm_90"}, 103), "sm_103");
  CHECK_EQUAL(Chosen({"compute_80", "compute_90"}, 120), "compute_90");
  CHECK_EQUAL(Chosen({}, 90), "none");
}

TEST("CUDA code: machine code does not go between chips with and without a processor on board") {
  CHECK_EQUAL(Chosen({"sm_80", "sm_86", "compute_80"}, 87), "compute_80");
  CHECK_EQUAL(Chosen({"sm_87", "compute_80"}, 87), "sm_87");
  CHECK_EQUAL(Chosen({"sm_87", "compute_80"}, 89), "compute_80");
}
