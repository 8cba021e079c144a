#include "core/base/json_builder.h"

#include "core/base/text.h"

namespace dml {

using nlohmann::json;

absl::StatusOr<json*> JsonBuilder::Add(json value) {
  if (open_.empty()) {
    root_ = std::move(value);
    return &root_;
  }
  Open& parent = open_.back();
  if (parent.value->is_array()) {
    parent.value->push_back(std::move(value));
    return &parent.value->back();
  }
  parent.has_key = false;
  // The key was checked by Key(); std::map keeps references to members valid.
  json& member = (*parent.value)[parent.key];
  member = std::move(value);
  return &member;
}

absl::Status JsonBuilder::Scalar(json value) { return Add(std::move(value)).status(); }

absl::Status JsonBuilder::Start(json container) {
  if (open_.size() >= kMaxDocumentDepth) {
    return AtField(InvalidArgument(reason_, "nested deeper than {} levels", kMaxDocumentDepth),
                   path());
  }
  DML_ASSIGN_OR_RETURN(json * added, Add(std::move(container)));
  open_.push_back({added, ""});
  return absl::OkStatus();
}

absl::Status JsonBuilder::StartObject() { return Start(json::object()); }
absl::Status JsonBuilder::StartArray() { return Start(json::array()); }

absl::Status JsonBuilder::Key(std::string key) {
  Open& object = open_.back();
  object.key = std::move(key);
  object.has_key = true;
  if (object.value->contains(object.key)) {
    return AtField(
        InvalidArgument(reason_, "member '{}' is given twice; keep one", Excerpt(object.key)),
        path());
  }
  return absl::OkStatus();
}

void JsonBuilder::End() { open_.pop_back(); }

bool JsonBuilder::wants_key() const {
  return !open_.empty() && open_.back().value->is_object() && !open_.back().has_key;
}

std::string JsonBuilder::path() const {
  std::string out;
  for (size_t i = 0; i < open_.size(); ++i) {
    const Open& level = open_[i];
    if (level.value->is_array()) {
      // Inside a level below, the element being read is already there.
      size_t index = level.value->size() - (i + 1 < open_.size() ? 1 : 0);
      out += fmt::format("[{}]", index);
    } else {
      if (!out.empty()) out += ".";
      out += Excerpt(level.key);
    }
  }
  return out;
}

}  // namespace dml
