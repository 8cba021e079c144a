#include "core/trust/trust_root.h"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/bytes.h"
#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/package/names.h"
#include "core/trust/note.h"

namespace dml {
namespace {

constexpr std::string_view kRootSchema[] = {"dml.root/v1"};
constexpr std::string_view kDelegationSchema[] = {"dml.delegation/v1"};
constexpr std::string_view kSchemes[] = {"ed25519", "ecdsa-p256-der", "ecdsa-p256-p1363"};
constexpr std::string_view kHolderKinds[] = {"PERSON", "MACHINE"};
constexpr size_t kMaxTextBytes = 1024;
constexpr size_t kMaxSubjects = 256;  // Of one delegation.
constexpr size_t kMaxChain = 8;
constexpr uint64_t kMaxVersion = (uint64_t{1} << 53) - 1;  // What every JSON reader can hold.

// Reads what both documents have; errors have the document's own reason.
class DocumentReader {
 public:
  DocumentReader(const nlohmann::json& document, ErrorReason reason)
      : in_(document, reason), reason_(reason) {}

  ObjectReader& in() { return in_; }

  uint64_t Version() { return in_.Unsigned("version", 1, kMaxVersion); }

  Timestamp Expires() {
    const std::string text = in_.String("expires", kMaxTextBytes);
    Timestamp out;
    in_.Check("expires", ReadTime(text, out));
    return out;
  }

  void Keys(std::vector<TrustKey>& out) {
    in_.ForEach("keys", kMaxTrustKeys, [&](const nlohmann::json& item) -> absl::Status {
      DML_ASSIGN_OR_RETURN(TrustKey key, ReadKey(item));
      if (!out.empty() && !(out.back().key.id() < key.key.id())) {
        return Invalid("key {} is not in ascending order of ids, or is there twice",
                       key.key.id().hex());
      }
      out.push_back(std::move(key));
      return absl::OkStatus();
    });
  }

  void Delegations(const std::vector<TrustKey>& keys, std::vector<Delegation>& out) {
    std::set<std::string> names;
    in_.ForEach("delegations", kMaxDelegations, [&](const nlohmann::json& item) -> absl::Status {
      DML_ASSIGN_OR_RETURN(Delegation delegation, ReadDelegation(item, keys));
      if (!names.insert(delegation.name).second) {
        return Invalid("there are two delegations '{}'", delegation.name);
      }
      out.push_back(std::move(delegation));
      return absl::OkStatus();
    });
  }

  // The threshold and keys of a role, from an object's members of these names.
  RoleKeys ReadRoleKeys(ObjectReader& in, SigningRole role, const std::vector<TrustKey>& keys) {
    RoleKeys out;
    out.threshold = static_cast<uint32_t>(in.Unsigned("threshold", 1, kMaxThreshold));
    for (const std::string& text : in.Strings("keys", kMaxRoleKeys, kMaxTextBytes)) {
      absl::StatusOr<Digest> id = Digest::Parse("sha256:" + text);
      if (!id.ok()) {
        in.Check("keys", Invalid("'{}' is no key id of 64 hex digits", Excerpt(text)));
        continue;
      }
      if (!out.key_ids.empty() && !(out.key_ids.back() < *id)) {
        in.Check("keys", Invalid("{} is not in ascending order, or is there twice", text));
      }
      out.key_ids.push_back(*id);
    }
    in.Check("keys", CheckHolders(out, role, keys));
    return out;
  }

 private:
  template <typename... Args>
  absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) const {
    return InvalidArgument(reason_, format, std::forward<Args>(args)...);
  }

  absl::Status ReadTime(const std::string& text, Timestamp& out) const {
    const std::optional<Timestamp> time = ParseTime(text);
    if (!time.has_value() || FormatTime(*time) != text) {
      return Invalid("'{}' is not a time such as 2027-01-31T00:00:00Z", Excerpt(text));
    }
    out = *time;
    return absl::OkStatus();
  }

  absl::StatusOr<TrustKey> ReadKey(const nlohmann::json& value) const {
    ObjectReader in(value, reason_);
    const std::string holder = in.String("holder", kMaxTextBytes);
    in.Check("holder", ValidateNamespace(holder));
    const bool person = in.Word("kind", kHolderKinds) == 0;
    const auto scheme = static_cast<SignatureScheme>(in.Word("scheme", kSchemes) + 1);
    const std::optional<std::string> der = Base64Decode(in.String("publicKey", kMaxTextBytes));
    if (!der.has_value()) in.Check("publicKey", Invalid("is not base64 of a public key"));
    absl::StatusOr<PublicKey> key = PublicKey::FromSpkiDer(AsBytes(der.value_or("")));
    in.Check("publicKey", key.status());
    DML_RETURN_IF_ERROR(in.Finish());
    const bool is_ed25519 = key->algorithm() == KeyAlgorithm::kEd25519;
    if (is_ed25519 != (scheme == SignatureScheme::kEd25519)) {
      return AtField(Invalid("a key of {} does not sign so", KeyAlgorithmName(key->algorithm())),
                     "scheme");
    }
    return TrustKey{*std::move(key), scheme, holder, person};
  }

