#include "core/base/status.h"

#include <charconv>

#include <absl/strings/cord.h>

namespace dml {
namespace {

constexpr char kReasonUrl[] = "dml/reason";
constexpr char kFieldsUrl[] = "dml/fields";
constexpr char kRetryUrl[] = "dml/retry-ms";

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::optional<std::string> Payload(const absl::Status& status, const char* url) {
  auto payload = status.GetPayload(url);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

void CopyPayloads(const absl::Status& from, absl::Status& to) {
  from.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { to.SetPayload(url, payload); });
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, ErrorReason reason, std::string_view message) {
  absl::Status status(code, View(message));
  status.SetPayload(kReasonUrl, absl::Cord(absl::string_view(reason.word)));
  return status;
}

std::string_view Message(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

std::string Reason(const absl::Status& status) { return Payload(status, kReasonUrl).value_or(""); }

// Violations are kept as field NUL description NUL ...; neither holds NUL (it is replaced).
std::vector<FieldViolation> FieldViolations(const absl::Status& status) {
  std::vector<FieldViolation> out;
  std::string text = Payload(status, kFieldsUrl).value_or("");
  size_t at = 0;
  while (at < text.size()) {
    size_t field_end = text.find('\0', at);
    size_t end = text.find('\0', field_end + 1);
    out.push_back(
        {text.substr(at, field_end - at), text.substr(field_end + 1, end - field_end - 1)});
    at = end + 1;
  }
  return out;
}

void SetFieldViolations(absl::Status& status, const std::vector<FieldViolation>& violations) {
  std::string text;
  auto add = [&](std::string_view part) {
    for (char c : part) text.push_back(c == '\0' ? ' ' : c);
    text.push_back('\0');
  };
  for (const FieldViolation& violation : violations) {
    add(violation.field);
    add(violation.description);
  }
  if (violations.empty()) {
    status.ErasePayload(kFieldsUrl);
  } else {
    status.SetPayload(kFieldsUrl, absl::Cord(text));
  }
}

absl::Status AtField(absl::Status status, std::string_view field) {
  if (status.ok()) return status;
  std::vector<FieldViolation> violations = FieldViolations(status);
  if (violations.empty()) {
    violations.push_back({std::string(field), std::string(Message(status))});
  } else {
    for (FieldViolation& violation : violations) {
      bool index = !violation.field.empty() && violation.field.front() == '[';
      violation.field = fmt::format("{}{}{}", field, index ? "" : ".", violation.field);
    }
  }
  SetFieldViolations(status, violations);
  return status;
}

absl::Status WithRetryAfter(absl::Status status, std::chrono::milliseconds delay) {
  status.SetPayload(kRetryUrl, absl::Cord(std::to_string(delay.count())));
  return status;
}

std::optional<std::chrono::milliseconds> RetryAfter(const absl::Status& status) {
  std::optional<std::string> text = Payload(status, kRetryUrl);
  if (!text.has_value()) return std::nullopt;
  int64_t value = 0;
  std::from_chars(text->data(), text->data() + text->size(), value);
  return std::chrono::milliseconds(value);
}

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status out(status.code(), View(fmt::format("{}: {}", context, Message(status))));
  CopyPayloads(status, out);
  return out;
}

}  // namespace dml
