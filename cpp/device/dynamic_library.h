/*!
 * \file device/dynamic_library.h
 * \brief Drivers' libraries, opened at run time: nothing of them is needed to build or to link.
 */
#ifndef NODE_MLC_DEVICE_DYNAMIC_LIBRARY_H_
#define NODE_MLC_DEVICE_DYNAMIC_LIBRARY_H_

#ifndef _WIN32
#include <signal.h>
#endif

#include <string>

namespace node_mlc {

/*!
 * \brief Opens a library for the life of the process; null, and the loader's words in `problem`,
 * where that is not possible.
 * \param file A path, or a name that the system's loader looks for (on Windows among its own).
 */
void* OpenLibrary(const std::string& file, std::string* problem);

/*! \brief Address of a function; null where the library has none of that name. */
void* FindFunction(void* library, const char* name);

/*! \brief Sets the functions of one library one after the other. */
struct FunctionBinder {
  void* library;
  /*! \brief The first name that the library lacks. */
  std::string missing;

  template <typename Function>
  void operator()(Function& function, const char* name) {
    function = reinterpret_cast<Function>(FindFunction(library, name));
    if (function == nullptr && missing.empty()) missing = name;
  }
};

/*! \brief Puts the process's SIGSEGV action back: drivers may set theirs, V8 needs its own. */
struct SegvActionGuard {
#ifndef _WIN32
  SegvActionGuard() { sigaction(SIGSEGV, nullptr, &before); }
  ~SegvActionGuard() { sigaction(SIGSEGV, &before, nullptr); }
  struct sigaction before;
#endif
};

}  // namespace node_mlc

#endif  // NODE_MLC_DEVICE_DYNAMIC_LIBRARY_H_
