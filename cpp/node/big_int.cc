/*!
 * \file node/big_int.cc
 *
 * JavaScript: sign and magnitude. TVM: two's complement, least significant word first, as few words
 * as hold the value.
 */
#include "node/big_int.h"

#include <cstring>
#include <vector>

#include "node/error_conversion.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

void Negate(std::vector<uint64_t>* words) {
  uint64_t carry = 1;
  for (uint64_t& word : *words) {
    word = ~word + carry;
    carry = carry == 1 && word == 0 ? 1 : 0;
  }
}

}  // namespace

ffi::Any BigIntToFfi(napi_env env, napi_value value) {
  int64_t integer = 0;
  bool lossless = false;
  Check(env, napi_get_value_bigint_int64(env, value, &integer, &lossless));
  if (lossless) return ffi::Any(integer);
  size_t count = 0;
  int negative = 0;
  Check(env, napi_get_value_bigint_words(env, value, nullptr, &count, nullptr));
  std::vector<uint64_t> words(count + 1, 0);  // one more for the sign
  Check(env, napi_get_value_bigint_words(env, value, &negative, &count, words.data()));
  if (negative != 0) Negate(&words);
  const TVMFFIByteArray bytes{reinterpret_cast<const char*>(words.data()),
                              words.size() * sizeof(uint64_t)};
  ffi::Any result;
  if (TVMFFIBigIntFromByteArray(&bytes, reinterpret_cast<TVMFFIAny*>(&result)) != 0)
    throw TakeRaisedError();
  return result;
}

napi_value BigIntToJs(napi_env env, const ffi::Any& value) {
  const TVMFFIByteArray bytes =
      TVMFFIBigIntGetContentByteArray(reinterpret_cast<const TVMFFIAny*>(&value));
  std::vector<uint64_t> words(bytes.size / sizeof(uint64_t));
  std::memcpy(words.data(), bytes.data, words.size() * sizeof(uint64_t));
  const bool negative = !words.empty() && words.back() >> 63 != 0;
  if (negative) Negate(&words);
  napi_value result;
  Check(env, napi_create_bigint_words(env, negative ? 1 : 0, words.size(), words.data(), &result));
  return result;
}

}  // namespace node_mlc
