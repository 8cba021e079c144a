// Trust roots and delegation documents: no threshold that says nothing or cannot be met, no key
// that is not there, one text for one value, and no other document under a root's signatures.
#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "core/trust/root_walk.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/targets.h"

namespace dml::fuzz {
namespace {

bool CanBeMet(const RoleKeys& role, const std::vector<TrustKey>& keys) {
  std::set<std::string> holders;
  for (const Digest& id : role.key_ids) {
    const TrustKey* key = FindTrustKey(keys, id);
    if (key == nullptr) return false;
    holders.insert(key->holder);
  }
  return role.threshold >= 1 && role.threshold <= kMaxThreshold &&
         role.key_ids.size() <= kMaxRoleKeys && role.threshold <= holders.size();
}

bool CheckKeys(const std::vector<TrustKey>& keys, const std::vector<Delegation>& delegations) {
  DML_HOLDS(keys.size() <= kMaxTrustKeys && delegations.size() <= kMaxDelegations);
  for (size_t i = 1; i < keys.size(); ++i) {
    DML_HOLDS(keys[i - 1].key.id() < keys[i].key.id());
  }
  std::set<std::string> names;
  for (const Delegation& delegation : delegations) {
    DML_HOLDS(CanBeMet(delegation.keys, keys));
    DML_HOLDS(names.insert(delegation.name).second);
    DML_HOLDS(!delegation.subjects.empty());
  }
  return true;
}

// Of the golden root and its signatures.
const DsseEnvelope& Golden() {
  static const auto* const envelope =
      new DsseEnvelope(*ParseEnvelope(GoldenSeed("trust/permit-root.json")));
  return *envelope;
}

bool CheckRoot(std::string_view input) {
  const absl::StatusOr<TrustRoot> root = ParseTrustRoot(input);
  if (!root.ok()) {
    DML_HOLDS(!Reason(root.status()).empty());
    return false;
  }
  DML_HOLDS(input.size() <= kMaxTrustDocumentBytes);
  DML_HOLDS(root->roles.contains(SigningRole::kRoot) && root->roles.contains(SigningRole::kLog));
  for (const auto& [role, keys] : root->roles) DML_HOLDS(CanBeMet(keys, root->keys));
  DML_HOLDS(CheckKeys(root->keys, root->delegations));
  const absl::StatusOr<std::string> text = FormatTrustRoot(*root);
  if (!text.ok()) {  // Indented, it can be too long.
    DML_HOLDS(input.size() > kMaxTrustDocumentBytes / 8);
    return true;
  }
  const absl::StatusOr<TrustRoot> again = ParseTrustRoot(*text);
  DML_HOLDS(again.ok());
  DML_HOLDS(*again == *root);
  DML_HOLDS(*FormatTrustRoot(*again) == *text);
  // Two signatures of another document do not carry over to this one.
  DsseEnvelope envelope = Golden();
  envelope.payload = std::string(input);
  const auto opened = OpenPinnedRoot(FormatEnvelope(envelope));
  DML_HOLDS(opened.ok() == (input == Golden().payload));
  return true;
}

bool CheckDelegation(std::string_view input) {
  const absl::StatusOr<DelegationDocument> document = ParseDelegationDocument(input);
  if (!document.ok()) return false;
  DML_HOLDS(input.size() <= kMaxTrustDocumentBytes);
  DML_HOLDS(!document->chain.empty() && document->chain.size() <= kMaxDelegationDepth);
  DML_HOLDS(CheckKeys(document->keys, document->delegations));
  const absl::StatusOr<std::string> text = FormatDelegationDocument(*document);
  if (!text.ok()) {
    DML_HOLDS(input.size() > kMaxTrustDocumentBytes / 8);
    return true;
  }
  const absl::StatusOr<DelegationDocument> again = ParseDelegationDocument(*text);
  DML_HOLDS(again.ok());
  DML_HOLDS(*again == *document);
  return true;
}

}  // namespace

bool FuzzTrustRoot(std::string_view input) {
  const bool root = CheckRoot(input);
  return CheckDelegation(input) || root;
}

std::vector<std::string> TrustRootSeeds() {
  const std::string root = GoldenSeed("trust/root.json");
  const TrustRoot parsed = *ParseTrustRoot(root);
  TrustRoot small = parsed;  // Where more of the mutations still read.
  small.delegations.clear();
  return {root, nlohmann::json::parse(root).dump(),
          nlohmann::json::parse(*FormatTrustRoot(small)).dump(), Golden().payload,
          *FormatDelegationDocument(
              {{"acme", "web"}, 3, parsed.expires, parsed.keys, parsed.delegations})};
}

}  // namespace dml::fuzz
