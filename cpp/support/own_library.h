/*!
 * \file support/own_library.h
 * \brief Libraries that lie beside this one.
 */
#ifndef NODE_MLC_SUPPORT_OWN_LIBRARY_H_
#define NODE_MLC_SUPPORT_OWN_LIBRARY_H_

#include <string>

namespace node_mlc {

/*! \brief Path of the library `name` ("tvm_ffi") in the folder of the library this code is in. */
std::string SiblingLibrary(const std::string& name);

/*! \brief Loads a library for the life of the process; empty, or why it does not load. */
std::string LoadLibraryFile(const std::string& path);

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_OWN_LIBRARY_H_
