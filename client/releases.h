// dml::ReleaseClient: releases of a library, by its Client.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "core/journal/release_records.h"

namespace dml {

/// Which release: as its document names it.
struct ReleaseName {
  std::string name;
  std::string version;
};

/// A release with all that is known of it; the document's digest is verified.
struct ReleaseDetails {
  ReleaseRecord record;
  std::string document;
  std::vector<DeploymentRecord> deployments;
  std::vector<ReleaseEnvelopeRecord> envelopes;
  std::map<Digest, std::string> configurations;  // Where they were asked for; verified.
};

enum class WithConfigurations { kNo, kYes };

/// What the gate says of a release.
struct ReleaseAnswer {
  bool allowed = false;
  std::vector<Finding> findings;  // All pages.
  Digest document;
  uint64_t index = 0;
  Timestamp time;
  std::string policy_environment;
  uint64_t policy_revision = 0;
  std::string findings_digest;
  Digest approved_findings;  // That an approval binds.
  uint32_t risk = 0;
  std::vector<std::pair<std::string, uint32_t>> risk_parts;  // Fact and points.
  uint64_t nodes = 0;
  uint64_t bytes = 0;
};

/// Thread-safe, as its Client is.
class ReleaseClient {
 public:
  /// `client` must outlive it.
  explicit ReleaseClient(Client& client) : client_(client) {}

  absl::StatusOr<Committed<ReleaseRecord>> Seal(const std::string& document,
                                                const std::string& envelope,
                                                const std::vector<std::string>& configurations,
                                                const MutationOptions& options = {});
  /// As seen from an environment; "": from all of the release.
  absl::StatusOr<ReleaseDetails> Get(const ReleaseName& name, const std::string& environment = "",
                                     WithConfigurations with = WithConfigurations::kNo);
  absl::StatusOr<ListPage<ReleaseRecord>> List(const ListOptions& options);
  /// Now, or what would be decided at a time. All findings, one page after another of the same
  /// index: ABORTED (ANSWER_CHANGED) where the journal went on in between.
  absl::StatusOr<ReleaseAnswer> Evaluate(const ReleaseName& name, const std::string& environment,
                                         std::optional<Timestamp> time = std::nullopt);
  absl::StatusOr<Committed<ReleaseRecord>> Attach(const ReleaseName& name,
                                                  const std::string& envelope,
                                                  const MutationOptions& options = {});
  absl::StatusOr<Committed<DeploymentRecord>> Approve(const ReleaseName& name,
                                                      const std::string& envelope,
                                                      const MutationOptions& options = {});
  /// An OverrideClaim about it (core/evidence/override_claim.h).
  absl::StatusOr<Committed<ReleaseRecord>> Override(const ReleaseName& name,
                                                    const std::string& envelope,
                                                    const MutationOptions& options = {});
  absl::StatusOr<Committed<ReleaseRecord>> Withdraw(const ReleaseName& name,
                                                    const std::string& reason,
                                                    const std::string& etag,
                                                    const MutationOptions& options = {});
  /// From DeploymentEvent::kStart on.
  absl::StatusOr<Committed<DeploymentRecord>> Record(
      const ReleaseName& name, const std::string& environment, DeploymentEvent event,
      const std::string& reason, const std::string& etag, const MutationOptions& options = {});

 private:
  Client& client_;
};

}  // namespace dml
