/*!
 * \file node/error_conversion.cc
 */
#include "node/error_conversion.h"

#include <napi.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>

#include <memory>
#include <optional>
#include <utility>

#include "node/addon_data.h"
#include "support/ffi_error.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

/*! \brief A JavaScript exception on its way through TVM, as the `extra_context` of the TVM error.
 */
class JsExceptionObj : public ffi::Object {
 public:
  JsExceptionObj(std::shared_ptr<ReferenceReaper> reaper, napi_ref reference)
      : reaper(std::move(reaper)), reference(reference) {}
  ~JsExceptionObj() { reaper->Release(reference); }

  std::shared_ptr<ReferenceReaper> reaper;
  /*! \brief A one-element array that holds the exception: a reference to a primitive is not
   * possible. */
  napi_ref reference;

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("node_mlc.JsException1", JsExceptionObj, ffi::Object);
};

class JsException : public ffi::ObjectRef {
 public:
  explicit JsException(ffi::ObjectPtr<JsExceptionObj> object) : ObjectRef(std::move(object)) {}
};

std::string ToUtf8(napi_env env, napi_value value) {
  napi_value text;
  size_t length = 0;
  if (napi_coerce_to_string(env, value, &text) != napi_ok ||
      napi_get_value_string_utf8(env, text, nullptr, 0, &length) != napi_ok) {
    // A value whose toString() throws: its own exception is of no interest.
    napi_value ignored;
    napi_get_and_clear_last_exception(env, &ignored);
    return "(an exception without text)";
  }
  std::string utf8(length, '\0');
  napi_get_value_string_utf8(env, text, utf8.data(), length + 1, &length);
  return utf8;
}

std::optional<std::string> StringProperty(napi_env env, napi_value value, const char* name) {
  napi_valuetype type;
  napi_value property;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object) return std::nullopt;
  if (napi_get_named_property(env, value, name, &property) != napi_ok) {
    napi_value ignored;
    napi_get_and_clear_last_exception(env, &ignored);
    return std::nullopt;
  }
  if (napi_typeof(env, property, &type) != napi_ok || type != napi_string) return std::nullopt;
  return ToUtf8(env, property);
}

void SetString(napi_env env, napi_value object, const char* name, const std::string& text) {
  napi_value value;
  if (napi_create_string_utf8(env, text.data(), text.size(), &value) == napi_ok) {
    napi_set_named_property(env, object, name, value);
  }
}

/*! \brief The JS exception inside `error` when it belongs to this environment, else nullptr. */
napi_value OriginalException(napi_env env, const ffi::Error& error) {
  std::optional<ffi::ObjectRef> context = error.extra_context();
  if (!context.has_value()) return nullptr;
  const auto* exception = context->as<JsExceptionObj>();
  if (exception == nullptr || !exception->reaper->CanCallJavaScript()) return nullptr;
  if (exception->reaper->env() != env) return nullptr;
  napi_value holder, value;
  if (napi_get_reference_value(env, exception->reference, &holder) != napi_ok) return nullptr;
  if (holder == nullptr || napi_get_element(env, holder, 0, &value) != napi_ok) return nullptr;
  return value;
}

}  // namespace

void ThrowStatus(napi_env env, napi_status status) {
  // First: every other call replaces it.
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  const std::string text =
      info != nullptr && info->error_message != nullptr ? info->error_message : "no message";
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) != napi_ok || pending ||
      status == napi_pending_exception || status == napi_cannot_run_js || status == napi_closing) {
    throw JsExceptionPending();
  }
  throw CodedError("ERR_NATIVE", "A Node-API call failed with status " + std::to_string(status) +
                                     " (" + text + ").");
}

