#include "core/gate/document_shape.h"

#include <string>

#include "core/base/strict_json.h"

namespace dml {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

absl::Status CheckList(const json& value, const Shape& shape, ErrorReason reason) {
  if (!value.is_array()) {
    return InvalidArgument(reason, "must be an array, not {}", JsonTypeName(value));
  }
  if (value.size() < shape.min || value.size() > shape.max) {
    return InvalidArgument(reason, "has {} elements; {} to {} are allowed", value.size(), shape.min,
                           shape.max);
  }
  for (size_t i = 0; i < value.size(); ++i) {
    absl::Status status = CheckShape(value[i], *shape.element, reason);
    if (!status.ok()) return AtField(std::move(status), fmt::format("[{}]", i));
  }
  return absl::OkStatus();
}

void CheckMember(ObjectReader& in, const ShapeMember& member, ErrorReason reason) {
  const Shape& shape = *member.shape;
  // The reader's own words for what stands directly in an object.
  if (!member.is_required && !in.Has(member.name)) {
    in.Read(member.name, [](const json&) { return absl::OkStatus(); });
  } else if (shape.kind == Shape::Kind::kNumber) {
    in.Unsigned(member.name, shape.min, shape.max);
  } else if (shape.kind == Shape::Kind::kWord) {
    in.Word(member.name, shape.words);
  } else if (shape.kind == Shape::Kind::kText) {
    in.String(member.name, shape.max);
  } else {
    in.ReadRequired(member.name,
                    [&](const json& value) { return CheckShape(value, shape, reason); });
  }
}

// A scalar that is not a member, but an element of a list, or the whole document.
absl::Status CheckScalar(const json& value, const Shape& shape, ErrorReason reason) {
  if (shape.kind == Shape::Kind::kFlag) {
    if (value.is_boolean()) return absl::OkStatus();
    return InvalidArgument(reason, "must be true or false, not {}", JsonTypeName(value));
  }
  if (shape.kind == Shape::Kind::kText) return JsonText(value, shape.max, reason).status();
  // As the only member of an object, for the words and checks of ObjectReader.
  constexpr std::string_view kName = "value";
  const json holder = {{kName, value}};
  ObjectReader in(holder, reason);
  CheckMember(in, {kName, &shape, true}, reason);
  const absl::Status status = in.Finish();
  if (status.ok()) return status;
  return MakeError(status.code(), reason, Message(status));
}

ordered_json SchemaOf(const Shape& shape);

ordered_json ObjectSchema(const Shape& shape) {
  ordered_json properties = ordered_json::object();
  ordered_json required = ordered_json::array();
  for (const ShapeMember& member : shape.members) {
    ordered_json schema = SchemaOf(*member.shape);
    if (!member.about.empty()) schema["description"] = member.about;
    properties[std::string(member.name)] = std::move(schema);
    if (member.is_required) required.push_back(member.name);
  }
  ordered_json out = {{"type", "object"}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = std::move(required);
  out["properties"] = std::move(properties);
  return out;
}

ordered_json SchemaOf(const Shape& shape) {
  switch (shape.kind) {
    case Shape::Kind::kObject:
      return ObjectSchema(shape);
    case Shape::Kind::kList: {
      ordered_json out = {{"type", "array"}};
      if (shape.min > 0) out["minItems"] = shape.min;
      out["maxItems"] = shape.max;
      out["items"] = SchemaOf(*shape.element);
      return out;
    }
    case Shape::Kind::kText: {
      // Characters are at most as many as bytes.
      ordered_json out = {{"type", "string"}, {"maxLength", shape.max}};
      if (!shape.pattern.empty()) out["pattern"] = shape.pattern;
      return out;
    }
    case Shape::Kind::kWord:
      return {{"enum", shape.words}};
    case Shape::Kind::kNumber:
      return {{"type", "integer"}, {"minimum", shape.min}, {"maximum", shape.max}};
    case Shape::Kind::kFlag:
      break;
  }
  return {{"type", "boolean"}};
}

}  // namespace

absl::Status CheckShape(const json& value, const Shape& shape, ErrorReason reason) {
  if (shape.kind == Shape::Kind::kList) return CheckList(value, shape, reason);
  if (shape.kind != Shape::Kind::kObject) return CheckScalar(value, shape, reason);
  ObjectReader in(value, reason);
  for (const ShapeMember& member : shape.members) CheckMember(in, member, reason);
  return in.Finish();
}

ordered_json JsonSchemaOf(const Shape& shape, std::string_view id, std::string_view title) {
  ordered_json out = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"$id", id}, {"title", title}};
  out.update(SchemaOf(shape));
  return out;
}

}  // namespace dml