  absl::StatusOr<Delegation> ReadDelegation(const nlohmann::json& value,
                                            const std::vector<TrustKey>& keys) {
    ObjectReader in(value, reason_);
    Delegation out;
    out.name = in.String("name", kMaxTextBytes);
    in.Check("name", ValidateNamespace(out.name));
    absl::StatusOr<SigningRole> role = ParseSigningRole(in.String("role", kMaxTextBytes));
    in.Check("role", role.status());
    out.role = role.value_or(SigningRole::kPublisher);
    if (!TraitsOf(out.role).delegable) {
      in.Check("role", Invalid("'{}' cannot be delegated", SigningRoleName(out.role)));
    }
    for (const std::string& text : in.Strings("subjects", kMaxSubjects, kMaxTextBytes)) {
      absl::StatusOr<SubjectPattern> pattern = SubjectPattern::Parse(text);
      in.Check("subjects", pattern.status());
      if (pattern.ok()) out.subjects.push_back(*std::move(pattern));
    }
    if (out.subjects.empty()) in.Check("subjects", Invalid("none is named; for all: [\"*/*\"]"));
    out.keys = ReadRoleKeys(in, out.role, keys);
    in.Read("terminating", [&](const nlohmann::json& word) -> absl::Status {
      if (!word.is_boolean()) return Invalid("is {}, not true or false", JsonTypeName(word));
      out.terminating = word.get<bool>();
      return absl::OkStatus();
    });
    DML_RETURN_IF_ERROR(in.Finish());
    return out;
  }

  // That the threshold can be met by holders who count.
  absl::Status CheckHolders(const RoleKeys& of, SigningRole role,
                            const std::vector<TrustKey>& keys) const {
    std::set<std::string_view> holders;
    for (const Digest& id : of.key_ids) {
      const TrustKey* key = FindTrustKey(keys, id);
      if (key == nullptr) return Invalid("key {} is not among this document's keys", id.hex());
      if (TraitsOf(role).persons_only && !key->person) {
        return Invalid("key {} is a machine's; {} is for persons", id.hex(), SigningRoleName(role));
      }
      holders.insert(key->holder);
    }
    if (of.threshold <= holders.size()) return absl::OkStatus();
    return Invalid("the threshold is {}, and {} different holder(s) have keys: it cannot be met",
                   of.threshold, holders.size());
  }

