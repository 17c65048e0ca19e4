/*!
 * \file node/object_wrap.cc
 * \brief FfiObject (type key, fields by reflection, dispose) and the typed literals FfiFloat,
 * DType, Device, Shape.
 */
#include <tvm/ffi/reflection/accessor.h>

#include <cstring>
#include <string>

#include "node/argument_check.h"
#include "node/class_definition.h"
#include "node/value_conversion.h"
#include "node/value_handle.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

const ffi::Object* ThisObject(napi_env env, napi_value self) {
  const auto* object = UnwrapThis(env, self, "an FfiObject")->value.as<ffi::Object>();
  if (object == nullptr)
    throw CodedError("ERR_INVALID_ARGUMENT", "Expected an FfiObject but received a literal.");
  return object;
}

const TVMFFIFieldInfo* FindField(const TVMFFITypeInfo* type, const std::string& name) {
  for (int32_t depth = type->type_depth; depth >= 0; --depth) {
    const TVMFFITypeInfo* level = depth == type->type_depth ? type : type->type_ancestors[depth];
    for (int32_t i = 0; i < level->num_fields; ++i) {
      const TVMFFIByteArray& field = level->fields[i].name;
      if (field.size == name.size() && std::memcmp(field.data, name.data(), field.size) == 0) {
        return &level->fields[i];
      }
    }
  }
  return nullptr;
}

// get typeKey(): string
napi_value GetTypeKey(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "typeKey", {});
    return ToJsString(env, ThisObject(env, args.self())->GetTypeKey());
  });
}

// field(name: string): FfiValue
napi_value GetField(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "field", {String("name")});
    const ffi::Object* object = ThisObject(env, args.self());
    const std::string name = args.GetString(0);
    const TVMFFIFieldInfo* field = FindField(TVMFFIGetTypeInfo(object->type_index()), name);
    if (field == nullptr) {
      throw CodedError("ERR_INVALID_ARGUMENT", "Expected a field of " + object->GetTypeKey() +
                                                   " but received \"" + name + "\".");
    }
    ffi::Any value;
    const char* address = reinterpret_cast<const char*>(object) + field->offset;
    if (field->getter(const_cast<char*>(address), reinterpret_cast<TVMFFIAny*>(&value)) != 0) {
      throw TakeRaisedError();
    }
    return ToJs(env, std::move(value));
  });
}

// fieldNames(): string[]
napi_value GetFieldNames(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "fieldNames", {});
    const TVMFFITypeInfo* type = TVMFFIGetTypeInfo(ThisObject(env, args.self())->type_index());
    napi_value names;
    uint32_t count = 0;
    Check(env, napi_create_array(env, &names));
    for (int32_t depth = 0; depth <= type->type_depth; ++depth) {
      const TVMFFITypeInfo* level = depth == type->type_depth ? type : type->type_ancestors[depth];
      for (int32_t i = 0; i < level->num_fields; ++i) {
        const TVMFFIByteArray& name = level->fields[i].name;
        Check(env, napi_set_element(env, names, count++,
                                    ToJsString(env, std::string(name.data, name.size))));
      }
    }
    return names;
  });
}

// typeAncestors(typeKey: string): string[], from the type itself to the root
napi_value GetTypeAncestors(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "typeAncestors", {String("typeKey")});
    const std::string key = args.GetString(0);
    const TVMFFIByteArray bytes{key.data(), key.size()};
    int32_t index = 0;
    if (TVMFFITypeKeyToIndex(&bytes, &index) != 0) throw TakeRaisedError();
    const TVMFFITypeInfo* type = TVMFFIGetTypeInfo(index);
    napi_value keys;
    uint32_t count = 0;
    Check(env, napi_create_array(env, &keys));
    for (int32_t depth = type->type_depth; depth >= 0; --depth) {
      const TVMFFITypeInfo* level = depth == type->type_depth ? type : type->type_ancestors[depth];
      const std::string name(level->type_key.data, level->type_key.size);
      Check(env, napi_set_element(env, keys, count++, ToJsString(env, name)));
    }
    return keys;
  });
}

// isSame(other: FfiObject): boolean
napi_value IsSame(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "isSame", {Anything("other")});
    const ffi::Object* object = ThisObject(env, args.self());
    const ValueHandle* other = TryUnwrap(env, args[0]);
    napi_value result;
    const bool same = other != nullptr && other->value.as<ffi::Object>() == object;
    Check(env, napi_get_boolean(env, same, &result));
    return result;
  });
}

// dispose(): void; idempotent
napi_value Dispose(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "dispose", {});
    ValueHandle* handle = TryUnwrap(env, args.self());
    if (handle == nullptr) UnwrapThis(env, args.self(), "an FfiObject");
    handle->disposed = true;
    handle->schema.reset();
    if (handle->external_bytes > 0) {
      int64_t total;
      Check(env, napi_adjust_external_memory(env, -handle->external_bytes, &total));
      handle->external_bytes = 0;
    }
    // Last: dropping the value may run anything, even a callback that looks at this handle.
    ffi::Any value = std::move(handle->value);
    handle->value = ffi::Any(nullptr);
    value = ffi::Any(nullptr);
    napi_value undefined;
    Check(env, napi_get_undefined(env, &undefined));
    return undefined;
  });
}

// get disposed(): boolean
napi_value IsDisposed(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "disposed", {});
    ValueHandle* handle = TryUnwrap(env, args.self());
    if (handle == nullptr) UnwrapThis(env, args.self(), "an FfiObject");
    napi_value result;
    Check(env, napi_get_boolean(env, handle->disposed, &result));
    return result;
  });
}

}  // namespace

void DefineObjectClasses(napi_env env, napi_value exports) {
  ClassDefinition(env, "FfiObject", WrapClass::kObject)
      .Getter("typeKey", GetTypeKey)
      .Getter("disposed", IsDisposed)
      .Method("field", GetField)
      .Method("fieldNames", GetFieldNames)
      .Method("isSame", IsSame)
      .Method("dispose", Dispose)
      .DisposeSymbol(Dispose)
      .Define(exports);
  DefineFunctionOn(env, exports, "typeAncestors", GetTypeAncestors);
}

}  // namespace node_mlc
