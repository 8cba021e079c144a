// What others know of packages, as advisories of the library: OSV documents, CSAF 2.0 advisories
// and OpenVEX statements.
//
//   is affected                         REPORT (or DENY), with severity and time of publication
//   is not affected, or is fixed (VEX)  RELAX of the vulnerability's id and aliases
//   is under investigation              nothing, noted: whatever else is known of it stands
// What says less than it seems is never widened: a statement about a part of a product alone says
// nothing of the product. What cannot be understood is read as the worse: a range whose versions no
// scheme orders affects every version, and clears none. All of it is noted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/compat/advisory.h"
#include "tools/import/purl_names.h"

namespace dml {

struct AdvisoryImportOptions {
  NamespaceMap map;       // What is nowhere in the library is left out, noted.
  std::string authority;  // Instead of the one that the document names; OSV names none.
  AdvisoryEffect effect = AdvisoryEffect::kReport;  // Or kDeny, of what is affected.
};

struct AdvisoryImport {
  std::vector<Advisory> advisories;   // ParseAdvisory reads their documents.
  std::vector<std::string> unmapped;  // What they do not say, and why; one line each.
};

inline constexpr size_t kMaxAdvisoryImportBytes = 16 << 20;

/// Each: INVALID_ARGUMENT (ADVISORY_IMPORT_INVALID) with the place, for what is no such document.
absl::StatusOr<AdvisoryImport> ReadOsv(std::string_view text, const AdvisoryImportOptions& options);
absl::StatusOr<AdvisoryImport> ReadCsaf(std::string_view text,
                                        const AdvisoryImportOptions& options);
absl::StatusOr<AdvisoryImport> ReadOpenVex(std::string_view text,
                                           const AdvisoryImportOptions& options);

namespace advisory_import {

inline constexpr ErrorReason kInvalid("ADVISORY_IMPORT_INVALID");
inline constexpr size_t kMaxItems = 100'000;  // Of a list.

/// A member's text, "" where it is absent or null; an error of another type or over `max_bytes`.
absl::StatusOr<std::string> Text(const nlohmann::json& object, const char* member,
                                 size_t max_bytes = 4096);
/// A member's array or object, an empty one where it is absent or null.
absl::StatusOr<const nlohmann::json*> List(const nlohmann::json& object, const char* member,
                                           size_t max_items = kMaxItems);
absl::StatusOr<const nlohmann::json*> Object(const nlohmann::json& object, const char* member);
/// A member that must be an RFC 3339 time.
absl::StatusOr<Timestamp> Time(const nlohmann::json& object, const char* member);

/// A list's texts, each at most 4096 bytes.
absl::StatusOr<std::vector<std::string>> Texts(const nlohmann::json& object, const char* member);

/// A package of the library and some of its versions.
struct Named {
  PackageName package;
  std::optional<VersionScheme> scheme;  // None: nobody here can order its versions.
};

/// Makes advisories of what a document says, and gathers the notes.
class Collector {
 public:
  explicit Collector(const AdvisoryImportOptions& options) : options_(options) {}

  const AdvisoryImportOptions& options() const { return options_; }
  void Note(std::string_view where, std::string_view what);

  /// The package that a purl means; none, noted, where it has no place in the library.
  std::optional<Named> Find(std::string_view where, const Purl& purl,
                            std::vector<std::string> keys = {});

  /// Adds the advisory, cut into several where it affects too many packages; what is too long or
  /// malformed for a document is cut or left out, noted. An advisory that affects nothing is none.
  absl::Status Add(Advisory advisory);

  AdvisoryImport Finish() { return std::move(out_); }

 private:
  const AdvisoryImportOptions& options_;
  AdvisoryImport out_;
};

/// An id of ours out of one of others: what may not stand in it becomes '-'; "" where none is left.
std::string AdvisoryIdOf(std::string_view text);
/// A time as a revision: seconds since 1970, at least 1.
uint64_t RevisionOf(Timestamp time);
/// "affected", "high", "MODERATE", ...; kUnknown for any other word.
AdvisorySeverity SeverityOfWord(std::string_view word);
/// By the base score of a CVSS vector of version 3.0 or 3.1 (first.org/cvss/v3.1/specification);
/// kUnknown where it is none.
AdvisorySeverity SeverityOfCvss(std::string_view vector);
AdvisorySeverity SeverityOfScore(double base_score);
/// A range that a document can hold: itself, or every version of its scheme where it has too many
/// parts, which is then noted.
VersionRange Storable(const VersionRange& range, std::string_view where, Collector& out);

}  // namespace advisory_import
}  // namespace dml
