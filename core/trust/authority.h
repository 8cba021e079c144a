// Who may vouch for a subject, by the trust root and the delegation documents under it, and whether
// an envelope has enough of their signatures. Pure; any thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/trust/cosignature.h"
#include "core/trust/dsse.h"
#include "core/trust/trust_root.h"

namespace dml {

/// How deep delegations go, and how many are looked at for one subject (TUF 1.0.34, 5.6.7).
inline constexpr size_t kMaxDelegationDepth = 8;
inline constexpr size_t kMaxDelegationsVisited = 256;
/// Keys that an unnamed signature is tried with.
inline constexpr size_t kMaxKeysTried = 256;

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

/// Which keys have signed some envelopes. Each is tried once, however many authorities ask: those
/// that a signature names first; what nobody names is tried with every key asked for. The envelopes
/// must outlive it.
class SignatureSet {
 public:
  /// PERMISSION_DENIED (PAYLOAD_TYPE_UNEXPECTED) for an envelope over another type.
  static absl::StatusOr<SignatureSet> Create(std::span<const DsseEnvelope> envelopes,
                                             std::string_view payload_type);
  bool IsSignedBy(const TrustKey& key);
  /// Whether a signature claims to be of this key.
  bool Names(const TrustKey& key) const { return hints_.contains(key.key.id().hex()); }
  /// Whether a signature claims to be of a key that is none of these.
  bool has_unnamed(const std::set<Digest>& keys) const;

 private:
  struct Item {
    const DsseEnvelope* envelope;
    std::string message;  // That the signatures cover.
  };
  std::vector<Item> items_;
  std::set<std::string> hints_;
  std::map<std::pair<Digest, SignatureScheme>, bool> known_;  // By key id and scheme.
  std::set<const DsseSignature*> spoken_for_;                 // Known to be some key's.
};

/// Whoever vouches for all envelopes together: a holder counts who signed any of them. What they
/// say, and that it is one thing, is the caller's to check. Errors as of VerifyThreshold.
absl::StatusOr<Vouchers> VerifyTogether(SignatureSet& signatures, const Authority& authority);
/// The same where it is known which keys have signed.
absl::StatusOr<Vouchers> CountHolders(const std::set<Digest>& signers, const Authority& authority);

/// The authority of a role in the root itself; PERMISSION_DENIED (ROLE_NOT_HELD) where nobody has
/// it.
absl::StatusOr<Authority> RootAuthority(const TrustRoot& root, SigningRole role);

/// The witnesses of a root that have a line in a note, whether good or not, each under the names of
/// its lines there: a root names keys, and a key may cosign under any name.
std::vector<Witness> WitnessesOf(const Note& note, const TrustRoot& root);

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

  /// The same of documents that were good once: what the root no longer delegates, or what has no
  /// longer its threshold, counts as absent, too, and is told by lapsed(). A revoked key is as if
  /// no document named it.
  static TrustDomain Assemble(TrustRoot root, std::span<const DsseEnvelope> delegations,
                              Timestamp now, const std::set<Digest>& revoked);

  /// Whether an envelope is good for the delegation that its document speaks for: the threshold of
  /// those to whom that goes, and no other role passed on. Errors as of Create.
  absl::Status Judge(const DsseEnvelope& envelope, const DelegationDocument& document) const;

  /// Those to whom a delegation goes, by the names from the root on: they sign its document.
  /// NOT_FOUND (DELEGATION_UNKNOWN).
  absl::StatusOr<Authority> DelegatedAuthority(const std::vector<std::string>& chain) const;

  const TrustRoot& root() const { return root_; }
  /// The documents that have expired, to be warned of.
  const std::vector<DelegationDocument>& expired() const { return expired_; }
  /// Why other documents count as absent, in the order of their chains' lengths.
  const std::vector<absl::Status>& lapsed() const { return lapsed_; }

  /// All authorities over a subject, in the order of precedence: the root's own role, then
  /// delegations that cover it, each followed by what it passed on, until one that terminates. A
  /// delegation below another covers only what all above it cover. Empty: nobody may.
  std::vector<Authority> AuthoritiesFor(SigningRole role, std::string_view subject) const;

  /// A key that the root or a document in force names; null where none does. The root's word of its
  /// scheme comes first.
  const TrustKey* FindKey(const Digest& id) const;

  /// That some authority over the subject has its threshold among the envelope's signatures. The
  /// error of the last authority where none has, to whom it was passed on; ROLE_NOT_HELD where
  /// there is none.
  absl::StatusOr<Vouchers> Verify(const DsseEnvelope& envelope, std::string_view payload_type,
                                  SigningRole role, std::string_view subject) const;
  /// The same of all signatures of a set together.
  absl::StatusOr<Vouchers> VerifyTogether(SignatureSet& signatures, SigningRole role,
                                          std::string_view subject) const;
  /// The same of keys that are known to have signed, as Signers tells of envelopes that count
  /// together.
  absl::StatusOr<Vouchers> CountSigners(const std::set<Digest>& signers, SigningRole role,
                                        std::string_view subject) const;

  /// The ids of all keys with a part in one of these roles over the subject that have signed, in
  /// ascending order, however many it would take. At most kMaxKeysTried keys are tried for
  /// signatures that name none of them, those of delegations first: INVALID_ARGUMENT
  /// (KEY_ID_REQUIRED) where none of those is good and there are more.
  absl::StatusOr<std::vector<Digest>> Signers(SignatureSet& signatures,
                                              std::span<const SigningRole> roles,
                                              std::string_view subject) const;

 private:
  struct Search;

  absl::StatusOr<Vouchers> FirstVouchers(
      SigningRole role, std::string_view subject,
      const std::function<absl::StatusOr<Vouchers>(const Authority&)>& judge) const;
  explicit TrustDomain(TrustRoot root) : root_(std::move(root)) {}
  absl::Status Add(const DsseEnvelope& envelope, DelegationDocument document, Timestamp now);
  bool IsBelowExpired(const std::vector<std::string>& chain) const;
  bool Walk(const std::vector<TrustKey>& keys, const std::vector<Delegation>& delegations,
            Search& search) const;

  TrustRoot root_;
  std::map<std::vector<std::string>, DelegationDocument> documents_;  // By chain.
  std::vector<DelegationDocument> expired_;
  std::vector<absl::Status> lapsed_;
};

}  // namespace dml
