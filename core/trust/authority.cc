#include "core/trust/authority.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/ranges.h>

#include "core/base/text.h"
#include "core/crypto/ecdsa_signature.h"

namespace dml {
namespace {

bool IsGoodSignature(const TrustKey& key, ByteSpan message, std::string_view signature) {
  if (key.scheme != SignatureScheme::kEcdsaP256P1363) {
    return key.key.Verify(message, AsBytes(signature)).ok();
  }
  absl::StatusOr<std::string> der = EcdsaDerOfP1363(AsBytes(signature));
  return der.ok() && key.key.Verify(message, AsBytes(*der)).ok();
}

Authority MakeAuthority(const std::vector<TrustKey>& keys, const RoleKeys& of, SigningRole role,
                        std::vector<std::string> chain) {
  Authority out{std::move(chain), role, of.threshold, {}};
  for (const Digest& id : of.key_ids) {
    if (const TrustKey* key = FindTrustKey(keys, id)) out.keys.push_back(*key);
  }
  return out;
}

bool Covers(const Delegation& delegation, std::string_view subject) {
  return std::ranges::any_of(
      delegation.subjects, [&](const SubjectPattern& pattern) { return pattern.Covers(subject); });
}

// Of all that the document passes on.
std::optional<SigningRole> RoleOf(const DelegationDocument& document) {
  if (document.delegations.empty()) return std::nullopt;
  return document.delegations.front().role;
}

std::string Words(const std::set<std::string>& words) {
  return words.empty() ? "nobody" : fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

absl::StatusOr<SignatureSet> SignatureSet::Create(std::span<const DsseEnvelope> envelopes,
                                                  std::string_view payload_type) {
  SignatureSet out;
  for (const DsseEnvelope& envelope : envelopes) {
    if (envelope.payload_type != payload_type) {
      return PermissionDenied(ErrorReason("PAYLOAD_TYPE_UNEXPECTED"),
                              "the envelope holds '{}', not '{}'; send an envelope over the latter",
                              Excerpt(envelope.payload_type), payload_type);
    }
    out.items_.push_back({&envelope, PreAuthEncoding(envelope.payload_type, envelope.payload)});
    for (const DsseSignature& signature : envelope.signatures) out.hints_.insert(signature.key_id);
  }
  return out;
}

bool SignatureSet::has_unnamed(const std::set<Digest>& keys) const {
  return std::ranges::any_of(hints_, [&](const std::string& hint) {
    absl::StatusOr<Digest> id = Digest::Parse("sha256:" + hint);
    return !id.ok() || !keys.contains(*id);
  });
}

bool SignatureSet::IsSignedBy(const TrustKey& key) {
  auto [known, is_new] = known_.emplace(std::pair(key.key.id(), key.scheme), false);
  if (!is_new) return known->second;
  const std::string hint = key.key.id().hex();
  // Each key looks at each signature, of which there are few; ids are hints and may be lies. Only
  // what is known to be another key's is passed over: a signature is one key's.
  auto signed_by = [&](bool hinted) {
    return std::ranges::any_of(items_, [&](const Item& item) {
      return std::ranges::any_of(item.envelope->signatures, [&](const DsseSignature& signature) {
        if ((signature.key_id == hint) != hinted || spoken_for_.contains(&signature)) return false;
        if (!IsGoodSignature(key, AsBytes(item.message), signature.signature)) return false;
        spoken_for_.insert(&signature);
        return true;
      });
    });
  };
  known->second = signed_by(true) || signed_by(false);
  return known->second;
}

absl::StatusOr<Vouchers> VerifyTogether(SignatureSet& signatures, const Authority& authority) {
  std::set<Digest> signers;
  // Keys that are named first: what they have signed need not be tried with the others.
  for (const bool named : {true, false}) {
    for (const TrustKey& key : authority.keys) {
      if (signatures.Names(key) == named && signatures.IsSignedBy(key))
        signers.insert(key.key.id());
    }
  }
  return CountHolders(signers, authority);
}

absl::StatusOr<Vouchers> CountHolders(const std::set<Digest>& signers, const Authority& authority) {
  std::set<Digest> good;
  std::set<std::string> holders;
  std::set<std::string> others;
  for (const TrustKey& key : authority.keys) {
    if (signers.contains(key.key.id())) {
      good.insert(key.key.id());
      holders.insert(key.holder);
    } else {
      others.insert(key.holder);
    }
  }
  if (holders.size() >= std::max<size_t>(1, authority.threshold)) {
    return Vouchers{authority.chain, {good.begin(), good.end()}, std::move(holders)};
  }
  for (const std::string& holder : holders) others.erase(holder);
  return PermissionDenied(
      ErrorReason("THRESHOLD_NOT_MET"),
      "{} of {} different holders of the role {}{} have signed: {}; still needed: {} of {}",
      holders.size(), authority.threshold, SigningRoleName(authority.role),
      authority.chain.empty() ? ""
                              : fmt::format(" by delegation {}", fmt::join(authority.chain, " > ")),
      Words(holders), authority.threshold - holders.size(), Words(others));
}

absl::StatusOr<Vouchers> VerifyThreshold(const DsseEnvelope& envelope,
                                         std::string_view payload_type,
                                         const Authority& authority) {
  DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                       SignatureSet::Create(std::span(&envelope, 1), payload_type));
  return VerifyTogether(signatures, authority);
}

absl::StatusOr<Authority> RootAuthority(const TrustRoot& root, SigningRole role) {
  auto it = root.roles.find(role);
  if (it != root.roles.end()) return MakeAuthority(root.keys, it->second, role, {});
  return PermissionDenied(ErrorReason("ROLE_NOT_HELD"),
                          "nobody has the role {} in trust root {}: give it to a key, and sign a "
                          "new root",
                          SigningRoleName(role), root.version);
}

std::vector<Witness> WitnessesOf(const Note& note, const TrustRoot& root) {
  std::vector<Witness> out;
  absl::StatusOr<Authority> authority = RootAuthority(root, SigningRole::kWitness);
  if (!authority.ok()) return out;
  for (const TrustKey& key : authority->keys) {
    if (key.key.algorithm() != KeyAlgorithm::kEd25519) continue;
    std::set<std::string_view> names;
    for (const NoteSignature& line : note.signatures) {
      if (line.key_id != NoteKeyId(line.name, key.key, NoteKeyType::kCosignature)) continue;
      if (names.insert(line.name).second) out.push_back({line.name, key.key, key.holder});
    }
  }
  return out;
}

namespace {

// Whoever is above comes first: nothing is believed before those who delegated to it are.
std::vector<std::pair<const DsseEnvelope*, DelegationDocument>> FromTheTop(
    std::vector<std::pair<const DsseEnvelope*, DelegationDocument>> documents) {
  std::ranges::stable_sort(documents, {},
                           [](const auto& item) { return item.second.chain.size(); });
  return documents;
}

void DropKeys(std::vector<TrustKey>& keys, const std::set<Digest>& revoked) {
  std::erase_if(keys, [&](const TrustKey& key) { return revoked.contains(key.key.id()); });
}

}  // namespace

absl::StatusOr<TrustDomain> TrustDomain::Create(TrustRoot root,
                                                std::span<const DsseEnvelope> delegations,
                                                Timestamp now) {
  TrustDomain out(std::move(root));
  std::vector<std::pair<const DsseEnvelope*, DelegationDocument>> documents;
  for (const DsseEnvelope& envelope : delegations) {
    DML_ASSIGN_OR_RETURN(DelegationDocument document, ParseDelegationDocument(envelope.payload));
    documents.emplace_back(&envelope, std::move(document));
  }
  for (auto& [envelope, document] : FromTheTop(std::move(documents))) {
    DML_RETURN_IF_ERROR(out.Add(*envelope, std::move(document), now));
  }
  return out;
}

TrustDomain TrustDomain::Assemble(TrustRoot root, std::span<const DsseEnvelope> delegations,
                                  Timestamp now, const std::set<Digest>& revoked) {
  TrustDomain out(std::move(root));
  DropKeys(out.root_.keys, revoked);
  std::vector<std::pair<const DsseEnvelope*, DelegationDocument>> documents;
  for (const DsseEnvelope& envelope : delegations) {
    absl::StatusOr<DelegationDocument> document = ParseDelegationDocument(envelope.payload);
    if (!document.ok()) {
      out.lapsed_.push_back(document.status());
      continue;
    }
    DropKeys(document->keys, revoked);
    documents.emplace_back(&envelope, *std::move(document));
  }
  for (auto& [envelope, document] : FromTheTop(std::move(documents))) {
    absl::Status added = out.Add(*envelope, std::move(document), now);
    if (!added.ok()) out.lapsed_.push_back(std::move(added));
  }
  return out;
}

absl::Status TrustDomain::Judge(const DsseEnvelope& envelope,
                                const DelegationDocument& document) const {
  const std::string name = fmt::format("delegation {}", fmt::join(document.chain, " > "));
  DML_ASSIGN_OR_RETURN(Authority authority, DelegatedAuthority(document.chain));
  absl::StatusOr<Vouchers> vouchers = VerifyThreshold(envelope, kDelegationPayloadType, authority);
  if (!vouchers.ok()) return Annotate(vouchers.status(), name);
  for (const Delegation& delegation : document.delegations) {
    if (delegation.role != authority.role) {
      return PermissionDenied(ErrorReason("ROLE_NOT_HELD"),
                              "{} passes on the role {}, and has only {}", name,
                              SigningRoleName(delegation.role), SigningRoleName(authority.role));
    }
  }
  return absl::OkStatus();
}

absl::Status TrustDomain::Add(const DsseEnvelope& envelope, DelegationDocument document,
                              Timestamp now) {
  if (IsBelowExpired(document.chain)) return absl::OkStatus();
  DML_RETURN_IF_ERROR(Judge(envelope, document));
  if (document.expires <= now) {
    expired_.push_back(std::move(document));
    return absl::OkStatus();
  }
  std::vector<std::string> chain = document.chain;
  if (documents_.emplace(chain, std::move(document)).second) return absl::OkStatus();
  return AlreadyExists(ErrorReason("DELEGATION_REPEATED"),
                       "there are two documents of delegation {}", fmt::join(chain, " > "));
}

bool TrustDomain::IsBelowExpired(const std::vector<std::string>& chain) const {
  return std::ranges::any_of(expired_, [&](const DelegationDocument& document) {
    const std::vector<std::string>& above = document.chain;
    return above.size() < chain.size() &&
           std::ranges::equal(above, std::span(chain).first(above.size()));
  });
}

absl::StatusOr<Authority> TrustDomain::DelegatedAuthority(
    const std::vector<std::string>& chain) const {
  const std::vector<TrustKey>* keys = &root_.keys;
  const std::vector<Delegation>* delegations = &root_.delegations;
  const Delegation* found = nullptr;
  for (size_t depth = 0; depth < chain.size(); ++depth) {
    if (depth > 0) {
      auto above = documents_.find({chain.begin(), chain.begin() + static_cast<ptrdiff_t>(depth)});
      if (above == documents_.end()) break;
      keys = &above->second.keys;
      delegations = &above->second.delegations;
    }
    auto it = std::ranges::find(*delegations, chain[depth], &Delegation::name);
    found = it == delegations->end() ? nullptr : &*it;
    if (found == nullptr) break;
    if (depth + 1 == chain.size()) return MakeAuthority(*keys, found->keys, found->role, chain);
  }
  return NotFound(ErrorReason("DELEGATION_UNKNOWN"), "nobody has delegated anything to {}",
                  fmt::join(chain, " > "));
}

struct TrustDomain::Search {
  const SigningRole role;
  const std::string_view subject;
  std::vector<std::string> chain;  // Where the walk is.
  size_t visited = 0;
  std::vector<Authority> found;
};

// False where the search is over: a delegation terminates, or enough was looked at.
bool TrustDomain::Walk(const std::vector<TrustKey>& keys,
                       const std::vector<Delegation>& delegations, Search& search) const {
  if (search.chain.size() == kMaxDelegationDepth) return true;
  for (const Delegation& delegation : delegations) {
    if (delegation.role != search.role || !Covers(delegation, search.subject)) continue;
    if (++search.visited > kMaxDelegationsVisited) return false;
    search.chain.push_back(delegation.name);
    search.found.push_back(MakeAuthority(keys, delegation.keys, delegation.role, search.chain));
    auto below = documents_.find(search.chain);
    const bool goes_on =
        below == documents_.end() || Walk(below->second.keys, below->second.delegations, search);
    search.chain.pop_back();
    if (!goes_on || delegation.terminating) return false;
  }
  return true;
}

std::vector<Authority> TrustDomain::AuthoritiesFor(SigningRole role,
                                                   std::string_view subject) const {
  Search search{role, subject, {}, 0, {}};
  if (absl::StatusOr<Authority> own = RootAuthority(root_, role); own.ok()) {
    search.found.push_back(*std::move(own));
  }
  Walk(root_.keys, root_.delegations, search);
  return std::move(search.found);
}

absl::StatusOr<Vouchers> TrustDomain::Verify(const DsseEnvelope& envelope,
                                             std::string_view payload_type, SigningRole role,
                                             std::string_view subject) const {
  DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                       SignatureSet::Create(std::span(&envelope, 1), payload_type));
  return VerifyTogether(signatures, role, subject);
}

absl::StatusOr<Vouchers> TrustDomain::VerifyTogether(SignatureSet& signatures, SigningRole role,
                                                     std::string_view subject) const {
  return FirstVouchers(role, subject, [&](const Authority& authority) {
    return dml::VerifyTogether(signatures, authority);
  });
}

absl::StatusOr<Vouchers> TrustDomain::CountSigners(const std::set<Digest>& signers,
                                                   SigningRole role,
                                                   std::string_view subject) const {
  return FirstVouchers(
      role, subject, [&](const Authority& authority) { return CountHolders(signers, authority); });
}

absl::StatusOr<Vouchers> TrustDomain::FirstVouchers(
    SigningRole role, std::string_view subject,
    const std::function<absl::StatusOr<Vouchers>(const Authority&)>& judge) const {
  absl::Status last = PermissionDenied(ErrorReason("ROLE_NOT_HELD"),
                                       "nobody has the role {} for {} in trust root {}",
                                       SigningRoleName(role), Excerpt(subject), root_.version);
  for (const Authority& authority : AuthoritiesFor(role, subject)) {
    absl::StatusOr<Vouchers> vouchers = judge(authority);
    if (vouchers.ok()) return vouchers;
    last = vouchers.status();
  }
  for (const DelegationDocument& document : expired_) {
    if (role != RoleOf(document)) continue;
    last =
        Annotate(last, fmt::format("delegation {} expired on {}: its keys count again once they "
                                   "have signed its next version (dml delegation renew)",
                                   fmt::join(document.chain, " > "), FormatTime(document.expires)));
  }
  return last;
}

const TrustKey* TrustDomain::FindKey(const Digest& id) const {
  if (const TrustKey* key = FindTrustKey(root_.keys, id)) return key;
  for (const auto& [chain, document] : documents_) {
    if (const TrustKey* key = FindTrustKey(document.keys, id)) return key;
  }
  return nullptr;
}

absl::StatusOr<std::vector<Digest>> TrustDomain::Signers(SignatureSet& signatures,
                                                         std::span<const SigningRole> roles,
                                                         std::string_view subject) const {
  std::vector<TrustKey> delegated, own;
  std::set<Digest> seen;
  for (SigningRole role : roles) {
    for (Authority& authority : AuthoritiesFor(role, subject)) {
      for (TrustKey& key : authority.keys) {
        if (!seen.insert(key.key.id()).second) continue;
        (authority.chain.empty() ? own : delegated).push_back(std::move(key));
      }
    }
  }
  delegated.insert(delegated.end(), own.begin(), own.end());
  std::ranges::stable_partition(delegated,
                                [&](const TrustKey& key) { return signatures.Names(key); });
  const bool unnamed = signatures.has_unnamed(seen);
  std::set<Digest> good;
  size_t tried = 0;
  for (const TrustKey& key : delegated) {
    if (!signatures.Names(key) && (!unnamed || ++tried > kMaxKeysTried)) break;
    if (signatures.IsSignedBy(key)) good.insert(key.key.id());
  }
  if (good.empty() && tried > kMaxKeysTried) {
    return InvalidArgument(
        ErrorReason("KEY_ID_REQUIRED"),
        "the envelope's signatures name no key that may vouch for {}, and none is of the {} such "
        "keys that were tried; there are more: put into each \"keyid\" the hex SHA-256 of the "
        "key's SubjectPublicKeyInfo, or take keys that are not in use out of the trust root",
        Excerpt(subject), kMaxKeysTried);
  }
  return std::vector<Digest>(good.begin(), good.end());
}

}  // namespace dml
