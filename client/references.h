// dml::ReferenceClient: versions without files, by a library's Client.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/client.h"
#include "core/crypto/keys.h"
#include "core/package/references.h"

namespace dml {

struct ReferencesAnswer {
  struct Refusal {
    std::string variant;
    std::string reason;
    std::string message;
  };
  uint64_t published = 0;
  uint64_t present = 0;  // Before, with the same spec.
  std::vector<Refusal> refused;
  std::optional<Commit> commit;  // None where nothing was entered.
};

/// Thread-safe, as its Client is.
class ReferenceClient {
 public:
  /// `client` must outlive it.
  explicit ReferenceClient(Client& client) : client_(client) {}

  /// Signs and publishes one batch; `specs` are documents of kind REFERENCE, at most
  /// kMaxReferenceBatch, of the namespace. `source` says where they come from.
  absl::StatusOr<ReferencesAnswer> Publish(const std::string& ns, const std::string& source,
                                           const std::vector<std::string>& specs,
                                           std::span<const Signer* const> keys,
                                           const MutationOptions& options = {});

 private:
  Client& client_;
};

}  // namespace dml
