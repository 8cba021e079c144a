// Keys of the view rows, all in table kViews (docs/formats.md, "Views").
// Each row key is one byte for the kind of row, then order-preserving parts (storage/engine/key.h):
// lists come in name or version order, and no two names share a key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/package/names.h"
#include "core/package/package_spec.h"
#include "core/version/version.h"
#include "storage/engine/key.h"

namespace dml::view_keys {

/// Raised when the rows' form or meaning changes: the views are then rebuilt on opening.
inline constexpr uint64_t kViewVersion = 9;

enum class Row : uint8_t {
  kNamespace = 1,
  kPackage = 2,
  kVariant = 3,
  kAttestation = 4,
  kLicense = 5,
  kRelation = 6,
  kProvides = 7,
  kKey = 8,
  kEnvironment = 9,
  kNode = 10,
  kPolicyHistory = 11,
  kPolicy = 12,
  kRequest = 13,
  kRequestByTime = 14,
  kStamp = 15,
  kRetention = 16,
  kRoot = 17,
  kDelegation = 18,
  kGrant = 19,
  kToken = 20,
  kHold = 21,
  kMedia = 22,
  kCustody = 23,
  kPermit = 24,
  kSignature = 25,
  kMediaContent = 26,
  kEntitlement = 27,
  kSeatUsage = 28,
  kLease = 29,
  kLeaseEnd = 30,
  kLeaseOf = 31,
  kLicenseData = 32,
  kRelease = 33,
  kReleaseName = 34,
  kReleaseEnvelope = 35,
  kDeployment = 36,
  kDeploymentIn = 37,
  kAdvisory = 38,
  kAdvisoryOf = 39,
  kPermitOf = 40,
  kPermitIn = 41,
  kPermitUse = 42,
  kRevokedPermit = 43,
  kRevocationCount = 44,
  kRollout = 45,
  kRolloutNode = 46,
  kRolloutOpen = 47,
  kReevaluation = 49,
};

inline KeyBuilder Start(Row row) { return KeyBuilder().U8(static_cast<uint8_t>(row)); }

inline std::string Namespace(std::string_view name) {
  return Start(Row::kNamespace).String(name).Build();
}
inline KeyBuilder PackagePrefix(Row row, const PackageName& name) {
  return Start(row).String(name.ns).String(name.name);
}
inline std::string Package(const PackageName& name) {
  return PackagePrefix(Row::kPackage, name).Build();
}
/// All variants of one version: version order, equal precedence together.
inline KeyBuilder VersionPrefix(const PackageName& name, const Version& version) {
  return PackagePrefix(Row::kVariant, name).String(version.key());
}
inline std::string Variant(const PackageName& name, const Version& version,
                           const Platform& platform) {
  return VersionPrefix(name, version).String(platform.VariantId()).Build();
}
inline KeyBuilder AttestationPrefix(const VariantName& name) {
  return PackagePrefix(Row::kAttestation, name.package)
      .String(name.version)
      .String(name.platform.VariantId());
}
inline std::string Attestation(const VariantName& name, const Digest& envelope) {
  return AttestationPrefix(name).String(envelope.raw()).Build();
}
/// Relations (or provisions) under the name that they point to.
inline KeyBuilder RelationPrefix(Row row, RelationKind kind, std::string_view target) {
  return Start(row).U8(static_cast<uint8_t>(kind)).String(target);
}
inline std::string Key(const Digest& id) { return Start(Row::kKey).String(id.raw()).Build(); }
inline std::string Environment(std::string_view name) {
  return Start(Row::kEnvironment).String(name).Build();
}
inline KeyBuilder NodePrefix(std::string_view environment) {
  return Start(Row::kNode).String(environment);
}
inline std::string Node(std::string_view environment, std::string_view node) {
  return NodePrefix(environment).String(node).Build();
}
inline std::string Policy(std::string_view environment) {
  return Start(Row::kPolicy).String(environment).Build();
}
inline std::string PolicyRevision(std::string_view environment, uint64_t revision) {
  return Start(Row::kPolicyHistory).String(environment).U64(revision).Build();
}
inline std::string Request(std::string_view author, std::string_view request_id) {
  return Start(Row::kRequest).String(author).String(request_id).Build();
}
inline std::string RequestByTime(uint64_t micros, std::string_view author,
                                 std::string_view request_id) {
  return Start(Row::kRequestByTime).U64(micros).String(author).String(request_id).Build();
}
inline std::string Retention(std::string_view ns) {
  return Start(Row::kRetention).String(ns).Build();
}
inline std::string Root(uint64_t version) { return Start(Row::kRoot).U64(version).Build(); }
inline std::string Delegation(const std::vector<std::string>& chain) {
  KeyBuilder key = Start(Row::kDelegation);
  for (const std::string& name : chain) key.String(name);
  return key.Build();
}
inline KeyBuilder GrantPrefix(std::string_view principal) {
  return Start(Row::kGrant).String(principal);
}
inline std::string Grant(std::string_view principal, std::string_view role,
                         std::string_view scope) {
  return GrantPrefix(principal).String(role).String(scope).Build();
}
inline std::string Token(std::string_view id) { return Start(Row::kToken).String(id).Build(); }
inline KeyBuilder HoldPrefix(const VariantName& name) {
  return PackagePrefix(Row::kHold, name.package)
      .String(name.version)
      .String(name.platform.VariantId());
}
inline std::string Hold(const VariantName& variant, std::string_view name) {
  return HoldPrefix(variant).String(name).Build();
}
inline std::string Media(std::string_view name) { return Start(Row::kMedia).String(name).Build(); }
inline KeyBuilder MediaContentPrefix(const Digest& content) {
  return Start(Row::kMediaContent).String(content.raw());
}
inline KeyBuilder CustodyPrefix(std::string_view name) { return Start(Row::kCustody).String(name); }
inline std::string Custody(std::string_view name, uint64_t index) {
  return CustodyPrefix(name).U64(index).Build();
}
/// What a key has signed, in the order of the journal.
inline KeyBuilder SignaturePrefix(const Digest& key_id) {
  return Start(Row::kSignature).String(key_id.raw());
}
inline std::string Signature(const Digest& key_id, uint64_t index, const Digest& envelope) {
  return SignaturePrefix(key_id).U64(index).String(envelope.raw()).Build();
}
inline std::string Stamp(std::string_view name) { return Start(Row::kStamp).String(name).Build(); }

}  // namespace dml::view_keys
