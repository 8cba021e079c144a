#include "core/base/strict_yaml.h"

#include <charconv>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "core/base/bytes.h"
#include "core/base/json_builder.h"
#include "core/base/text.h"

namespace dml {
namespace {

using nlohmann::json;

bool IsPlainNumber(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || text.find_first_of("0123456789") == std::string_view::npos) {
    return text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan" || text == ".NaN" ||
           text == ".NAN";
  }
  if (text.starts_with("0x") || text.starts_with("0o")) {
    return text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
  }
  double unused = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), unused);
  return end == text.data() + text.size() && error != std::errc::invalid_argument;
}

// The value of an unquoted scalar. Numbers that are no exact decimal whole number become floating
// point, which no reader takes for a whole number.
json PlainValue(const std::string& text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (!IsPlainNumber(text)) return text;
  std::string_view digits(text);
  bool negative = digits.starts_with('-');
  digits.remove_prefix(negative ? 1 : 0);
  bool decimal = digits.find_first_not_of("0123456789") == std::string_view::npos;
  if (decimal && (digits.size() == 1 || digits.front() != '0')) {
    uint64_t value = 0;
    int64_t negative_value = 0;
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data(), end, value).ec == std::errc()) return value;
    if (negative && std::from_chars(text.data(), end, negative_value).ec == std::errc()) {
      return negative_value;
    }
  }
  return 0.5;
}

// Passes yaml-cpp's events on to the builder. yaml-cpp has no way to stop early: after the first
// error all events are ignored, which the document's size bounds.
class Handler : public YAML::EventHandler {
 public:
  Handler(YamlDocument& document, ErrorReason reason)
      : document_(document), reason_(reason), builder_(reason) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (Accept(mark, "?", anchor)) Value(mark, nullptr);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    if (status_.ok()) Refuse(mark, "aliases are not allowed; write the value out, quote a '*'");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (!Accept(mark, tag, anchor)) return;
    if (builder_.wants_key()) {
      Keep(mark, builder_.Key(value));
      if (status_.ok()) NoteLine(mark);
    } else {
      Value(mark, tag == "?" ? PlainValue(value) : json(value));
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (Accept(mark, tag, anchor) && NoKeyWanted(mark)) {
      NoteLine(mark);
      Keep(mark, builder_.StartArray());
    }
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (Accept(mark, tag, anchor) && NoKeyWanted(mark)) {
      NoteLine(mark);
      Keep(mark, builder_.StartObject());
    }
  }
  void OnSequenceEnd() override {
    if (status_.ok()) builder_.End();
  }
  void OnMapEnd() override { OnSequenceEnd(); }

  absl::Status status() const { return status_; }
  json Take() { return builder_.Take(); }

 private:
  // yaml-cpp gives "?" as the tag of plain scalars and collections, "!" of quoted scalars.
  bool Accept(const YAML::Mark& mark, std::string_view tag, YAML::anchor_t anchor) {
    if (!status_.ok()) return false;
    if (anchor != YAML::NullAnchor) Refuse(mark, "anchors are not allowed; write the value out");
    if (tag != "?" && tag != "!" && !tag.empty()) Refuse(mark, "tags are not allowed; remove it");
    return status_.ok();
  }

  bool NoKeyWanted(const YAML::Mark& mark) {
    if (builder_.wants_key()) Refuse(mark, "a key must be text");
    return status_.ok();
  }

  void Value(const YAML::Mark& mark, json value) {
    if (!NoKeyWanted(mark)) return;
    NoteLine(mark);
    Keep(mark, builder_.Scalar(std::move(value)));
  }

  // The line of a member is its key's, not its value's. Deep paths repeat what lies above them:
  // past the budget, parts have the line of what encloses them.
  void NoteLine(const YAML::Mark& mark) {
    std::string path = builder_.path();
    if (path.size() > line_budget_) return;
    line_budget_ -= path.size();
    document_.lines.emplace(std::move(path), mark.line + 1);
  }

  void Refuse(const YAML::Mark& mark, std::string_view what) {
    Keep(mark, AtField(InvalidArgument(reason_, "{}", what), builder_.path()));
  }

  void Keep(const YAML::Mark& mark, const absl::Status& status) {
    if (!status.ok()) status_ = Annotate(status, fmt::format("line {}", mark.line + 1));
  }

  YamlDocument& document_;
  const ErrorReason reason_;
  JsonBuilder builder_;
  absl::Status status_;
  size_t line_budget_ = 4 << 20;
};

}  // namespace

absl::Status YamlDocument::AtLine(const absl::Status& status) const {
  if (status.ok()) return status;
  std::vector<FieldViolation> violations = FieldViolations(status);
  std::string path = violations.empty() ? "" : violations.front().field;
  auto found = lines.find(path);
  while (found == lines.end() && !path.empty()) {
    size_t cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
    found = lines.find(path);
  }
  return Annotate(status, fmt::format("line {}", found == lines.end() ? 1 : found->second));
}

absl::StatusOr<YamlDocument> ParseStrictYaml(std::string_view text, size_t max_bytes,
                                             ErrorReason reason) {
  if (text.size() > max_bytes) {
    return InvalidArgument(reason, "the document has {} bytes; at most {} are allowed", text.size(),
                           max_bytes);
  }
  // yaml-cpp guesses other encodings from byte order marks and NUL bytes.
  if (const std::string fault = Utf8Fault(text); !fault.empty()) {
    return InvalidArgument(reason, "the document is {}", fault);
  }
  if (text.starts_with("\xef\xbb\xbf")) {
    return InvalidArgument(reason, "the document starts with a byte order mark; remove it");
  }
  if (text.find('\0') != std::string_view::npos) {
    return InvalidArgument(reason, "the document holds a NUL byte");
  }
  YamlDocument document, rest;
  Handler handler(document, reason), rest_handler(rest, reason);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(handler)) {
      return InvalidArgument(reason, "line 1: the document is empty");
    }
    DML_RETURN_IF_ERROR(handler.status());
    document.value = handler.Take();
    if (parser.HandleNextDocument(rest_handler)) {
      return InvalidArgument(reason, "more than one YAML document; keep one");
    }
  } catch (const YAML::Exception& error) {
    DML_RETURN_IF_ERROR(handler.status());  // Met before yaml-cpp gave up.
    return InvalidArgument(reason, "line {}: malformed YAML: {}", error.mark.line + 1,
                           Excerpt(error.msg, 128));
  }
  return document;
}

}  // namespace dml
