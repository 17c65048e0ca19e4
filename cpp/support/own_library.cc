/*!
 * \file support/own_library.cc
 */
#include "support/own_library.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace node_mlc {

#ifdef _WIN32

std::string SiblingLibrary(const std::string& name) {
  HMODULE self = nullptr;
  GetModuleHandleExA(
      GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
      reinterpret_cast<LPCSTR>(&SiblingLibrary), &self);
  char path[MAX_PATH];
  const std::string file(path, GetModuleFileNameA(self, path, MAX_PATH));
  return file.substr(0, file.find_last_of('\\') + 1) + name + ".dll";
}

std::string LoadLibraryFile(const std::string& path) {
  // The libraries it needs are loaded already.
  if (LoadLibraryExA(path.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH) != nullptr) return "";
  return "Windows error " + std::to_string(GetLastError());
}

#else

std::string SiblingLibrary(const std::string& name) {
#ifdef __APPLE__
  const std::string file = "lib" + name + ".dylib";
#else
  const std::string file = "lib" + name + ".so";
#endif
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&SiblingLibrary), &info) == 0 || info.dli_fname == nullptr) {
    return file;
  }
  const std::string own = info.dli_fname;
  return own.substr(0, own.find_last_of('/') + 1) + file;
}

std::string LoadLibraryFile(const std::string& path) {
  return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr ? "" : dlerror();
}

#endif

}  // namespace node_mlc
