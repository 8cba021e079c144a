// A library, its signers and a release, made without a library: everything that a permit bundle is
// made of, so that tests can make it wrong in one place.
//
// All keys are made from their names (tests/golden/trust/make_permit_bundle.py does the same), so
// that a scene gives the same bytes each time.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "core/evidence/log_proof.h"
#include "core/evidence/permit_verifier.h"
#include "core/merkle/merkle.h"
#include "core/package/manifest.h"
#include "core/trust/cosignature.h"
#include "tests/core/trust/trust_builder.h"

namespace dml::testing {

/// The Ed25519 key whose seed is SHA-256("dml test key <name>").
PrivateKey NamedKey(const std::string& name);

/// Leaves with whatever proof is asked for.
class TestLog {
 public:
  void Append(std::string leaf);
  uint64_t size() const { return leaves_.size(); }
  Digest Root(uint64_t size) const { return *RootHash(size, reader()); }
  LogProof Prove(uint64_t index, uint64_t size) const {
    return {index, leaves_[index], *InclusionProof(index, size, reader()), ""};
  }
  LogHistory History(uint64_t from, uint64_t to) const {
    return {from, *ConsistencyProof(from, to, reader())};
  }

 private:
  NodeReader reader() const {
    return [this](NodeId id) -> absl::StatusOr<Digest> { return nodes_.at(id); };
  }
  std::vector<std::string> leaves_;
  std::map<NodeId, Digest> nodes_;
  TreeAppender tree_;
};

/// Rob and ron hold the root role, two of two; rita seals releases, paul sets policies; ann
/// publishes acme/*, carl other/*; amy, abe and pat (two keys) approve for production/*; wim
/// witnesses; the daemon has the keys ci-log and ci-permit.
struct PermitScene {
  PermitScene();

  /// From here on only these keys sign, and those of strangers ("eve...").
  void Steal(const std::vector<std::string>& names) { held = {names.begin(), names.end()}; }
  static const PrivateKey& Key(const std::string& name);
  TrustKey Trust(const std::string& name);
  RoleKeys Role(uint32_t threshold, const std::vector<std::string>& names);
  /// Adds keys to the root where they are not there.
  void Know(TrustRoot& to, const std::vector<std::string>& names);

  std::string Sign(std::string_view type, std::string_view payload,
                   const std::vector<std::string>& by);
  std::string Claim(std::string_view type, const Digest& subject, std::string_view predicate,
                    const std::vector<std::string>& by);
  std::string SignRoot(const TrustRoot& document, const std::vector<std::string>& by);
  std::string Publish(const ReleaseItem& item, const std::vector<std::string>& by);
  std::string SignRelease(const std::string& document, const std::vector<std::string>& by);
  std::string SignPolicy(const std::vector<std::string>& by);
  std::string Approve(const std::string& document, const std::vector<std::string>& by);

  /// Everything as it should be.
  PermitBundle Honest();
  /// Permit and journal entry for what is in the bundle, by `permit_by` and `log_by`.
  void Seal(PermitBundle& bundle);
  /// The parts of Seal.
  void SignPermit(PermitBundle& bundle);
  void Enter(PermitBundle& bundle);
  /// The proof of an entry in a log of 12 entries, of which it is number 8.
  std::string ProofOf(const EntryPayload& payload);

  TrustedRoot Pinned();
  PermitVerdict Verify(const PermitBundle& bundle) {
    return VerifyPermitBundle(bundle, Pinned(), now, memory);
  }

  std::optional<std::set<std::string>> held;
  TrustRoot root;
  Release release;
  std::string policy_document = "schema: dml.policy/v1\n";
  PolicyClaim policy;
  ApprovalClaim approval;
  Permit permit;
  PermitDecided decision;    // Filled in by Enter, but for `allowed`.
  std::string permit_extra;  // Members more in the permit's predicate.
  Timestamp decided;
  Timestamp now;
  Timestamp witnessed;
  PermitMemory memory;
  std::vector<std::string> permit_by = {"ci-permit"};
  std::vector<std::string> log_by = {"ci-log"};
  std::vector<std::string> witnessed_by = {"wim"};
  std::map<std::string, std::vector<std::string>> publishers = {{"acme", {"ann"}},
                                                                {"other", {"carl"}}};
  std::string entry_extra;         // Bytes after the entry's.
  std::string log_past = "entry";  // Other text: another history.
  uint64_t log_size = 12;
  TestLog log;  // Of the last Enter or ProofOf.
};

/// The word for why a bundle is refused, "" where it is accepted.
inline std::string ReasonOf(const PermitVerdict& verdict) {
  return verdict.status.ok() ? "" : Reason(verdict.status);
}

}  // namespace dml::testing
