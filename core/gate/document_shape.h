// The shape of a document: which members there are, of what type, within what bounds. One table
// says it, from which documents are checked and a JSON Schema is printed. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/base/status.h"

namespace dml {

struct Shape;

/// A member of an object. `about` becomes its description in the schema; may be "".
struct ShapeMember {
  std::string_view name;
  const Shape* shape;
  bool is_required = false;
  std::string_view about = "";
};

/// A type of value. Tables of shapes are constants, which refer to each other.
struct Shape {
  enum class Kind { kObject, kList, kText, kWord, kNumber, kFlag };
  Kind kind = Kind::kText;
  std::span<const ShapeMember> members = {};     // kObject: these and no others.
  const Shape* element = nullptr;                // kList.
  uint64_t min = 0;                              // kList: elements. kNumber: value.
  uint64_t max = 0;                              // kList, kNumber likewise; kText: bytes.
  std::span<const std::string_view> words = {};  // kWord: one of them.
  std::string_view pattern = "";                 // kText: for the schema; ECMA 262, anchored.
};

/// Whether the value has the shape. INVALID_ARGUMENT with the reason and the first fault's path, in
/// the words of ObjectReader; a text's pattern is for whoever reads it to check.
absl::Status CheckShape(const nlohmann::json& value, const Shape& shape, ErrorReason reason);

/// A JSON Schema (draft 2020-12) that what CheckShape() passes fulfills; members in the order of
/// the table.
nlohmann::ordered_json JsonSchemaOf(const Shape& shape, std::string_view id,
                                    std::string_view title);

}  // namespace dml
