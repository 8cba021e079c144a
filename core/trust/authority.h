// Who may vouch for a subject, by the trust root and the delegation documents under it, and whether
// an envelope has enough of their signatures. Pure; any thread.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/trust/dsse.h"
#include "core/trust/trust_root.h"

namespace dml {

/// How deep delegations go, and how many are looked at for one subject (TUF 1.0.34, 5.6.7).
inline constexpr size_t kMaxDelegationDepth = 8;
inline constexpr size_t kMaxDelegationsVisited = 256;

/// Keys that together may vouch for something.
struct Authority {
  std::vector<std::string> chain;  // The delegations that lead here; empty: the root's own role.
  SigningRole role = SigningRole::kRoot;
  uint32_t threshold = 1;
  std::vector<TrustKey> keys;
};

/// Whose good signatures an envelope has.
struct Vouchers {
  std::vector<std::string> chain;  // Of the authority that they met.
  std::vector<Digest> key_ids;     // Ascending.
  std::set<std::string> holders;   // As many as the authority's threshold, at least.
};

/// Counts the different holders among an authority's keys with a good signature over the payload
/// bytes. PERMISSION_DENIED: PAYLOAD_TYPE_UNEXPECTED for an envelope over another type;
/// THRESHOLD_NOT_MET, saying who has signed and who could.
absl::StatusOr<Vouchers> VerifyThreshold(const DsseEnvelope& envelope,
                                         std::string_view payload_type, const Authority& authority);

/// The authority of a role in the root itself; PERMISSION_DENIED (ROLE_NOT_HELD) where nobody has
/// it.
absl::StatusOr<Authority> RootAuthority(const TrustRoot& root, SigningRole role);

/// A trust root with the delegation documents that are good under it.
class TrustDomain {
 public:
  /// Takes a root that was verified (core/trust/root_walk.h), and envelopes of delegation
  /// documents, in any order. Each must have the threshold of the delegation that it speaks for,
  /// reached by documents that are good themselves. What expired before `now`, and what is below
  /// it, counts as absent: one team's lapse stops that team and nobody else. PERMISSION_DENIED
  /// (THRESHOLD_NOT_MET, ROLE_NOT_HELD: it passes another role on), NOT_FOUND (DELEGATION_UNKNOWN:
  /// nobody delegated to that chain), ALREADY_EXISTS (DELEGATION_REPEATED: two documents of one).
  static absl::StatusOr<TrustDomain> Create(TrustRoot root,
                                            std::span<const DsseEnvelope> delegations,
                                            Timestamp now);

  const TrustRoot& root() const { return root_; }
  /// The documents that have expired, to be warned of.
  const std::vector<DelegationDocument>& expired() const { return expired_; }

  /// All authorities over a subject, in the order of precedence: the root's own role, then
  /// delegations that cover it, each followed by what it passed on, until one that terminates. A
  /// delegation below another covers only what all above it cover. Empty: nobody may.
  std::vector<Authority> AuthoritiesFor(SigningRole role, std::string_view subject) const;

  /// That some authority over the subject has its threshold among the envelope's signatures. The
  /// error of the first authority where none has; ROLE_NOT_HELD where there is none.
  absl::StatusOr<Vouchers> Verify(const DsseEnvelope& envelope, std::string_view payload_type,
                                  SigningRole role, std::string_view subject) const;

 private:
  struct Search;

  explicit TrustDomain(TrustRoot root) : root_(std::move(root)) {}
  absl::Status Add(const DsseEnvelope& envelope, DelegationDocument document, Timestamp now);
  bool IsBelowExpired(const std::vector<std::string>& chain) const;
  absl::StatusOr<Authority> DelegatedAuthority(const std::vector<std::string>& chain) const;
  bool Walk(const std::vector<TrustKey>& keys, const std::vector<Delegation>& delegations,
            Search& search) const;

  TrustRoot root_;
  std::map<std::vector<std::string>, DelegationDocument> documents_;  // By chain.
  std::vector<DelegationDocument> expired_;
};

}  // namespace dml
