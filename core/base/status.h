// Errors: absl::Status everywhere, each with a stable machine-readable reason.
//
// Debian's absl is not aliased to std: its string_view is a type of its own, so the functions here
// are the only place that hands text to absl::Status. A status made here carries
//   - a code that callers branch on (absl::StatusCode),
//   - a message that says what, where and what to do,
//   - an ErrorReason, an UPPER_SNAKE word that scripts branch on (google.rpc.ErrorInfo.reason),
//   - optionally field violations, each a path into the request and what is wrong there.
// They travel as status payloads and become google.rpc details at the edge (server/rpc).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

namespace dml {

/// A stable reason word, e.g. ErrorReason("VERSION_EXISTS"). Only string literals are meant.
struct ErrorReason {
  constexpr explicit ErrorReason(const char* word) : word(word) {}
  const char* word;
};

/// One bad field of a request or document: a path such as "requires[2].range", and why it is bad.
struct FieldViolation {
  std::string field;
  std::string description;
  bool operator==(const FieldViolation&) const = default;
};

/// An error with a code, a reason and a message. `code` must not be kOk.
absl::Status MakeError(absl::StatusCode code, ErrorReason reason, std::string_view message);

template <typename... Args>
absl::Status InvalidArgument(ErrorReason reason, fmt::format_string<Args...> format,
                             Args&&... args) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason,
                   fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
absl::Status NotFound(ErrorReason reason, fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kNotFound, reason,
                   fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
absl::Status AlreadyExists(ErrorReason reason, fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kAlreadyExists, reason,
                   fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
absl::Status FailedPrecondition(ErrorReason reason, fmt::format_string<Args...> format,
                                Args&&... args) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason,
                   fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
absl::Status PermissionDenied(ErrorReason reason, fmt::format_string<Args...> format,
                              Args&&... args) {
  return MakeError(absl::StatusCode::kPermissionDenied, reason,
                   fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
absl::Status Unauthenticated(ErrorReason reason, fmt::format_string<Args...> format,
                             Args&&... args) {
  return MakeError(absl::StatusCode::kUnauthenticated, reason,
                   fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
absl::Status ResourceExhausted(ErrorReason reason, fmt::format_string<Args...> format,
                               Args&&... args) {
  return MakeError(absl::StatusCode::kResourceExhausted, reason,
                   fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
absl::Status Aborted(ErrorReason reason, fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kAborted, reason,
                   fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
absl::Status Unavailable(ErrorReason reason, fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kUnavailable, reason,
                   fmt::format(format, std::forward<Args>(args)...));
}
/// Stored bytes do not match their hash, or a stored record cannot be read.
template <typename... Args>
absl::Status DataLoss(ErrorReason reason, fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kDataLoss, reason,
                   fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
absl::Status Internal(ErrorReason reason, fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kInternal, reason,
                   fmt::format(format, std::forward<Args>(args)...));
}

/// The message as std::string_view; valid while `status` lives and is unchanged.
std::string_view Message(const absl::Status& status);

/// The reason word, or "" where the status was not made by MakeError.
std::string Reason(const absl::Status& status);

/// The same error naming the field where it lies. An inner path that is there already is kept
/// below the new one: AtField(AtField(s, "range"), "requires[2]") names "requires[2].range".
absl::Status AtField(absl::Status status, std::string_view field);

/// All field violations, in the order found.
std::vector<FieldViolation> FieldViolations(const absl::Status& status);
/// Replaces the field violations (used when a status arrives over the wire).
void SetFieldViolations(absl::Status& status, const std::vector<FieldViolation>& violations);

/// How long a caller should wait before trying again (google.rpc.RetryInfo).
absl::Status WithRetryAfter(absl::Status status, std::chrono::milliseconds delay);
std::optional<std::chrono::milliseconds> RetryAfter(const absl::Status& status);

/// The same error with "<context>: " before its message; code, reason and fields stay.
absl::Status Annotate(const absl::Status& status, std::string_view context);

}  // namespace dml

/// Returns early with the error of a Status expression.
#define DML_RETURN_IF_ERROR(expr)                                                 \
  do {                                                                            \
    if (absl::Status dml_status_ = (expr); !dml_status_.ok()) return dml_status_; \
  } while (false)

#define DML_CONCAT_INNER_(a, b) a##b
#define DML_CONCAT_(a, b) DML_CONCAT_INNER_(a, b)
/// DML_ASSIGN_OR_RETURN(auto x, F()): takes the value of a StatusOr, or returns its error.
#define DML_ASSIGN_OR_RETURN(lhs, expr) \
  DML_ASSIGN_OR_RETURN_IMPL_(DML_CONCAT_(dml_statusor_, __LINE__), lhs, expr)
#define DML_ASSIGN_OR_RETURN_IMPL_(var, lhs, expr) \
  auto var = (expr);                               \
  if (!var.ok()) return std::move(var).status();   \
  lhs = *std::move(var)
