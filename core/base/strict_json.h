// A strict reader of JSON documents (RFC 8259), for everything that parses JSON here.
//
// Stricter than the RFC, so that no two readers can understand one document differently: UTF-8
// without a byte order mark, no member twice in an object, no NUL, depth <= kMaxDocumentDepth, a
// size limit given by the caller, and through ObjectReader no member that nobody reads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/base/json_builder.h"
#include "core/base/status.h"

namespace dml {

/// INVALID_ARGUMENT with the given reason; the message has line and column, or the field violation
/// the path of the offending member. Size is checked before anything else is done.
absl::StatusOr<nlohmann::json> ParseStrictJson(std::string_view text, size_t max_bytes,
                                               ErrorReason reason);

/// Reads one JSON object member by member, and knows which members nobody read.
///
///   ObjectReader in(value, ErrorReason("PACKAGE_SPEC_INVALID"));
///   spec.title = in.StringOr("title", 256, "");
///   in.Check("purl", ValidatePurl(spec.purl));
///   in.ForEach("provides", 4096, [&](const nlohmann::json& item) { return ...; });
///   DML_RETURN_IF_ERROR(in.Finish());
///
/// The first error is kept and returned by Finish(); until then the getters go on and return empty
/// values, so every member must be asked for unconditionally and nothing used before Finish() is
/// OK. Every error is INVALID_ARGUMENT with the reader's reason (or a Check's own), and its field
/// violation is the path from this object on; the caller adds its own part by AtField.
/// The value must outlive the reader. Not for use by several threads.
class ObjectReader {
 public:
  ObjectReader(const nlohmann::json& value, ErrorReason reason);

  bool Has(std::string_view key) const;

  /// The member's text, at most `max_bytes` long; required.
  std::string String(std::string_view key, size_t max_bytes);
  std::string StringOr(std::string_view key, size_t max_bytes, std::string_view fallback);
  /// A whole number in [min, max], written without fraction and exponent; required.
  uint64_t Unsigned(std::string_view key, uint64_t min, uint64_t max);
  /// One of a few words; required. Returns the word's index in `words`.
  size_t Word(std::string_view key, std::span<const std::string_view> words);
  size_t WordOr(std::string_view key, std::span<const std::string_view> words, size_t fallback);

  /// Calls `read` with the member's value where it is there; its errors get the member's path.
  using ReadFn = std::function<absl::Status(const nlohmann::json&)>;
  void Read(std::string_view key, const ReadFn& read);
  void ReadRequired(std::string_view key, const ReadFn& read);
  /// For each element of an array of at most `max_items`; absent: none. Stops at the first error.
  void ForEach(std::string_view key, size_t max_items, const ReadFn& read);
  /// An array of at most `max_items` strings of at most `max_bytes` each; absent: empty.
  std::vector<std::string> Strings(std::string_view key, size_t max_items, size_t max_bytes);
  /// For each member of an object of at most `max_items` members, all strings of at most
  /// `max_bytes` (key and value each); absent: none.
  std::map<std::string, std::string> StringMap(std::string_view key, size_t max_items,
                                               size_t max_bytes);

  /// Takes a status that the caller found out about a member's value.
  void Check(std::string_view key, absl::Status status);

  /// Nobody asked for some member: an error naming it and the nearest known name. Otherwise the
  /// first error met, or OK. An unknown member is told first: it explains a missing one.
  absl::Status Finish();

 private:
  const nlohmann::json* Find(std::string_view key);
  const nlohmann::json* FindRequired(std::string_view key);
  std::string Text(std::string_view key, const nlohmann::json* value, size_t max_bytes);
  size_t WordIndex(std::string_view key, const nlohmann::json* value,
                   std::span<const std::string_view> words);

  const nlohmann::json& value_;
  const ErrorReason reason_;
  std::set<std::string, std::less<>> known_;
  absl::Status error_;
};

/// The same error with the document's name and the path of its first field violation before the
/// message: "package spec, at requires[2].range: ...". For the outermost reader of a document.
absl::Status LocateError(const absl::Status& status, std::string_view document);

/// "an object", "a string", ... for messages.
std::string_view JsonTypeName(const nlohmann::json& value);

/// The value's text, or an error where it is not a string of at most `max_bytes`.
absl::StatusOr<std::string> JsonText(const nlohmann::json& value, size_t max_bytes,
                                     ErrorReason reason);

}  // namespace dml
