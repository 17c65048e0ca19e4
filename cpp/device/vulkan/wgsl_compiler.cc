/*!
 * \file device/vulkan/wgsl_compiler.cc
 */
#include "device/vulkan/wgsl_compiler.h"

#include <cstddef>
#include <cstdint>

#include "device/device_error.h"
#include "device/dynamic_library.h"
#include "support/own_library.h"

namespace node_mlc::vulkan {

namespace {

/*! \brief The C interface of cpp/device/vulkan/wgslc/src/lib.rs. */
struct Compiler {
  int32_t (*convert)(const char* source, size_t size, char** out, size_t* out_size) = nullptr;
  void (*free)(char* data, size_t size) = nullptr;
  std::string problem;
};

const Compiler& GetCompiler() {
  static const Compiler* compiler = [] {
    auto* found = new Compiler();
    const std::string path = SiblingLibrary("node_mlc_wgsl");
    void* library = OpenLibrary({path.c_str()}, &found->problem);
    if (library == nullptr) return found;
    FunctionBinder bind([=](const char* name) { return FindFunction(library, name); });
    bind(found->convert, "node_mlc_wgsl_convert");
    bind(found->free, "node_mlc_wgsl_free");
    if (!bind.missing().empty()) found->problem = path + " has no function " + bind.missing();
    return found;
  }();
  return *compiler;
}

}  // namespace

const std::string& MissingWgslCompiler() { return GetCompiler().problem; }

std::string CompileWgsl(const std::string& kernel, const std::string& source) {
  const Compiler& compiler = GetCompiler();
  if (!compiler.problem.empty()) {
    ThrowDeviceError("ERR_COMPILER_NOT_FOUND",
                     "Expected the compiler of WGSL for the kernel " + kernel + " but " +
                         compiler.problem +
                         ". It is built where Rust's cargo is: install that and run "
                         "`npm run build:native`, or use a prebuilt package.");
  }
  char* bytes = nullptr;
  size_t size = 0;
  const int32_t status = compiler.convert(source.data(), source.size(), &bytes, &size);
  const std::string result(bytes, size);
  compiler.free(bytes, size);
  if (status != 0) {
    ThrowDeviceError("ERR_COMPILE", "Expected WGSL for the kernel " + kernel +
                                        " but received an error:\n" + result);
  }
  return result;
}

}  // namespace node_mlc::vulkan
