// dml::LicenseClient: what licenses are judged by, and questions on licenses that need no package;
// by a library's Client.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
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

  /// By the compatibility matrix in force. FAILED_PRECONDITION (LICENSE_MATRIX_MISSING).
  absl::StatusOr<CompatibilityVerdict> Compare(const std::string& outbound,
                                               const std::string& inbound,
                                               const LicenseContext& context);

 private:
  Client& client_;
};

}  // namespace dml
