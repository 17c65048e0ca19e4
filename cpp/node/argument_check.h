/*!
 * \file node/argument_check.h
 * \brief Declared argument lists of native methods: "Expected … but received …".
 *
 * \code
 * // submit(id: number, tokens: Int32Array, onTokens?: Function)
 * const Arguments args(env, info, "submit", {Number("id"), TypedArray("tokens"),
 * Optional(Callback("onTokens"))}); \endcode
 */
#ifndef NODE_MLC_NODE_ARGUMENT_CHECK_H_
#define NODE_MLC_NODE_ARGUMENT_CHECK_H_

#include <node_api.h>

#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "node/error_conversion.h"

namespace node_mlc {

/*! \brief What `value` is, in words, for messages. */
inline std::string Describe(napi_env env, napi_value value) {
  napi_valuetype type;
  bool yes = false;
  if (napi_typeof(env, value, &type) != napi_ok) return "an unknown value";
  switch (type) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return "a boolean";
    case napi_number: {
      double number = 0;
      napi_get_value_double(env, value, &number);
      if (std::isnan(number)) return "NaN";
      char text[32];
      std::snprintf(text, sizeof(text), "%.15g", number);
      return std::string("the number ") + text;
    }
    case napi_string:
      return "a string";
    case napi_symbol:
      return "a symbol";
    case napi_function:
      return "a function";
    case napi_bigint:
      return "a bigint";
    default:
      break;
  }
  if (napi_is_array(env, value, &yes) == napi_ok && yes) return "an array";
  if (napi_is_typedarray(env, value, &yes) == napi_ok && yes) return "a typed array";
  return "an object";
}

/*! \brief One declared argument: a name for messages, what is expected, and the check. */
struct ArgumentRule {
  std::string name;
  std::string expected;
  bool (*accepts)(napi_env, napi_value);
  bool optional = false;
};

namespace argument_check {
template <napi_valuetype kType>
bool IsType(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && type == kType;
}
inline bool IsArray(napi_env env, napi_value value) {
  bool yes = false;
  return napi_is_array(env, value, &yes) == napi_ok && yes;
}
inline bool IsTypedArray(napi_env env, napi_value value) {
  bool yes = false;
  return napi_is_typedarray(env, value, &yes) == napi_ok && yes;
}
inline bool IsNonNegativeInteger(napi_env env, napi_value value) {
  double number = 0;
  return IsType<napi_number>(env, value) && napi_get_value_double(env, value, &number) == napi_ok &&
         number >= 0 && number == std::floor(number) && number <= 9007199254740991.0;
}
inline bool IsAnything(napi_env, napi_value) { return true; }
}  // namespace argument_check

inline ArgumentRule String(std::string name) {
  return {std::move(name), "a string", argument_check::IsType<napi_string>};
}
inline ArgumentRule Boolean(std::string name) {
  return {std::move(name), "a boolean", argument_check::IsType<napi_boolean>};
}
inline ArgumentRule Number(std::string name) {
  return {std::move(name), "a number", argument_check::IsType<napi_number>};
}
inline ArgumentRule NonNegativeInteger(std::string name) {
  return {std::move(name), "a non-negative integer", argument_check::IsNonNegativeInteger};
}
inline ArgumentRule BigInt(std::string name) {
  return {std::move(name), "a bigint", argument_check::IsType<napi_bigint>};
}
inline ArgumentRule Object(std::string name) {
  return {std::move(name), "an object", argument_check::IsType<napi_object>};
}
inline ArgumentRule Array(std::string name) {
  return {std::move(name), "an array", argument_check::IsArray};
}
inline ArgumentRule TypedArray(std::string name) {
  return {std::move(name), "a typed array", argument_check::IsTypedArray};
}
inline ArgumentRule Callback(std::string name) {
  return {std::move(name), "a function", argument_check::IsType<napi_function>};
}
inline ArgumentRule Anything(std::string name) {
  return {std::move(name), "a value", argument_check::IsAnything};
}
/*! \brief The same argument, or undefined. */
inline ArgumentRule Optional(ArgumentRule rule) {
  rule.optional = true;
  return rule;
}

/*! \brief The checked arguments of one call; the constructor throws
 * CodedError(ERR_INVALID_ARGUMENT). */
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info, const char* method,
            std::initializer_list<ArgumentRule> rules)
      : env_(env), values_(rules.size()) {
    size_t count = values_.size();
    Check(env, napi_get_cb_info(env, info, &count, values_.data(), &self_, &data_));
    size_t index = 0;
    for (const ArgumentRule& rule : rules) {
      napi_value value = values_[index++];  // Node fills missing arguments with undefined
      if (rule.optional && argument_check::IsType<napi_undefined>(env, value)) continue;
      if (rule.accepts(env, value)) continue;
      throw CodedError("ERR_INVALID_ARGUMENT", std::string("Expected ") + rule.expected + " for '" +
                                                   rule.name + "' of " + method +
                                                   "() but received " + Describe(env, value) + ".");
    }
  }

  napi_value operator[](size_t index) const { return values_[index]; }
  napi_value self() const { return self_; }
  void* data() const { return data_; }

  /*! \brief Whether an optional argument was given. */
  bool Has(size_t index) const {
    return !argument_check::IsType<napi_undefined>(env_, values_[index]);
  }

  std::string GetString(size_t index) const {
    size_t length = 0;
    Check(env_, napi_get_value_string_utf8(env_, values_[index], nullptr, 0, &length));
    std::string text(length, '\0');
    Check(env_, napi_get_value_string_utf8(env_, values_[index], text.data(), length + 1, &length));
    return text;
  }

  double GetNumber(size_t index) const {
    double number = 0;
    Check(env_, napi_get_value_double(env_, values_[index], &number));
    return number;
  }

  bool GetBoolean(size_t index) const {
    bool value = false;
    Check(env_, napi_get_value_bool(env_, values_[index], &value));
    return value;
  }

 private:
  napi_env env_;
  std::vector<napi_value> values_;
  napi_value self_ = nullptr;
  void* data_ = nullptr;
};

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_ARGUMENT_CHECK_H_
