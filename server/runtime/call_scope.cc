#include "server/runtime/call_scope.h"

#include <algorithm>

namespace dml {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;
constexpr size_t kTraceparentBytes = 55;  // Of version 00: 2-32-16-2 digits.

thread_local const CallScope* innermost = nullptr;

bool IsLowerHex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::optional<std::string> ReadRequestId(std::string_view header) {
  if (header.empty() || header.size() > kMaxRequestIdBytes) return std::nullopt;
  const bool plain = std::ranges::all_of(header, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-_.:/").find(c) != std::string_view::npos;
  });
  if (!plain) return std::nullopt;
  return std::string(header);
}

std::optional<std::string> ReadTraceId(std::string_view header) {
  // A later version may be longer, with a dash where this one ends.
  if (header.size() < kTraceparentBytes) return std::nullopt;
  if (header.size() > kTraceparentBytes &&
      (header.starts_with("00") || header[kTraceparentBytes] != '-')) {
    return std::nullopt;
  }
  const std::string_view version = header.substr(0, 2);
  const std::string_view trace = header.substr(3, 32);
  const std::string_view parent = header.substr(36, 16);
  const std::string_view flags = header.substr(53, 2);
  if (header[2] != '-' || header[35] != '-' || header[52] != '-' || version == "ff") {
    return std::nullopt;
  }
  for (const std::string_view part : {version, trace, parent, flags}) {
    if (!IsLowerHex(part)) return std::nullopt;
  }
  for (const std::string_view part : {trace, parent}) {
    if (part.find_first_not_of('0') == std::string_view::npos) return std::nullopt;
  }
  return std::string(trace);
}

CallScope::CallScope(CallId id) : id_(std::move(id)), outer_(innermost) { innermost = this; }

CallScope::~CallScope() { innermost = outer_; }

const CallId* CallScope::Current() { return innermost == nullptr ? nullptr : &innermost->id_; }

}  // namespace dml
