#include "core/base/strict_json.h"

#include <algorithm>

#include "core/base/bytes.h"
#include "core/base/text.h"

namespace dml {
namespace {

using nlohmann::json;

// Passes nlohmann's events on to the builder; the first error ends the parse.
class SaxHandler : public nlohmann::json_sax<json> {
 public:
  SaxHandler(std::string_view text, ErrorReason reason)
      : text_(text), reason_(reason), builder_(reason) {}

  bool null() override { return Keep(builder_.Scalar(nullptr)); }
  bool boolean(bool value) override { return Keep(builder_.Scalar(value)); }
  bool number_integer(int64_t value) override { return Keep(builder_.Scalar(value)); }
  bool number_unsigned(uint64_t value) override { return Keep(builder_.Scalar(value)); }
  bool number_float(double value, const std::string&) override {
    return Keep(builder_.Scalar(value));
  }
  bool string(std::string& value) override { return Keep(builder_.Scalar(std::move(value))); }
  bool binary(json::binary_t&) override { return false; }
  bool start_object(size_t) override { return Keep(builder_.StartObject()); }
  bool start_array(size_t) override { return Keep(builder_.StartArray()); }
  bool key(std::string& value) override { return Keep(builder_.Key(std::move(value))); }
  bool end_object() override {
    builder_.End();
    return true;
  }
  bool end_array() override { return end_object(); }

  // nlohmann's own message repeats the offending text at any length, so it is not used.
  bool parse_error(size_t position, const std::string&, const json::exception&) override {
    std::string_view before = text_.substr(0, std::min(position, text_.size()));
    size_t line_start = before.rfind('\n') + 1;  // npos + 1 == 0.
    return Keep(InvalidArgument(reason_, "malformed JSON at line {}, column {}",
                                std::count(before.begin(), before.end(), '\n') + 1,
                                std::max<size_t>(before.size() - line_start, 1)));
  }

  absl::Status status() const { return status_; }
  json Take() { return builder_.Take(); }

 private:
  bool Keep(absl::Status status) {
    if (!status.ok()) status_ = std::move(status);
    return status_.ok();
  }

  const std::string_view text_;
  const ErrorReason reason_;
  JsonBuilder builder_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<json> ParseStrictJson(std::string_view text, size_t max_bytes, ErrorReason reason) {
  if (text.size() > max_bytes) {
    return InvalidArgument(reason, "the document has {} bytes; at most {} are allowed", text.size(),
                           max_bytes);
  }
  if (const std::string fault = Utf8Fault(text); !fault.empty()) {
    return InvalidArgument(reason, "the document is {}", fault);
  }
  // nlohmann skips a byte order mark and takes a raw NUL for the end of the document.
  if (text.starts_with("\xef\xbb\xbf")) {
    return InvalidArgument(reason, "the document starts with a byte order mark; remove it");
  }
  if (text.find('\0') != std::string_view::npos) {
    return InvalidArgument(reason, "the document holds a NUL byte");
  }
  SaxHandler handler(text, reason);
  bool done = json::sax_parse(text.begin(), text.end(), &handler);
  DML_RETURN_IF_ERROR(handler.status());
  if (!done) return InvalidArgument(reason, "malformed JSON");
  return handler.Take();
}

absl::Status LocateError(const absl::Status& status, std::string_view document) {
  if (status.ok()) return status;
  std::vector<FieldViolation> violations = FieldViolations(status);
  if (violations.empty()) return Annotate(status, document);
  return Annotate(status, fmt::format("{}, at {}", document, violations.front().field));
}

std::string_view JsonTypeName(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "an array";
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return "a boolean";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return "a whole number";
    case json::value_t::number_float:
      return "a number that is not an exact whole number";
    default:
      return "null";
  }
}

absl::StatusOr<std::string> JsonText(const json& value, size_t max_bytes, ErrorReason reason) {
  if (!value.is_string()) {
    return InvalidArgument(reason, "must be a string, not {}", JsonTypeName(value));
  }
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > max_bytes) {
    return InvalidArgument(reason, "has {} bytes; at most {} are allowed", text.size(), max_bytes);
  }
  return text;
}

ObjectReader::ObjectReader(const json& value, ErrorReason reason) : value_(value), reason_(reason) {
  if (!value.is_object()) {
    error_ = InvalidArgument(reason_, "must be an object, not {}", JsonTypeName(value));
  }
}

bool ObjectReader::Has(std::string_view key) const {
  return value_.is_object() && value_.contains(key);
}

const json* ObjectReader::Find(std::string_view key) {
  known_.emplace(key);
  if (!value_.is_object()) return nullptr;
  auto it = value_.find(key);
  return it == value_.end() ? nullptr : &*it;
}

const json* ObjectReader::FindRequired(std::string_view key) {
  const json* value = Find(key);
  if (value == nullptr) Check(key, InvalidArgument(reason_, "member '{}' is missing", key));
  return value;
}

void ObjectReader::Check(std::string_view key, absl::Status status) {
  if (error_.ok() && !status.ok()) error_ = AtField(std::move(status), key);
}

std::string ObjectReader::Text(std::string_view key, const json* value, size_t max_bytes) {
  if (value == nullptr) return "";
  absl::StatusOr<std::string> text = JsonText(*value, max_bytes, reason_);
  if (!text.ok()) {
    Check(key, Annotate(text.status(), fmt::format("member '{}'", key)));
    return "";
  }
  return *std::move(text);
}

std::string ObjectReader::String(std::string_view key, size_t max_bytes) {
  return Text(key, FindRequired(key), max_bytes);
}

std::string ObjectReader::StringOr(std::string_view key, size_t max_bytes,
                                   std::string_view fallback) {
  const json* value = Find(key);
  return value == nullptr ? std::string(fallback) : Text(key, value, max_bytes);
}

uint64_t ObjectReader::Unsigned(std::string_view key, uint64_t min, uint64_t max) {
  const json* value = FindRequired(key);
  if (value == nullptr) return 0;
  if (!value->is_number_unsigned() || value->get<uint64_t>() < min ||
      value->get<uint64_t>() > max) {
    Check(key, InvalidArgument(reason_, "member '{}' must be a whole number from {} to {}", key,
                               min, max));
    return 0;
  }
  return value->get<uint64_t>();
}

size_t ObjectReader::WordIndex(std::string_view key, const json* value,
                               std::span<const std::string_view> words) {
  if (value == nullptr) return 0;
  std::string text = Text(key, value, 64);
  auto found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) {
    Check(key, InvalidArgument(reason_, "member '{}' is '{}'; it must be one of {}", key,
                               Excerpt(text), fmt::join(words, ", ")));
    return 0;
  }
  return static_cast<size_t>(found - words.begin());
}

