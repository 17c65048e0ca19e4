/*!
 * \file support/coded_error.h
 * \brief The exception that carries one of the project's stable error codes across C++ code.
 */
#ifndef NODE_MLC_SUPPORT_CODED_ERROR_H_
#define NODE_MLC_SUPPORT_CODED_ERROR_H_

#include <stdexcept>
#include <string>
#include <utility>

namespace node_mlc {

/*!
 * \brief An error that becomes `MlcError(code, message)` in JavaScript.
 *
 * `code` is one of the codes of lib/errors.ts; the message says what was expected, what was
 * received and what to do.
 */
class CodedError : public std::runtime_error {
 public:
  CodedError(std::string code, const std::string& message)
      : std::runtime_error(message), code_(std::move(code)) {}

  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_CODED_ERROR_H_