  ObjectReader in_;
  const ErrorReason reason_;
};

absl::StatusOr<TrustRoot> ReadRoot(const nlohmann::json& document) {
  const ErrorReason reason("ROOT_INVALID");
  DocumentReader reader(document, reason);
  ObjectReader& in = reader.in();
  in.Word("schema", kRootSchema);
  TrustRoot out;
  out.origin = in.String("origin", kMaxTextBytes);
  in.Check("origin", ValidateNoteKeyName(out.origin));
  out.previous_origin = in.StringOr("previousOrigin", kMaxTextBytes, "");
  if (!out.previous_origin.empty()) {
    in.Check("previousOrigin", ValidateNoteKeyName(out.previous_origin));
    if (out.previous_origin == out.origin) {
      in.Check("previousOrigin", InvalidArgument(reason, "is the origin itself"));
    }
  }
  in.Read("logStartSize", [&](const nlohmann::json&) {
    out.log_start_size = in.Unsigned("logStartSize", 0, kMaxVersion);
    return absl::OkStatus();
  });
  out.version = reader.Version();
  out.expires = reader.Expires();
  reader.Keys(out.keys);
  in.ReadRequired("roles", [&](const nlohmann::json& roles) -> absl::Status {
    ObjectReader words(roles, reason);
    for (const SigningRoleTraits& traits : kSigningRoleTable) {
      words.Read(traits.word, [&](const nlohmann::json& value) -> absl::Status {
        ObjectReader role(value, reason);
        RoleKeys keys = reader.ReadRoleKeys(role, traits.role, out.keys);
        DML_RETURN_IF_ERROR(role.Finish());
        out.roles.emplace(traits.role, std::move(keys));
        return absl::OkStatus();
      });
    }
    return words.Finish();
  });
  reader.Delegations(out.keys, out.delegations);
  for (SigningRole role : {SigningRole::kRoot, SigningRole::kLog}) {
    if (out.roles.contains(role)) continue;
    in.Check("roles", InvalidArgument(reason, "nobody has the role '{}'", SigningRoleName(role)));
  }
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::StatusOr<DelegationDocument> ReadDelegationDocument(const nlohmann::json& document) {
  const ErrorReason reason("DELEGATION_INVALID");
  DocumentReader reader(document, reason);
  ObjectReader& in = reader.in();
  in.Word("schema", kDelegationSchema);
  DelegationDocument out;
  out.chain = in.Strings("chain", kMaxChain, kMaxTextBytes);
  for (const std::string& name : out.chain) in.Check("chain", ValidateNamespace(name));
  if (out.chain.empty()) in.Check("chain", InvalidArgument(reason, "names no delegation"));
  out.version = reader.Version();
  out.expires = reader.Expires();
  reader.Keys(out.keys);
  reader.Delegations(out.keys, out.delegations);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

std::vector<std::string> HexIds(const RoleKeys& keys) {
  std::vector<std::string> out;
  for (const Digest& id : keys.key_ids) out.push_back(id.hex());
  return out;
}

nlohmann::json KeysJson(const std::vector<TrustKey>& keys) {
  nlohmann::json out = nlohmann::json::array();
  for (const TrustKey& key : keys) {
    out.push_back({{"holder", key.holder},
                   {"kind", kHolderKinds[key.person ? 0 : 1]},
                   {"scheme", kSchemes[static_cast<size_t>(key.scheme) - 1]},
                   {"publicKey", Base64Encode(AsBytes(key.key.spki_der()))}});
  }
  return out;
}

nlohmann::json DelegationsJson(const std::vector<Delegation>& delegations) {
  nlohmann::json out = nlohmann::json::array();
  for (const Delegation& delegation : delegations) {
    std::vector<std::string> subjects;
    for (const SubjectPattern& pattern : delegation.subjects) subjects.push_back(pattern.text());
    out.push_back({{"name", delegation.name},
                   {"role", SigningRoleName(delegation.role)},
                   {"subjects", subjects},
                   {"threshold", delegation.keys.threshold},
                   {"keys", HexIds(delegation.keys)},
                   {"terminating", delegation.terminating}});
  }
  return out;
}

// The text, read back: what is written here is what the parser takes.
template <typename T>
absl::StatusOr<std::string> Checked(const nlohmann::json& document, const T& value,
                                    absl::StatusOr<T> (*parse)(std::string_view),
                                    ErrorReason reason) {
  std::string text = document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  DML_ASSIGN_OR_RETURN(T again, parse(text));
  if (!(again == value)) {
    return InvalidArgument(reason, "the document cannot say all of this: a time with fractions?");
  }
  return text;
}

}  // namespace

const TrustKey* FindTrustKey(const std::vector<TrustKey>& keys, const Digest& id) {
  auto it =
      std::ranges::lower_bound(keys, id, {}, [](const TrustKey& key) { return key.key.id(); });
  return it != keys.end() && it->key.id() == id ? &*it : nullptr;
}

absl::StatusOr<TrustRoot> ParseTrustRoot(std::string_view json) {
  DML_ASSIGN_OR_RETURN(nlohmann::json document,
                       ParseStrictJson(json, kMaxTrustDocumentBytes, ErrorReason("ROOT_INVALID")));
  absl::StatusOr<TrustRoot> out = ReadRoot(document);
  if (!out.ok()) return LocateError(out.status(), "trust root");
  return out;
}

absl::StatusOr<DelegationDocument> ParseDelegationDocument(std::string_view json) {
  DML_ASSIGN_OR_RETURN(nlohmann::json document, ParseStrictJson(json, kMaxTrustDocumentBytes,
                                                                ErrorReason("DELEGATION_INVALID")));
  absl::StatusOr<DelegationDocument> out = ReadDelegationDocument(document);
  if (!out.ok()) return LocateError(out.status(), "delegation");
  return out;
}

absl::StatusOr<std::string> FormatTrustRoot(const TrustRoot& root) {
  nlohmann::json roles = nlohmann::json::object();
  for (const auto& [role, keys] : root.roles) {
    roles[std::string(SigningRoleName(role))] = {{"threshold", keys.threshold},
                                                 {"keys", HexIds(keys)}};
  }
  nlohmann::json document = {{"schema", kRootSchema[0]},
                             {"origin", root.origin},
                             {"version", root.version},
                             {"expires", FormatTime(root.expires)},
                             {"keys", KeysJson(root.keys)},
                             {"roles", std::move(roles)},
                             {"delegations", DelegationsJson(root.delegations)}};
  if (!root.previous_origin.empty()) document["previousOrigin"] = root.previous_origin;
  if (root.log_start_size != 0) document["logStartSize"] = root.log_start_size;
  return Checked(document, root, ParseTrustRoot, ErrorReason("ROOT_INVALID"));
}

absl::StatusOr<std::string> FormatDelegationDocument(const DelegationDocument& document) {
  const nlohmann::json json = {
      {"schema", kDelegationSchema[0]},  {"chain", document.chain},
      {"version", document.version},     {"expires", FormatTime(document.expires)},
      {"keys", KeysJson(document.keys)}, {"delegations", DelegationsJson(document.delegations)}};
  return Checked(json, document, ParseDelegationDocument, ErrorReason("DELEGATION_INVALID"));
}

}  // namespace dml
