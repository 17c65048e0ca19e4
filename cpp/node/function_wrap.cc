/*!
 * \file node/function_wrap.cc
 * \brief FfiFunction, and the registry of global functions.
 */
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>

#include <array>
#include <string>

#include "node/argument_check.h"
#include "node/class_definition.h"
#include "node/js_function.h"
#include "node/value_conversion.h"
#include "node/value_handle.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

/*! \brief A global function with its parsed schema, behind one JavaScript function
 * (bindGlobalFunction). */
struct BoundFunction {
  ffi::Function function;
  std::shared_ptr<const FunctionSchema> schema;
};

/*! \brief The arguments of one call, with room for most calls on the stack. */
class CallArguments {
 public:
  CallArguments(napi_env env, napi_callback_info info) {
    count_ = small_.size();
    Check(env, napi_get_cb_info(env, info, &count_, small_.data(), &self_, &data_));
    if (count_ <= small_.size()) return;
    large_.resize(count_);
    Check(env, napi_get_cb_info(env, info, &count_, large_.data(), nullptr, nullptr));
  }
  size_t size() const { return count_; }
  napi_value operator[](size_t index) const {
    return large_.empty() ? small_[index] : large_[index];
  }
  napi_value self() const { return self_; }
  void* data() const { return data_; }

 private:
  std::array<napi_value, 16> small_;
  std::vector<napi_value> large_;
  size_t count_ = 0;
  napi_value self_ = nullptr;
  void* data_ = nullptr;
};

/*! \brief Converts, calls, converts back. `function` is a copy: a callback may dispose the handle
 * it came from. */
napi_value Invoke(napi_env env, ffi::Function function,
                  std::shared_ptr<const FunctionSchema> schema, const CallArguments& args) {
  static const TypeSchema kUntyped;
  std::vector<ffi::Any> values;
  values.reserve(args.size());
  for (size_t i = 0; i < args.size(); ++i) {
    const bool typed = schema != nullptr && i < schema->arguments.size();
    values.push_back(ToFfi(env, args[i], typed ? schema->arguments[i] : kUntyped));
  }
  ffi::Any result;
  auto* handle =
      const_cast<ffi::FunctionObj*>(static_cast<const ffi::FunctionObj*>(function.get()));
  static_assert(sizeof(ffi::Any) == sizeof(TVMFFIAny), "ffi::Any is laid out as TVMFFIAny");
  if (TVMFFIFunctionCall(handle, reinterpret_cast<TVMFFIAny*>(values.data()),
                         static_cast<int32_t>(values.size()),
                         reinterpret_cast<TVMFFIAny*>(&result)) != 0) {
    throw TakeRaisedError();
  }
  return ToJs(env, std::move(result));
}

std::shared_ptr<const FunctionSchema> GlobalSchema(const std::string& name) {
  static const ffi::Function metadata =
      ffi::Function::GetGlobalRequired("ffi.GetGlobalFuncMetadata");
  return ParseFunctionSchema(metadata(name).cast<ffi::String>());
}

// call(...args: FfiArgument[]): FfiValue
napi_value Call(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const CallArguments args(env, info);
    ValueHandle* handle = UnwrapThis(env, args.self(), "an FfiFunction");
    auto function = handle->value.as<ffi::Function>();
    if (!function.has_value()) {
      throw CodedError("ERR_INVALID_ARGUMENT",
                       "Illegal invocation: expected an FfiFunction as `this` but received " +
                           handle->value.GetTypeKey() + ".");
    }
    return Invoke(env, *function, handle->schema, args);
  });
}

napi_value CallBound(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const CallArguments args(env, info);
    const auto* bound = static_cast<const BoundFunction*>(args.data());
    return Invoke(env, bound->function, bound->schema, args);
  });
}

// bindGlobalFunction(name: string): ((...args: FfiArgument[]) => FfiValue) | undefined
napi_value BindGlobalFunction(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "call", {String("name")});
    const std::string name = args.GetString(0);
    napi_value function;
    auto global = ffi::Function::GetGlobal(name);
    if (!global.has_value()) {
      Check(env, napi_get_undefined(env, &function));
      return function;
    }
    auto bound = std::make_unique<BoundFunction>(BoundFunction{*global, GlobalSchema(name)});
    Check(env,
          napi_create_function(env, name.data(), name.size(), CallBound, bound.get(), &function));
    Check(env, napi_add_finalizer(
                   env, function, bound.get(),
                   [](napi_env, void* data, void*) { delete static_cast<BoundFunction*>(data); },
                   nullptr, nullptr));
    bound.release();
    return function;
  });
}

// getGlobalFunction(name: string): FfiFunction | undefined
napi_value GetGlobalFunction(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "getGlobalFunction", {String("name")});
    const std::string name = args.GetString(0);
    auto global = ffi::Function::GetGlobal(name);
    if (!global.has_value()) {
      napi_value undefined;
      Check(env, napi_get_undefined(env, &undefined));
      return undefined;
    }
    auto handle = std::make_unique<ValueHandle>();
    handle->value = *global;
    handle->schema = GlobalSchema(name);
    return Wrap(env, WrapClass::kFunction, std::move(handle));
  });
}

// registerGlobalFunction(name: string, fn: Function | FfiFunction, override: boolean): void
napi_value RegisterGlobalFunction(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "registerGlobalFunction",
                         {String("name"), Anything("function"), Boolean("override")});
    const std::string name = args.GetString(0);
    auto function = ToFfi(env, args[1], TypeSchema()).as<ffi::Function>();
    if (!function.has_value()) {
      throw CodedError(
          "ERR_INVALID_ARGUMENT",
          "Expected a function for 'function' of registerGlobalFunction() but received " +
              Describe(env, args[1]) + ".");
    }
    ffi::Function::SetGlobal(name, *function, args.GetBoolean(2));
    napi_value undefined;
    Check(env, napi_get_undefined(env, &undefined));
    return undefined;
  });
}

}  // namespace

void DefineFunctionClass(napi_env env, napi_value exports) {
  ClassDefinition(env, "FfiFunction", WrapClass::kFunction)
      .Extends(WrapClass::kObject)
      .Method("call", Call)
      .Define(exports);
  DefineFunctionOn(env, exports, "bindGlobalFunction", BindGlobalFunction);
  DefineFunctionOn(env, exports, "getGlobalFunction", GetGlobalFunction);
  DefineFunctionOn(env, exports, "registerGlobalFunction", RegisterGlobalFunction);
}

}  // namespace node_mlc
