/*!
 * \file fake_cuda/nvrtc.cc
 * \brief A libnvrtc.so.13 that compiles CUDA C++ for the processor: its machine code is "EMULATED"
 * and the path of a library, which the fake driver runs. EMULATION_HEADER (at build time) is the
 * path of emulation.h.
 */
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include "fake_cuda.h"

namespace {

struct Program {
  std::string source;
  std::string code;
  std::string log;
};

void Replace(std::string* text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text->find(from, at)) != std::string::npos; at += to.size()) {
    text->replace(at, from.size(), to);
  }
}

/*! \brief For each kernel a function that takes the addresses of its arguments, as a launch has
 * them. */
std::string Callers(const std::string& source) {
  static const std::regex kKernel(
      R"(extern "C" __global__ void __launch_bounds__\(\d+\) (\w+)\(([^)]*)\) \{)");
  std::string callers;
  for (std::sregex_iterator each(source.begin(), source.end(), kKernel), end; each != end; ++each) {
    std::string list = (*each)[2];
    Replace(&list, "__restrict__ ", "");
    std::istringstream parameters(list);
    std::string arguments;
    int count = 0;
    for (std::string parameter; std::getline(parameters, parameter, ',');) {
      const std::string type = parameter.substr(0, parameter.rfind(' '));
      arguments += (count == 0 ? "*(" : ", *(") + type + "*)a[" + std::to_string(count) + "]";
      ++count;
    }
    const std::string name = (*each)[1];
    callers += "extern \"C\" __attribute__((visibility(\"default\"))) void " + name +
               "__call(void** a) { " + name + "(" + arguments + "); }\n";
  }
  return callers;
}

std::string Emulated(std::string source) {
  const std::string callers = Callers(source);
  Replace(&source, R"(asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));)",
          "HalfOf(bits, value);");
  Replace(&source, R"(asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));)",
          "FloatOf(value, bits);");
  return "#include \"" EMULATION_HEADER "\"\nnamespace device {\n" + source + callers + "}\n";
}

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

int Give(const std::string& text, size_t* size) {
  *size = text.size() + 1;
  return 0;
}

int Give(const std::string& text, char* to) {
  std::memcpy(to, text.c_str(), text.size() + 1);
  return 0;
}

Program* Of(void* program) { return static_cast<Program*>(program); }

}  // namespace

FAKE_EXPORT int nvrtcVersion(int* major, int* minor) {
  *major = 13;
  *minor = 0;
  return 0;
}

FAKE_EXPORT int nvrtcGetNumSupportedArchs(int* count) {
  *count = 1;
  return 0;
}

FAKE_EXPORT int nvrtcGetSupportedArchs(int* capabilities) {
  capabilities[0] = 90;
  return 0;
}

FAKE_EXPORT const char* nvrtcGetErrorString(int) { return "fake error"; }

FAKE_EXPORT int nvrtcCreateProgram(void** program, const char* source, const char*, int,
                                   const char* const*, const char* const*) {
  *program = new Program{source, "", ""};
  return 0;
}

FAKE_EXPORT int nvrtcDestroyProgram(void** program) {
  delete Of(*program);
  return 0;
}

FAKE_EXPORT int nvrtcCompileProgram(void* program, int, const char* const*) {
  const char* folder = std::getenv("FAKE_CUDA_FOLDER");
  std::string base = std::string(folder == nullptr ? "/tmp" : folder) + "/kernels-XXXXXX";
  const int file = mkstemp(base.data());
  if (file < 0) return kNotSupported;
  close(file);
  std::ofstream(base + ".cc") << Emulated(Of(program)->source);
  // Products are added unrounded on a GPU; here they are not, which the tests' tolerances allow
  // for.
  const std::string command = "c++ -std=c++17 -O1 -w -shared -fPIC -fvisibility=hidden -o " + base +
                              ".so " + base + ".cc 2> " + base + ".log";
  const int status = std::system(command.c_str());
  Of(program)->log = Contents(base + ".log");
  Of(program)->code = "EMULATED" + base + ".so";
  return status == 0 ? 0 : 6;
}

FAKE_EXPORT int nvrtcGetProgramLogSize(void* program, size_t* size) {
  return Give(Of(program)->log, size);
}
FAKE_EXPORT int nvrtcGetProgramLog(void* program, char* log) { return Give(Of(program)->log, log); }
FAKE_EXPORT int nvrtcGetCUBINSize(void* program, size_t* size) {
  return Give(Of(program)->code, size);
}
FAKE_EXPORT int nvrtcGetCUBIN(void* program, char* code) { return Give(Of(program)->code, code); }
FAKE_EXPORT int nvrtcGetPTXSize(void*, size_t*) { return kNotSupported; }
FAKE_EXPORT int nvrtcGetPTX(void*, char*) { return kNotSupported; }
