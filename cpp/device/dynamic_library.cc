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

#ifdef _WIN32

void* OpenLibrary(const std::string& file, std::string* problem) {
  const bool is_path = file.find_first_of("\\/") != std::string::npos;
  const DWORD flags = is_path ? LOAD_WITH_ALTERED_SEARCH_PATH : LOAD_LIBRARY_SEARCH_SYSTEM32;
  void* library = LoadLibraryExA(file.c_str(), nullptr, flags);
  if (library == nullptr) *problem = "Windows error " + std::to_string(GetLastError());
  return library;
}

void* FindFunction(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(library), name));
}

#else

void* OpenLibrary(const std::string& file, std::string* problem) {
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) *problem = dlerror();
  return library;
}

void* FindFunction(void* library, const char* name) { return dlsym(library, name); }

#endif

}  // namespace node_mlc
