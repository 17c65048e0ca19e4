/*!
 * \file device/dynamic_library.cc
 */
#include "device/dynamic_library.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace node_mlc {

namespace {

#ifdef _WIN32
void* Open(const char* file) {
  const bool path = std::string(file).find_first_of("/\\") != std::string::npos;
  const DWORD search = path ? LOAD_WITH_ALTERED_SEARCH_PATH : LOAD_LIBRARY_SEARCH_SYSTEM32;
  return LoadLibraryExA(file, nullptr, search);
}
std::string LastProblem() { return "Windows error " + std::to_string(GetLastError()); }
#else
void* Open(const char* file) { return dlopen(file, RTLD_NOW | RTLD_LOCAL); }
std::string LastProblem() { return dlerror(); }
#endif

}  // namespace

void* OpenLibrary(const std::string& file, std::string* problem) {
  void* library = Open(file.c_str());
  if (library == nullptr) *problem = LastProblem();
  return library;
}

void* OpenLibrary(std::initializer_list<const char*> files, std::string* problem) {
  problem->clear();
  for (const char* file : files) {
    std::string reason;
    if (void* library = OpenLibrary(std::string(file), &reason)) return library;
    // Of the first name: it is the one to install.
    if (problem->empty()) *problem = std::string(file) + " does not load (" + reason + ")";
  }
  return nullptr;
}

#ifdef _WIN32
void* FindFunction(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(library), name));
}
#else
void* FindFunction(void* library, const char* name) { return dlsym(library, name); }
#endif

}  // namespace node_mlc
