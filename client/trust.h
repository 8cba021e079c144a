// What a client is told of trust, access and custody, as values (client/client.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/journal/records.h"
#include "core/trust/root_walk.h"

namespace dml {

/// The trust root that a client walked to, and all that is good under it.
struct Trust {
  TrustedRoot root;
  std::string envelope;  // Of the root.
  std::shared_ptr<const TrustDomain> domain;
  std::vector<KeyRecord> revoked;  // Keys that the library says count no more.
};

/// A key that shall vouch for packages in some signing roles: of namespaces, or "*" for all.
struct KeyRegistration {
  TrustKey key;
  std::vector<std::string> roles;
  std::vector<std::string> namespaces;
};

struct KeySignature {
  VariantName variant;
  uint64_t index = 0;
  Digest envelope;
};

struct CallerIdentity {
  std::string principal;
  std::string method;  // "certificate", "token", "jwt", "insecure-loopback".
  std::string display_name;
  std::vector<AccessGrant> grants;
  std::optional<Timestamp> expires;
};

struct MethodPermission {
  std::string method;
  std::vector<std::string> roles;
  std::string scope;  // What a grant must cover: "library", "any", "namespace", "environment".
};

struct IssuedToken {
  TokenRecord record;
  std::string secret;  // "dml_<id>_<...>"
};

struct NamedPrincipal {
  std::string principal;
  std::string display_name;
};

struct ScanStatus {
  bool running = false;
  Timestamp start_time, finish_time;
  uint64_t variants = 0, bytes = 0, infected = 0, not_fully_scanned = 0, errors = 0;
  std::string scanner;  // "": none is configured.
  std::string signatures;
};

}  // namespace dml
