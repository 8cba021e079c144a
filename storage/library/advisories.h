// Advisories that the library holds: how they get there, and what they make of package specs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/compat/amend.h"
#include "core/compat/vulnerabilities.h"
#include "core/journal/advisory_entries.h"
#include "core/rules/command.h"
#include "core/trust/authority.h"
#include "storage/engine/engine.h"

namespace dml {

struct AdvisoryChange {
  Command command;
  Advisory advisory;
};

/// The command that sets an advisory, or its end. Its envelope must hold a document (the errors of
/// OpenAdvisory) and be signed by the role advisory for every package that it affects (those of
/// TrustDomain::Verify).
absl::StatusOr<AdvisoryChange> PrepareSetAdvisory(const Reader& state, const TrustDomain& trust,
                                                  std::string envelope);

/// The advisories of one state at a time. Reads those of a package once. One thread at a time.
class AdvisoryReader {
 public:
  /// `state` and `trust` must outlive it; `trust` null: signers are named by their keys.
  AdvisoryReader(const Reader& state, const TrustDomain* trust, Timestamp now)
      : state_(state), trust_(trust), now_(now) {}

  /// The spec as the advisories in force have it, the same where they leave it as it is. With
  /// `superseded_too` what is superseded is denied.
  absl::StatusOr<std::shared_ptr<const PackageSpec>> Amend(std::shared_ptr<const PackageSpec> spec,
                                                           bool superseded_too);

  /// The vulnerabilities that a version has by them (core/compat/vulnerabilities.h); nullopt where
  /// the library has never had any advisory: nobody has looked then.
  absl::StatusOr<std::optional<std::vector<OpenVulnerability>>> Vulnerabilities(
      const PackageName& package, const Version& version);

  /// Who vouches for the advisory whose line this is; null where it is none's.
  const std::vector<std::string>* SignersOf(const std::string& line) const;

 private:
  absl::StatusOr<bool> HasAny();
  absl::StatusOr<const std::vector<SignedAdvisory>*> Of(const PackageName& package);
  absl::StatusOr<SignedAdvisory> Read(const std::string& id);
  std::string HolderOf(const Digest& key_id, const std::string& package) const;

  const Reader& state_;
  const TrustDomain* const trust_;
  const Timestamp now_;
  std::optional<bool> any_;  // Whether the state has any advisories.
  std::map<PackageName, std::vector<SignedAdvisory>> read_;
  std::map<std::string, SignedAdvisory> by_id_;
  std::map<std::string, std::vector<std::string>> signers_;  // By line.
};

}  // namespace dml
