/*!
 * \file node/js_function.cc
 */
#include "node/js_function.h"

#include <memory>
#include <vector>

#include "node/addon_data.h"
#include "node/error_conversion.h"
#include "node/value_conversion.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

/*! \brief One reference to a JavaScript function, released by whoever drops the TVM function last.
 */
class JsFunction {
 public:
  JsFunction(std::shared_ptr<ReferenceReaper> reaper, napi_ref reference)
      : reaper_(std::move(reaper)), reference_(reference) {}
  ~JsFunction() { reaper_->Release(reference_); }
  JsFunction(const JsFunction&) = delete;
  JsFunction& operator=(const JsFunction&) = delete;

  static int SafeCall(void* self, const TVMFFIAny* args, int32_t count, TVMFFIAny* result) {
    TVM_FFI_SAFE_CALL_BEGIN();
    ffi::Any value = static_cast<JsFunction*>(self)->Call(args, count);
    *result = ffi::details::AnyUnsafe::MoveAnyToTVMFFIAny(std::move(value));
    TVM_FFI_SAFE_CALL_END();
  }

 private:
  ffi::Any Call(const TVMFFIAny* args, int32_t count) const {
    if (!reaper_->CanCallJavaScript()) {
      TVM_FFI_THROW(RuntimeError) << "A JavaScript callback was called on another thread than the "
                                     "one that made it, or after its environment "
                                     "ended. Callbacks run only on their own JavaScript thread.";
    }
    napi_env env = reaper_->env();
    napi_handle_scope scope;
    if (napi_open_handle_scope(env, &scope) != napi_ok) {
      TVM_FFI_THROW(RuntimeError) << "JavaScript is being terminated.";
    }
    // A scope object rather than a call at the end: every way out closes the handle scope.
    struct ScopeGuard {
      ~ScopeGuard() { napi_close_handle_scope(env, scope); }
      napi_env env;
      napi_handle_scope scope;
    } guard{env, scope};
    try {
      return CallInScope(env, args, count);
    } catch (const JsExceptionPending&) {
      throw TakeJsException(env);
    } catch (const CodedError& error) {
      ThrowCoded(env, error.code(),
                 error.what());  // so that the caller of TVM gets this very error back
      throw TakeJsException(env);
    }
  }

  ffi::Any CallInScope(napi_env env, const TVMFFIAny* args, int32_t count) const {
    napi_value function, undefined, result;
    Check(env, napi_get_reference_value(env, reference_, &function));
    Check(env, napi_get_undefined(env, &undefined));
    std::vector<napi_value> arguments(count);
    for (int32_t i = 0; i < count; ++i) {
      arguments[i] = ToJs(env, ffi::Any(ffi::AnyView::CopyFromTVMFFIAny(args[i])));
    }
    Check(env, napi_call_function(env, undefined, function, count, arguments.data(), &result));
    return ToFfi(env, result, TypeSchema());
  }

  const std::shared_ptr<ReferenceReaper> reaper_;
  const napi_ref reference_;
};

}  // namespace

ffi::Function MakeJsFunction(napi_env env, napi_value function) {
  AddonData* data = AddonData::Get(env);
  if (data == nullptr) throw JsExceptionPending();
  napi_ref reference;
  Check(env, napi_create_reference(env, function, 1, &reference));
  return ffi::Function::FromExternC(new JsFunction(data->reaper, reference), JsFunction::SafeCall,
                                    [](void* self) { delete static_cast<JsFunction*>(self); });
}

}  // namespace node_mlc
