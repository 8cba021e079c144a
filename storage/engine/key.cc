#include "storage/engine/key.h"

namespace dml {
namespace {

constexpr char kEscape = '\0';
constexpr char kEscapedNul = '\xff';
constexpr char kTerminator = '\x01';

absl::Status Malformed(std::string_view what) {
  return DataLoss(ErrorReason("KEY_MALFORMED"),
                  "a stored key {}: the database is damaged; restore a backup", what);
}

}  // namespace

KeyRange PrefixRange(std::string_view prefix) {
  KeyRange range{std::string(prefix), std::string(prefix)};
  while (!range.upper.empty() && range.upper.back() == '\xff') range.upper.pop_back();
  if (!range.upper.empty()) ++range.upper.back();
  return range;
}

KeyBuilder& KeyBuilder::U8(uint8_t value) {
  key_.push_back(static_cast<char>(value));
  return *this;
}

KeyBuilder& KeyBuilder::U64(uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    key_.push_back(static_cast<char>((value >> shift) & 0xff));
  }
  return *this;
}

KeyBuilder& KeyBuilder::String(std::string_view text) {
  for (char c : text) {
    key_.push_back(c);
    if (c == kEscape) key_.push_back(kEscapedNul);
  }
  key_.push_back(kEscape);
  key_.push_back(kTerminator);
  return *this;
}

absl::StatusOr<uint8_t> KeyReader::U8() {
  if (rest_.empty()) return Malformed("ends before a number");
  auto value = static_cast<uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return value;
}

absl::StatusOr<uint64_t> KeyReader::U64() {
  if (rest_.size() < sizeof(uint64_t)) return Malformed("ends inside a number");
  uint64_t value = 0;
  for (char c : rest_.substr(0, sizeof value)) value = value << 8 | static_cast<uint8_t>(c);
  rest_.remove_prefix(sizeof value);
  return value;
}

absl::StatusOr<std::string> KeyReader::String() {
  std::string text;
  while (true) {
    size_t escape = rest_.find(kEscape);
    if (escape == std::string_view::npos || escape + 1 == rest_.size()) {
      return Malformed("has a text without an end");
    }
    text.append(rest_.substr(0, escape));
    char code = rest_[escape + 1];
    rest_.remove_prefix(escape + 2);
    if (code == kTerminator) return text;
    if (code != kEscapedNul) return Malformed("has an unknown escape");
    text.push_back('\0');
  }
}

absl::Status KeyReader::End() const {
  if (!rest_.empty()) return Malformed("has bytes after its last part");
  return absl::OkStatus();
}

}  // namespace dml
