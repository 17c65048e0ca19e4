/*!
 * \file node/value_handle.cc
 */
#include "node/value_handle.h"

#include <string>

#include "node/argument_check.h"
#include "node/class_definition.h"
#include "node/type_tags.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

void FinalizeHandle(napi_env env, void* data, void*) {
  auto* handle = static_cast<ValueHandle*>(data);
  if (handle->external_bytes > 0) {
    int64_t total;
    napi_adjust_external_memory(env, -handle->external_bytes, &total);
  }
  delete handle;
}

void Adopt(napi_env env, napi_value self, std::unique_ptr<ValueHandle> handle) {
  Check(env, napi_wrap(env, self, handle.get(), FinalizeHandle, nullptr, nullptr));
  ValueHandle* owned = handle.release();  // the finalizer owns it from here
  Check(env, napi_type_tag_object(env, self, &kValueHandleTag));
  if (owned->external_bytes > 0) {
    int64_t total;
    Check(env, napi_adjust_external_memory(env, owned->external_bytes, &total));
  }
}

}  // namespace

napi_value ConstructWrapped(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    napi_value self, argument;
    size_t count = 1;
    void* data = nullptr;
    Check(env, napi_get_cb_info(env, info, &count, &argument, &self, &data));
    AddonData* addon = AddonData::Get(env);
    if (addon == nullptr) throw JsExceptionPending();
    std::unique_ptr<ValueHandle> handle(addon->handle_under_construction);
    addon->handle_under_construction = nullptr;
    if (handle == nullptr) {
      if (static_cast<WrapClass>(reinterpret_cast<uintptr_t>(data)) != WrapClass::kFloat) {
        throw CodedError("ERR_INVALID_ARGUMENT",
                         "This class has no public constructor: its instances come from calls of "
                         "TVM functions.");
      }
      const Arguments args(env, info, "FfiFloat", {Number("value")});
      handle = std::make_unique<ValueHandle>();
      handle->value = ffi::Any(args.GetNumber(0));
    }
    Adopt(env, self, std::move(handle));
    return self;
  });
}

ValueHandle* TryUnwrap(napi_env env, napi_value value) {
  bool ours = false;
  void* data = nullptr;
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object) return nullptr;
  if (napi_check_object_type_tag(env, value, &kValueHandleTag, &ours) != napi_ok || !ours)
    return nullptr;
  return napi_unwrap(env, value, &data) == napi_ok ? static_cast<ValueHandle*>(data) : nullptr;
}

ValueHandle* UnwrapThis(napi_env env, napi_value self, const char* expected) {
  ValueHandle* handle = TryUnwrap(env, self);
  if (handle == nullptr) {
    throw CodedError("ERR_INVALID_ARGUMENT", std::string("Illegal invocation: expected ") +
                                                 expected + " as `this` but received " +
                                                 Describe(env, self) + ".");
  }
  if (handle->disposed)
    throw CodedError("ERR_DISPOSED", std::string("This was disposed: ") + expected + ".");
  return handle;
}

napi_value Wrap(napi_env env, WrapClass wrap_class, std::unique_ptr<ValueHandle> handle) {
  AddonData* addon = AddonData::Get(env);
  if (addon == nullptr) throw JsExceptionPending();
  napi_value constructor, object;
  Check(env, napi_get_reference_value(env, addon->classes[static_cast<size_t>(wrap_class)],
                                      &constructor));
  addon->handle_under_construction = handle.release();
  const napi_status status = napi_new_instance(env, constructor, 0, nullptr, &object);
  // Still there when the constructor did not run.
  handle.reset(addon->handle_under_construction);
  addon->handle_under_construction = nullptr;
  Check(env, status);
  return object;
}

}  // namespace node_mlc
