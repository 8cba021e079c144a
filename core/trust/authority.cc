#include "core/trust/authority.h"

#include <algorithm>
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

absl::StatusOr<Vouchers> VerifyThreshold(const DsseEnvelope& envelope,
                                         std::string_view payload_type,
                                         const Authority& authority) {
  if (envelope.payload_type != payload_type) {
    return PermissionDenied(ErrorReason("PAYLOAD_TYPE_UNEXPECTED"),
                            "the envelope holds '{}', not '{}'; send an envelope over the latter",
                            Excerpt(envelope.payload_type), payload_type);
  }
  const std::string message = PreAuthEncoding(envelope.payload_type, envelope.payload);
  std::set<Digest> good;
  std::set<std::string> holders;
  std::set<std::string> others;
  // Each key looks at each signature, of which there are few; ids are hints and may be lies.
  for (const TrustKey& key : authority.keys) {
    const std::string hint = key.key.id().hex();
    auto signed_by = [&](bool hinted) {
      return std::ranges::any_of(envelope.signatures, [&](const DsseSignature& signature) {
        return (signature.key_id == hint) == hinted &&
               IsGoodSignature(key, AsBytes(message), signature.signature);
      });
    };
    if (signed_by(true) || signed_by(false)) {
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

absl::StatusOr<Authority> RootAuthority(const TrustRoot& root, SigningRole role) {
  auto it = root.roles.find(role);
  if (it != root.roles.end()) return MakeAuthority(root.keys, it->second, role, {});
  return PermissionDenied(ErrorReason("ROLE_NOT_HELD"),
                          "nobody has the role {} in trust root {}: give it to a key, and sign a "
                          "new root",
                          SigningRoleName(role), root.version);
}

absl::StatusOr<TrustDomain> TrustDomain::Create(TrustRoot root,
                                                std::span<const DsseEnvelope> delegations,
                                                Timestamp now) {
  TrustDomain out(std::move(root));
  std::vector<std::pair<const DsseEnvelope*, DelegationDocument>> documents;
  for (const DsseEnvelope& envelope : delegations) {
    DML_ASSIGN_OR_RETURN(DelegationDocument document, ParseDelegationDocument(envelope.payload));
    documents.emplace_back(&envelope, std::move(document));
  }
  // Whoever is above comes first: nothing is believed before those who delegated to it are.
  std::ranges::stable_sort(documents, {},
                           [](const auto& item) { return item.second.chain.size(); });
  for (auto& [envelope, document] : documents) {
    DML_RETURN_IF_ERROR(out.Add(*envelope, std::move(document), now));
  }
  return out;
}

absl::Status TrustDomain::Add(const DsseEnvelope& envelope, DelegationDocument document,
                              Timestamp now) {
  const std::string name = fmt::format("delegation {}", fmt::join(document.chain, " > "));
  if (IsBelowExpired(document.chain)) return absl::OkStatus();
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
  if (document.expires <= now) {
    expired_.push_back(std::move(document));
    return absl::OkStatus();
  }
  std::vector<std::string> chain = document.chain;
  if (documents_.emplace(std::move(chain), std::move(document)).second) return absl::OkStatus();
  return AlreadyExists(ErrorReason("DELEGATION_REPEATED"), "there are two documents of {}", name);
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
  absl::Status first = PermissionDenied(ErrorReason("ROLE_NOT_HELD"),
                                        "nobody has the role {} for {} in trust root {}",
                                        SigningRoleName(role), Excerpt(subject), root_.version);
  bool is_first = true;
  for (const Authority& authority : AuthoritiesFor(role, subject)) {
    absl::StatusOr<Vouchers> vouchers = VerifyThreshold(envelope, payload_type, authority);
    if (vouchers.ok()) return vouchers;
    if (std::exchange(is_first, false)) first = vouchers.status();
  }
  for (const DelegationDocument& document : expired_) {
    if (role != RoleOf(document)) continue;
    first =
        Annotate(first, fmt::format("delegation {} expired on {}", fmt::join(document.chain, " > "),
                                    FormatTime(document.expires)));
  }
  return first;
}

}  // namespace dml