napi_value MakeError(napi_env env, const std::string& code, const std::string& message,
                     napi_value details) {
  napi_value arguments[3], factory, undefined, error;
  if (napi_create_string_utf8(env, code.data(), code.size(), &arguments[0]) != napi_ok ||
      napi_create_string_utf8(env, message.data(), message.size(), &arguments[1]) != napi_ok ||
      napi_get_undefined(env, &undefined) != napi_ok) {
    return nullptr;
  }
  arguments[2] = details != nullptr ? details : undefined;
  AddonData* data = AddonData::Get(env);
  if (data != nullptr && data->error_factory != nullptr &&
      napi_get_reference_value(env, data->error_factory, &factory) == napi_ok &&
      napi_call_function(env, undefined, factory, 3, arguments, &error) == napi_ok) {
    return error;
  }
  // Before lib/ffi/native.ts has registered the factory.
  return napi_create_error(env, arguments[0], arguments[1], &error) == napi_ok ? error : nullptr;
}

void ThrowCoded(napi_env env, const std::string& code, const std::string& message) {
  napi_value error = MakeError(env, code, message);
  if (error != nullptr) napi_throw(env, error);
}

void ThrowFfiError(napi_env env, const ffi::Error& error) {
  if (napi_value original = OriginalException(env, error)) {
    napi_throw(env, original);
    return;
  }
  napi_value details = nullptr;
  if (napi_create_object(env, &details) == napi_ok) {
    SetString(env, details, "kind", std::string(error.kind()));
    SetString(env, details, "backtrace", std::string(error.backtrace()));
  }
  const CodedError coded = CodedFfiError(error);
  napi_value value = MakeError(env, coded.code(), coded.what(), details);
  if (value != nullptr) napi_throw(env, value);
}

void ThrowCurrentException(napi_env env) noexcept {
  try {
    throw;
  } catch (const JsExceptionPending&) {
    // Already there.
  } catch (const CodedError& error) {
    ThrowCoded(env, error.code(), error.what());
  } catch (const ffi::Error& error) {
    ThrowFfiError(env, error);
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
  } catch (const std::bad_alloc&) {
    ThrowCoded(env, "ERR_INSUFFICIENT_MEMORY", "Out of memory in native code.");
  } catch (const std::exception& error) {
    ThrowCoded(env, "ERR_NATIVE", error.what());
  } catch (...) {
    ThrowCoded(env, "ERR_NATIVE", "Native code threw a value that is not an exception.");
  }
}

ffi::Error TakeJsException(napi_env env) {
  napi_value exception = nullptr, holder;
  napi_ref reference = nullptr;
  AddonData* data = AddonData::Get(env);
  bool pending = false;
  if (data == nullptr || napi_is_exception_pending(env, &pending) != napi_ok || !pending ||
      napi_get_and_clear_last_exception(env, &exception) != napi_ok || exception == nullptr) {
    return ffi::Error("RuntimeError", "JavaScript is being terminated.", "");
  }
  std::string kind = StringProperty(env, exception, "name").value_or("Error");
  std::string message = StringProperty(env, exception, "message").value_or("");
  if (message.empty()) message = ToUtf8(env, exception);
  if (napi_create_array_with_length(env, 1, &holder) != napi_ok ||
      napi_set_element(env, holder, 0, exception) != napi_ok ||
      napi_create_reference(env, holder, 1, &reference) != napi_ok) {
    return ffi::Error(kind, message, "");
  }
  ffi::ObjectRef context = JsException(ffi::make_object<JsExceptionObj>(data->reaper, reference));
  return ffi::Error(kind, message, "", std::nullopt, context);
}

ffi::Error TakeRaisedError() {
  TVMFFIObjectHandle handle = nullptr;
  TVMFFIErrorMoveFromRaised(&handle);
  if (handle == nullptr)
    return ffi::Error("InternalError", "A TVM call failed without an error.", "");
  return ffi::details::ObjectUnsafe::ObjectRefFromObjectPtr<ffi::Error>(
      ffi::details::ObjectUnsafe::ObjectPtrFromOwned<ffi::Object>(
          static_cast<TVMFFIObject*>(handle)));
}

}  // namespace node_mlc