size_t ObjectReader::Word(std::string_view key, std::span<const std::string_view> words) {
  return WordIndex(key, FindRequired(key), words);
}

size_t ObjectReader::WordOr(std::string_view key, std::span<const std::string_view> words,
                            size_t fallback) {
  const json* value = Find(key);
  return value == nullptr ? fallback : WordIndex(key, value, words);
}

void ObjectReader::Read(std::string_view key, const ReadFn& read) {
  const json* value = Find(key);
  if (value != nullptr && error_.ok()) Check(key, read(*value));
}

void ObjectReader::ReadRequired(std::string_view key, const ReadFn& read) {
  const json* value = FindRequired(key);
  if (value != nullptr && error_.ok()) Check(key, read(*value));
}

void ObjectReader::ForEach(std::string_view key, size_t max_items, const ReadFn& read) {
  const json* value = Find(key);
  if (value == nullptr) return;
  if (!value->is_array()) {
    Check(key, InvalidArgument(reason_, "member '{}' must be an array, not {}", key,
                               JsonTypeName(*value)));
    return;
  }
  if (value->size() > max_items) {
    Check(key, InvalidArgument(reason_, "member '{}' has {} elements; at most {} are allowed", key,
                               value->size(), max_items));
  }
  for (size_t i = 0; i < value->size() && error_.ok(); ++i) {
    absl::Status status = read((*value)[i]);
    if (!status.ok()) Check(key, AtField(std::move(status), fmt::format("[{}]", i)));
  }
}

std::vector<std::string> ObjectReader::Strings(std::string_view key, size_t max_items,
                                               size_t max_bytes) {
  std::vector<std::string> out;
  ForEach(key, max_items, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(std::string text, JsonText(item, max_bytes, reason_));
    out.push_back(std::move(text));
    return absl::OkStatus();
  });
  return out;
}

std::map<std::string, std::string> ObjectReader::StringMap(std::string_view key, size_t max_items,
                                                           size_t max_bytes) {
  std::map<std::string, std::string> out;
  Read(key, [&](const json& members) -> absl::Status {
    if (!members.is_object()) {
      return InvalidArgument(reason_, "must be an object, not {}", JsonTypeName(members));
    }
    if (members.size() > max_items) {
      return InvalidArgument(reason_, "has {} members; at most {} are allowed", members.size(),
                             max_items);
    }
    for (const auto& [name, value] : members.items()) {
      absl::StatusOr<std::string> text = JsonText(value, max_bytes, reason_);
      if (!text.ok()) return AtField(text.status(), Excerpt(name));
      if (name.size() > max_bytes) {
        return AtField(InvalidArgument(reason_, "a name has {} bytes; at most {} are allowed",
                                       name.size(), max_bytes),
                       Excerpt(name));
      }
      out.emplace(name, *std::move(text));
    }
    return absl::OkStatus();
  });
  return out;
}

absl::Status ObjectReader::Finish() {
  if (!value_.is_object()) return error_;
  for (const auto& [name, unused] : value_.items()) {
    if (known_.contains(name)) continue;
    std::vector<std::string_view> known(known_.begin(), known_.end());
    std::string_view near = ClosestMatch(name, known);
    std::string hint = near.empty() ? fmt::format("known are: {}", fmt::join(known, ", "))
                                    : fmt::format("did you mean '{}'?", near);
    return AtField(InvalidArgument(reason_, "unknown member '{}'; {}", Excerpt(name), hint),
                   Excerpt(name));
  }
  return error_;
}

}  // namespace dml
