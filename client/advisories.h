// dml::AdvisoryClient: what became known of packages after they were published, by a library's
// Client.
#pragma once

#include <optional>
#include <string>

#include "client/client.h"
#include "core/compat/advisory.h"
#include "core/journal/advisory_entries.h"

namespace dml {

/// An advisory with the envelope that vouches for it, whose digest the record has.
struct AdvisoryDocument {
  AdvisoryRecord record;
  std::string envelope;
  Advisory advisory;  // As the envelope has it.
};

/// Thread-safe, as its Client is.
class AdvisoryClient {
 public:
  /// `client` must outlive it.
  explicit AdvisoryClient(Client& client) : client_(client) {}

  /// Sets an advisory, or its next revision.
  absl::StatusOr<Committed<AdvisoryDocument>> Set(const std::string& envelope,
                                                  const MutationOptions& options = {});
  /// Ends it, by a document that says why.
  absl::StatusOr<Committed<AdvisoryDocument>> Withdraw(const std::string& envelope,
                                                       const MutationOptions& options = {});
  /// NOT_FOUND (ADVISORY_NOT_FOUND).
  absl::StatusOr<AdvisoryDocument> Get(const std::string& id);
  /// By id; of each the last revision, or those alone that affect a package and are not withdrawn.
  absl::StatusOr<ListPage<AdvisoryDocument>> List(const std::optional<PackageName>& package,
                                                  const ListOptions& options = {});

 private:
  Client& client_;
};

}  // namespace dml
