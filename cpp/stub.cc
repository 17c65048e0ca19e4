/*!
 * \file stub.cc
 * \brief node_mlc.node: loads the TVM runtime, then the core library, and hands over to it.
 *
 * Node loads this file only. It has no TVM symbols, because the order of loading matters:
 *  - libtvm_ffi must be RTLD_GLOBAL: compiled models refer to TVMFFI* symbols without naming the
 * library;
 *  - libtvm_ffi installs a SIGSEGV handler when it is loaded. V8's WebAssembly trap handler lives
 * on SIGSEGV, so the handler that was there is put back at once;
 *  - a missing library becomes a JavaScript error that names it;
 *  - a second copy of this package in one process shares the first one's TVM: a second TVM would
 * register every type again in the first one's table, which aborts. lib/ffi/signature-check.ts
 * refuses a TVM that does not fit.
 */
#include <node_api.h>

#include <string>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#include <signal.h>
#endif

namespace {

using InitFunction = napi_value (*)(napi_env, napi_value);

#ifdef _WIN32
constexpr char kSeparator = '\\';
std::string LibraryFile(const std::string& name) { return name + ".dll"; }

std::string OwnFolder() {
  HMODULE self = nullptr;
  GetModuleHandleExA(
      GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
      reinterpret_cast<LPCSTR>(&OwnFolder), &self);
  char path[MAX_PATH];
  std::string file(path, GetModuleFileNameA(self, path, MAX_PATH));
  return file.substr(0, file.find_last_of(kSeparator));
}

void* LoadGlobal(const std::string& path, std::string* reason) {
  void* library = LoadLibraryExA(path.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
  if (library == nullptr) *reason = "Windows error " + std::to_string(GetLastError());
  return library;
}

bool IsLoaded(const std::string& name) {
  return GetModuleHandleA(LibraryFile(name).c_str()) != nullptr;
}

void* FindSymbol(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(library), name));
}

struct SegvHandlerGuard {};
#else
constexpr char kSeparator = '/';
#ifdef __APPLE__
std::string LibraryFile(const std::string& name) { return "lib" + name + ".dylib"; }
#else
std::string LibraryFile(const std::string& name) { return "lib" + name + ".so"; }
#endif

std::string OwnFolder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&OwnFolder), &info) == 0 || info.dli_fname == nullptr)
    return ".";
  std::string file = info.dli_fname;
  return file.substr(0, file.find_last_of(kSeparator));
}

void* LoadGlobal(const std::string& path, std::string* reason) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) *reason = dlerror();
  return library;
}

bool IsLoaded(const std::string& name) {
  return dlopen(LibraryFile(name).c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD) != nullptr;
}

void* FindSymbol(void* library, const char* name) { return dlsym(library, name); }

/*! \brief Restores, when it goes out of scope, the SIGSEGV action that was in place before. */
struct SegvHandlerGuard {
  SegvHandlerGuard() { sigaction(SIGSEGV, nullptr, &before); }
  ~SegvHandlerGuard() { sigaction(SIGSEGV, &before, nullptr); }
  struct sigaction before;
};
#endif

void* LoadOrThrow(napi_env env, const std::string& folder, const std::string& name) {
  std::string path = folder + kSeparator + LibraryFile(name);
  std::string reason;
  SegvHandlerGuard guard;
  void* library = LoadGlobal(path, &reason);
  if (library == nullptr) {
    std::string message = "Expected " + path +
                          " beside the addon, but it does not load: " + reason +
                          ". Reinstall node-mlc, or run `npm run build` in a source checkout.";
    napi_throw_error(env, "ERR_NATIVE", message.c_str());
  }
  return library;
}

}  // namespace

NAPI_MODULE_INIT() {
  const std::string folder = OwnFolder();
  for (const char* name : {"tvm_ffi", "tvm_runtime"}) {
    if (!IsLoaded(name) && LoadOrThrow(env, folder, name) == nullptr) return nullptr;
  }
  void* core = LoadOrThrow(env, folder, "node_mlc_core");
  if (core == nullptr) return nullptr;
  auto init = reinterpret_cast<InitFunction>(FindSymbol(core, "node_mlc_core_init"));
  if (init == nullptr) {
    napi_throw_error(env, "ERR_NATIVE",
                     "node_mlc_core has no entry point: the addon's files do not belong together.");
    return nullptr;
  }
  return init(env, exports);
}
