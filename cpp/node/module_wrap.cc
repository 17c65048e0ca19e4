/*!
 * \file node/module_wrap.cc
 * \brief FfiModule: a library of compiled functions.
 */
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/extra/module.h>

#include <string>

#include "node/argument_check.h"
#include "node/class_definition.h"
#include "node/value_conversion.h"
#include "node/value_handle.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

ffi::Module ThisModule(napi_env env, napi_value self) {
  ValueHandle* handle = UnwrapThis(env, self, "an FfiModule");
  auto module = handle->value.as<ffi::Module>();
  if (!module.has_value()) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Illegal invocation: expected an FfiModule as `this` but received " +
                         handle->value.GetTypeKey() + ".");
  }
  return *module;
}

// getFunction(name: string, queryImports = true): FfiFunction
napi_value GetFunction(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "getFunction",
                         {String("name"), Optional(Boolean("queryImports"))});
    ffi::Module module = ThisModule(env, args.self());
    const std::string name = args.GetString(0);
    ffi::Optional<ffi::Function> function =
        module->GetFunction(name, !args.Has(1) || args.GetBoolean(1));
    if (!function.has_value()) {
      throw CodedError("ERR_INVALID_ARGUMENT", "Expected a function of this module (kind \"" +
                                                   std::string(module->kind()) +
                                                   "\") but received \"" + name + "\".");
    }
    return ToJs(env, *function);
  });
}

// get kind(): string
napi_value GetKind(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "kind", {});
    return ToJsString(env, ThisModule(env, args.self())->kind());
  });
}

// get imports(): FfiModule[]
napi_value GetImports(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "imports", {});
    return ToJs(env, ThisModule(env, args.self())->imports());
  });
}

// static loadFromFile(path: string): FfiModule
napi_value LoadFromFile(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "loadFromFile", {String("path")});
    return ToJs(env, ffi::Module::LoadFromFile(args.GetString(0)));
  });
}

}  // namespace

void DefineModuleClass(napi_env env, napi_value exports) {
  ClassDefinition(env, "FfiModule", WrapClass::kModule)
      .Extends(WrapClass::kObject)
      .Method("getFunction", GetFunction)
      .Getter("kind", GetKind)
      .Getter("imports", GetImports)
      .Static("loadFromFile", LoadFromFile)
      .Define(exports);
}

}  // namespace node_mlc
