/*!
 * \file node/class_definition.h
 * \brief Defines the JavaScript classes of the addon, with inheritance (which Node-API leaves to
 * the caller).
 */
#ifndef NODE_MLC_NODE_CLASS_DEFINITION_H_
#define NODE_MLC_NODE_CLASS_DEFINITION_H_

#include <node_api.h>

#include <string>
#include <vector>

#include "node/addon_data.h"
#include "node/error_conversion.h"

namespace node_mlc {

/*! \brief The constructor of every class: adopts AddonData::handle_under_construction. */
napi_value ConstructWrapped(napi_env env, napi_callback_info info);

/*! \brief Adds a function to `target`. */
inline void DefineFunctionOn(napi_env env, napi_value target, const char* name,
                             napi_callback callback) {
  napi_value function;
  Check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function));
  Check(env, napi_set_named_property(env, target, name, function));
}

/*! \brief Builder of one class; Define() makes it and keeps its constructor in AddonData. */
class ClassDefinition {
 public:
  ClassDefinition(napi_env env, const char* name, WrapClass wrap_class)
      : env_(env), name_(name), wrap_class_(wrap_class) {}

  ClassDefinition& Method(const char* name, napi_callback callback) {
    properties_.push_back(
        {name, nullptr, callback, nullptr, nullptr, nullptr, napi_default_method, nullptr});
    return *this;
  }
  ClassDefinition& Static(const char* name, napi_callback callback) {
    statics_.push_back(
        {name, nullptr, callback, nullptr, nullptr, nullptr, napi_default_method, nullptr});
    return *this;
  }
  ClassDefinition& Getter(const char* name, napi_callback callback) {
    properties_.push_back(
        {name, nullptr, nullptr, callback, nullptr, nullptr, napi_configurable, nullptr});
    return *this;
  }
  /*! \brief [Symbol.dispose]() where the runtime has the symbol. */
  ClassDefinition& DisposeSymbol(napi_callback callback) {
    napi_value global, symbol_class, symbol;
    napi_valuetype type;
    Check(env_, napi_get_global(env_, &global));
    Check(env_, napi_get_named_property(env_, global, "Symbol", &symbol_class));
    Check(env_, napi_get_named_property(env_, symbol_class, "dispose", &symbol));
    Check(env_, napi_typeof(env_, symbol, &type));
    if (type == napi_symbol) {
      properties_.push_back(
          {nullptr, symbol, callback, nullptr, nullptr, nullptr, napi_default_method, nullptr});
    }
    return *this;
  }
  ClassDefinition& Extends(WrapClass base) {
    base_ = base;
    has_base_ = true;
    return *this;
  }

  void Define(napi_value exports) {
    napi_value constructor, prototype;
    Check(env_, napi_define_class(env_, name_, NAPI_AUTO_LENGTH, ConstructWrapped,
                                  reinterpret_cast<void*>(static_cast<uintptr_t>(wrap_class_)), 0,
                                  nullptr, &constructor));
    // Not given to napi_define_class(): V8 would bind them to instances of this very class, and
    // derived classes could not inherit them. The type tag is checked by each method instead.
    Check(env_, napi_get_named_property(env_, constructor, "prototype", &prototype));
    Check(env_, napi_define_properties(env_, prototype, properties_.size(), properties_.data()));
    Check(env_, napi_define_properties(env_, constructor, statics_.size(), statics_.data()));
    if (has_base_) Inherit(constructor);
    AddonData* data = AddonData::Get(env_);
    Check(env_, napi_create_reference(env_, constructor, 1,
                                      &data->classes[static_cast<size_t>(wrap_class_)]));
    Check(env_, napi_set_named_property(env_, exports, name_, constructor));
  }

 private:
  void SetPrototype(napi_value object, napi_value prototype) {
    napi_value global, object_class, set_prototype_of;
    napi_value arguments[2] = {object, prototype};
    Check(env_, napi_get_global(env_, &global));
    Check(env_, napi_get_named_property(env_, global, "Object", &object_class));
    Check(env_, napi_get_named_property(env_, object_class, "setPrototypeOf", &set_prototype_of));
    Check(env_, napi_call_function(env_, object_class, set_prototype_of, 2, arguments, nullptr));
  }

  void Inherit(napi_value constructor) {
    napi_value base, base_prototype, prototype;
    Check(env_, napi_get_reference_value(
                    env_, AddonData::Get(env_)->classes[static_cast<size_t>(base_)], &base));
    Check(env_, napi_get_named_property(env_, base, "prototype", &base_prototype));
    Check(env_, napi_get_named_property(env_, constructor, "prototype", &prototype));
    SetPrototype(prototype, base_prototype);
    SetPrototype(constructor, base);
  }

  napi_env env_;
  const char* name_;
  WrapClass wrap_class_;
  WrapClass base_ = WrapClass::kObject;
  bool has_base_ = false;
  std::vector<napi_property_descriptor> properties_;
  std::vector<napi_property_descriptor> statics_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_CLASS_DEFINITION_H_
