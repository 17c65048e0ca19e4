/*!
 * \file node/type_schema.cc
 */
#include "node/type_schema.h"

#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/json.h>
#include <tvm/ffi/string.h>

#include <unordered_map>

namespace node_mlc {

namespace ffi = tvm::ffi;
namespace json = tvm::ffi::json;

namespace {

SchemaKind KindOf(const std::string& type) {
  static const std::unordered_map<std::string, SchemaKind> kKinds = {
      {"int", SchemaKind::kInt},
      {"ffi.BigInt", SchemaKind::kInt},
      {"float", SchemaKind::kFloat},
      {"bool", SchemaKind::kBool},
      {"ffi.String", SchemaKind::kString},
      {"std::string", SchemaKind::kString},
      {"const char*", SchemaKind::kString},
      {"DataType", SchemaKind::kDataType},
      {"Device", SchemaKind::kDevice},
      {"ffi.Shape", SchemaKind::kShape},
      {"void*", SchemaKind::kPointer},
      {"ffi.Array", SchemaKind::kSequence},
      {"ffi.List", SchemaKind::kSequence},
      {"ffi.Map", SchemaKind::kMap},
      {"ffi.Dict", SchemaKind::kMap},
      {"Optional", SchemaKind::kOptional},
      {"Variant", SchemaKind::kVariant},
      {"Tuple", SchemaKind::kTuple},
  };
  auto found = kKinds.find(type);
  return found == kKinds.end() ? SchemaKind::kAny : found->second;
}

std::string TypeName(const json::Object& schema) {
  return schema.at(ffi::String("type")).cast<ffi::String>();
}

json::Array Arguments(const json::Object& schema) {
  auto found = schema.find(ffi::String("args"));
  return found == schema.end() ? json::Array() : (*found).second.cast<json::Array>();
}

TypeSchema Parse(const json::Object& schema) {
  const std::string type = TypeName(schema);
  // `ObjectRValueRef<T>` takes a plain T: the binding never moves an object out of its handle.
  if (type == "ObjectRValueRef") {
    json::Array inner = Arguments(schema);
    return inner.empty() ? TypeSchema() : Parse(inner[0].cast<json::Object>());
  }
  TypeSchema result;
  result.kind = KindOf(type);
  const bool nested = result.kind == SchemaKind::kSequence || result.kind == SchemaKind::kMap ||
                      result.kind == SchemaKind::kOptional || result.kind == SchemaKind::kVariant ||
                      result.kind == SchemaKind::kTuple;
  if (!nested) return result;
  for (const ffi::Any& item : Arguments(schema)) {
    result.items.push_back(Parse(item.cast<json::Object>()));
  }
  const size_t needed =
      result.kind == SchemaKind::kMap                                                ? 2
      : result.kind == SchemaKind::kSequence || result.kind == SchemaKind::kOptional ? 1
                                                                                     : 0;
  while (result.items.size() < needed) result.items.emplace_back();
  return result;
}

}  // namespace

std::shared_ptr<const FunctionSchema> ParseFunctionSchema(const std::string& metadata_json) {
  if (metadata_json.empty()) return nullptr;
  auto metadata = json::Parse(metadata_json).as<json::Object>();
  if (!metadata.has_value()) return nullptr;
  auto entry = metadata->find(ffi::String("type_schema"));
  if (entry == metadata->end()) return nullptr;
  ffi::Any schema = (*entry).second;
  if (auto text = schema.as<ffi::String>()) schema = json::Parse(*text);
  json::Array types = Arguments(schema.cast<json::Object>());
  if (types.empty()) return nullptr;
  auto function = std::make_shared<FunctionSchema>();
  for (size_t i = 1; i < types.size(); ++i) {  // types[0] is the result
    function->arguments.push_back(Parse(types[i].cast<json::Object>()));
  }
  return function;
}

}  // namespace node_mlc
