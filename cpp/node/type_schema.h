/*!
 * \file node/type_schema.h
 * \brief The type schema of a TVM function, parsed once: it decides how JavaScript numbers and
 * strings convert.
 */
#ifndef NODE_MLC_NODE_TYPE_SCHEMA_H_
#define NODE_MLC_NODE_TYPE_SCHEMA_H_

#include <memory>
#include <string>
#include <vector>

namespace node_mlc {

/*! \brief What a conversion needs to know about one type; everything else is kAny. */
enum class SchemaKind {
  kAny,
  kInt,
  kFloat,
  kBool,
  kString,
  kDataType,
  kDevice,
  kShape,
  kPointer,
  kSequence,  // items[0] is the element type
  kMap,       // items[0] key, items[1] value
  kOptional,  // items[0]
  kVariant,   // one of items
  kTuple,     // items by position
};

/*! \brief One type of a signature. */
struct TypeSchema {
  SchemaKind kind = SchemaKind::kAny;
  std::vector<TypeSchema> items;
};

/*! \brief Argument types of one function. */
struct FunctionSchema {
  std::vector<TypeSchema> arguments;
};

/*!
 * \brief Parses the JSON of `ffi.GetGlobalFuncMetadata`.
 * \return null when the function is untyped (packed).
 */
std::shared_ptr<const FunctionSchema> ParseFunctionSchema(const std::string& metadata_json);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_TYPE_SCHEMA_H_
