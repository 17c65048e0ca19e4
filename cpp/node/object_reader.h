/*!
 * \file node/object_reader.h
 * \brief Reads the properties of an options object: "Expected … for 'name' of method() but received
 * …".
 */
#ifndef NODE_MLC_NODE_OBJECT_READER_H_
#define NODE_MLC_NODE_OBJECT_READER_H_

#include <node_api.h>

#include <cstdint>
#include <string>
#include <vector>

namespace node_mlc {

/*! \brief Bounds of a number. */
struct NumberRange {
  double least;
  double most;
};

/*!
 * \brief One object given to a native method. Every reader throws CodedError(ERR_INVALID_ARGUMENT)
 * for a value of another kind, and JsExceptionPending when a getter throws. JavaScript thread only,
 * lives within one call.
 */
class ObjectReader {
 public:
  /*! \brief `owner` names the object in messages, such as "load()" or "params[3] of load()". */
  ObjectReader(napi_env env, napi_value object, std::string owner)
      : env_(env), object_(object), owner_(std::move(owner)) {}

  /*! \brief Whether the property is there and not undefined. */
  bool Has(const char* name) const;
  /*! \brief Object-valued property. */
  ObjectReader Object(const char* name) const;
  /*! \brief Readers of the objects of an array. */
  std::vector<ObjectReader> Objects(const char* name) const;
  std::string String(const char* name) const;
  bool Boolean(const char* name) const;
  /*! \brief A finite number in a range. */
  double Number(const char* name, NumberRange range) const;
  /*! \brief A whole number in a range. */
  int64_t Integer(const char* name, NumberRange range) const;
  std::vector<int64_t> Integers(const char* name, NumberRange range) const;
  /*! \brief A bigint modulo 2^64. */
  uint64_t BigInt(const char* name) const;
  std::vector<int32_t> Int32Array(const char* name) const;
  std::vector<float> Float32Array(const char* name) const;

  /*! \brief Throws CodedError(ERR_INVALID_ARGUMENT) about a property. */
  [[noreturn]] void Reject(const char* name, const std::string& expected,
                           const std::string& received) const;

 private:
  napi_value Get(const char* name) const;
  std::vector<napi_value> Elements(const char* name) const;
  double Checked(const char* name, napi_value value, NumberRange range, bool whole) const;

  napi_env env_;
  napi_value object_;
  std::string owner_;
};

/*! \brief The elements of an Int32Array, copied; throws CodedError(ERR_INVALID_ARGUMENT) naming
 * `what`. */
std::vector<int32_t> ReadInt32Array(napi_env env, napi_value value, const std::string& what);

/*! \brief As ReadInt32Array(), of a Uint8Array. */
std::vector<uint8_t> ReadUint8Array(napi_env env, napi_value value, const std::string& what);

/*! \brief As ReadInt32Array(), of a Float32Array. */
std::vector<float> ReadFloat32Array(napi_env env, napi_value value, const std::string& what);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_OBJECT_READER_H_
