/*!
 * \file device/dynamic_library.h
 * \brief Libraries of drivers, opened when a device is asked for.
 */
#ifndef NODE_MLC_DEVICE_DYNAMIC_LIBRARY_H_
#define NODE_MLC_DEVICE_DYNAMIC_LIBRARY_H_

#include <initializer_list>
#include <string>
#include <utility>

namespace node_mlc {

/*! \brief Opens a library by its path or name for the life of the process; null, and the loader's
 * words, if it does not load. */
void* OpenLibrary(const std::string& file, std::string* problem);

/*!
 * \brief Opens the first of the files that loads, for the life of the process; null, and why the
 * first one does not, if none does. On Windows only the system's own folder is searched for a name
 * without one.
 */
void* OpenLibrary(std::initializer_list<const char*> files, std::string* problem);

/*! \brief The address of a function; null where the library has none of this name. */
void* FindFunction(void* library, const char* name);

/*! \brief Sets pointers to functions one after the other, and remembers the first that is missing.
 */
template <typename Lookup>
class FunctionBinder {
 public:
  /*! \param look_up Returns the address of a function by its name. */
  explicit FunctionBinder(Lookup look_up) : look_up_(std::move(look_up)) {}

  template <typename Function>
  void operator()(Function& function, const char* name) {
    function = reinterpret_cast<Function>(look_up_(name));
    if (function == nullptr && missing_.empty()) missing_ = name;
  }

  /*! \brief Empty where all were there. */
  const std::string& missing() const { return missing_; }

 private:
  Lookup look_up_;
  std::string missing_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_DEVICE_DYNAMIC_LIBRARY_H_
