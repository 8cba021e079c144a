#include "core/trust/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/text.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(ErrorReason("CHECKPOINT_INVALID"), format, std::forward<Args>(args)...);
}

// Takes one line with its newline off the front; nullopt where there is none, or it is empty.
std::optional<std::string_view> TakeLine(std::string_view& text) {
  size_t end = text.find('\n');
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<uint64_t> ParseSize(std::string_view text) {
  uint64_t size = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.front() == '0' && text.size() > 1) return std::nullopt;
  return size;
}

absl::Status CheckRoot(const Checkpoint& checkpoint) {
  if (checkpoint.size != 0 || checkpoint.root == Sha256("")) return absl::OkStatus();
  return Invalid("checkpoint: a tree of size 0 must have the root {}", Sha256("").hex());
}

}  // namespace

std::string FormatCheckpointBody(const Checkpoint& checkpoint) {
  return fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size,
                     Base64Encode(checkpoint.root.bytes()));
}

absl::StatusOr<Checkpoint> ParseCheckpointBody(std::string_view text) {
  std::optional<std::string_view> origin = TakeLine(text);
  std::optional<std::string_view> size_text = origin ? TakeLine(text) : std::nullopt;
  std::optional<std::string_view> root_text = size_text ? TakeLine(text) : std::nullopt;
  if (!root_text.has_value()) return Invalid("checkpoint: not three lines: origin, size, root");
  if (!IsValidUtf8(*origin) || HasControlCharacters(*origin)) {
    return Invalid("checkpoint: the origin is not UTF-8 without control characters");
  }
  std::optional<uint64_t> size = ParseSize(*size_text);
  if (!size.has_value()) {
    return Invalid("checkpoint: size '{}' is not a decimal number below 2^64 without leading zeros",
                   Excerpt(*size_text));
  }
  std::optional<std::string> root = Base64Decode(*root_text);
  if (!root.has_value() || root->size() != Digest::kSize) {
    return Invalid("checkpoint: root '{}' is not base64 of 32 bytes", Excerpt(*root_text));
  }
  while (!text.empty()) {
    if (!TakeLine(text).has_value()) {
      return Invalid("checkpoint: an extension line is empty or has no end");
    }
  }
  DML_ASSIGN_OR_RETURN(Digest digest, Digest::FromBytes(*root));
  Checkpoint out{std::string(*origin), *size, digest};
  DML_RETURN_IF_ERROR(CheckRoot(out));
  return out;
}

absl::StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, const PrivateKey& key) {
  DML_RETURN_IF_ERROR(CheckRoot(checkpoint));
  return SignNote(FormatCheckpointBody(checkpoint), checkpoint.origin, key);
}

absl::StatusOr<Checkpoint> OpenCheckpoint(std::string_view note, std::string_view origin,
                                          const PublicKey& key) {
  DML_ASSIGN_OR_RETURN(Note opened, VerifyNote(note, {std::string(origin), key}));
  DML_ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpointBody(opened.text));
  if (checkpoint.origin != origin) {
    return PermissionDenied(ErrorReason("CHECKPOINT_ORIGIN_UNEXPECTED"),
                            "the checkpoint is of log '{}', not of '{}'; ask the right log",
                            Excerpt(checkpoint.origin), Excerpt(origin));
  }
  return checkpoint;
}

}  // namespace dml
