// dml::LicenseClient: what licenses are judged by, and questions on licenses that need no package;
// by a library's Client.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/releases.h"
#include "core/license/compatibility.h"

namespace dml {

/// License data as it was set, and what it changed.
struct LicenseDataLoaded {
  LicenseDataRecord record;
  std::vector<std::string> changes;  // core/license/data_set.h, DiffLicenseData.
};

/// License data with the envelope that vouches for it, whose digest the record has.
struct LicenseDataDocument {
  LicenseDataRecord record;
  std::string envelope;
};

/// What variants are looked for by: exactly one of the first five.
struct LicenseQuestion {
  std::string license{};     // An id, exception or reference, NONE or NOASSERTION.
  std::string category{};    // Of the license properties in force.
  std::string obligation{};  // core/license/properties.h, AllLicenseObligations.
  std::string part{};        // An expression that is the license, or a part of it.
  bool unknown = false;      // NOASSERTION, or an id that the list in force does not have.
  std::optional<LicenseContext> context{};  // With an obligation only.
};

/// Variants that are used together: these, or those of a release, or what is deployed.
struct LicenseSetQuestion {
  std::vector<VariantName> variants{};
  std::optional<ReleaseName> release{};  // What it installs, upgrades to or configures.
  bool deployed = false;                 // In the environment and below it, brought by releases.
  std::string outbound{};     // Expression: what the whole goes out under; "": it does not.
  std::string environment{};  // Whose policy says contexts and branches; "": none.
  std::optional<LicenseContext> context{};  // In the place of the policy's contexts.
};

/// Thread-safe, as its Client is.
class LicenseClient {
 public:
  /// `client` must outlive it.
  explicit LicenseClient(Client& client) : client_(client) {}

  /// Puts a document in the place of the one before; with validate_only tells what would change.
  absl::StatusOr<Committed<LicenseDataLoaded>> SetData(const std::string& envelope,
                                                       const std::string& content,
                                                       const MutationOptions& options = {});
  /// By kind and revision; of each kind the last one is in force.
  absl::StatusOr<ListPage<LicenseDataDocument>> ListData(std::optional<LicenseDataKind> kind,
                                                         const ListOptions& options = {});

  /// Published variants, by license and name. LICENSE_QUESTION_INVALID, LICENSE_UNKNOWN,
  /// LICENSE_CATEGORY_UNKNOWN, LICENSE_OBLIGATION_UNKNOWN, LICENSE_EXPRESSION_INVALID;
  /// FAILED_PRECONDITION (LICENSE_PROPERTIES_MISSING).
  absl::StatusOr<ListPage<LicenseUse>> Find(const LicenseQuestion& question,
                                            const ListOptions& options = {});

  /// All findings, of one state of the library. ABORTED (ANSWER_CHANGED) where that changed again
  /// and again while they were read; NOT_FOUND; FAILED_PRECONDITION (LICENSE_MATRIX_MISSING).
  absl::StatusOr<LicenseSetAnswer> CheckSet(const LicenseSetQuestion& question);

  /// All of it, of one state of the library; the outbound license of the question means nothing
  /// here. ABORTED (ANSWER_CHANGED); NOT_FOUND.
  absl::StatusOr<LicenseReportAnswer> Report(const LicenseSetQuestion& question);

  /// What a policy document would change of the verdicts on everything published, by package name;
  /// a page may be empty while more follows. ENVIRONMENT_NOT_FOUND, the errors of ParsePolicy.
  absl::StatusOr<ListPage<LicensePolicyChange>> DryRun(const std::string& environment,
                                                       const std::string& policy_document,
                                                       const ListOptions& options = {});

  /// By the compatibility matrix in force. FAILED_PRECONDITION (LICENSE_MATRIX_MISSING).
  absl::StatusOr<LicenseComparison> Compare(const std::string& outbound, const std::string& inbound,
                                            const LicenseContext& context);

 private:
  Client& client_;
};

}  // namespace dml
