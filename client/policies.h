// dml::PolicyClient: policies of a library, by its Client.
#pragma once

#include <string>

#include "client/client.h"

namespace dml {

/// A policy that is to be set.
struct PolicyChange {
  std::string document;
  std::string etag;          // Of the revision that it replaces; "": there must be none yet.
  std::string force_reason;  // Why it is set though it would lock everyone out; "": it is not then.
  std::string envelope;  // Of a PolicyClaim, of the role policy; "": nothing is permitted by it.
};

/// Thread-safe, as its Client is.
class PolicyClient {
 public:
  /// `client` must outlive it.
  explicit PolicyClient(Client& client) : client_(client) {}

  /// FAILED_PRECONDITION (POLICY_LOCKS_OUT).
  absl::StatusOr<Committed<PolicyDocument>> Set(const std::string& environment,
                                                const PolicyChange& change,
                                                const MutationOptions& options = {});

 private:
  Client& client_;
};

}  // namespace dml
