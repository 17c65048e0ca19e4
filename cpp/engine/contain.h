/*!
 * \file engine/contain.h
 * \brief A C++ exception of a piece of work becomes an error code and a message.
 */
#ifndef NODE_MLC_ENGINE_CONTAIN_H_
#define NODE_MLC_ENGINE_CONTAIN_H_

#include <exception>
#include <new>

#include "support/coded_error.h"

namespace node_mlc {

/*! \brief Runs `body`; a C++ exception becomes a call of `failed(code, message)`. */
template <typename Body, typename Failed>
void Contain(Body&& body, Failed&& failed) {
  try {
    body();
  } catch (const CodedError& error) {
    failed(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    failed("ERR_INSUFFICIENT_MEMORY", "Out of memory while computing.");
  } catch (const std::exception& error) {
    failed("ERR_NATIVE", error.what());
  }
}

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_CONTAIN_H_
