#include "client/log_audit.h"

#include "core/base/text.h"
#include "core/crypto/keys.h"
#include "core/crypto/sha256.h"
#include "core/rules/permits.h"
#include "core/wire/entry.h"

namespace dml {
namespace {

std::string ParentOf(std::string_view environment) {
  const size_t slash = environment.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(environment.substr(0, slash));
}

}  // namespace

// What a payload may say after the entries before it.
struct LogAudit::Rules {
  LogAudit& audit;
  uint64_t index;

  void Broken(std::string_view rule, std::string what) const {
    audit.Fault(index, rule, std::move(what));
  }
  void NeedNamespace(const std::string& name) const {
    if (!audit.namespaces_.contains(name)) {
      Broken("NAME_UNKNOWN", fmt::format("namespace {} was never created", name));
    }
  }
  void NeedEnvironment(const std::string& name) const {
    if (!audit.environments_.contains(name)) {
      Broken("NAME_UNKNOWN", fmt::format("environment {} was never created", name));
    }
  }
  // Null, and a fault, where it was never published.
  bool* NeedVariant(const VariantName& name) const {
    const auto found = audit.variants_.find(name.ResourceName());
    if (found != audit.variants_.end()) return &found->second;
    Broken("NAME_UNKNOWN", fmt::format("{} was never published", name.ResourceName()));
    return nullptr;
  }
  void Bind(bool is_new, std::string_view what) const {
    if (!is_new) Broken("NAME_BOUND_TWICE", fmt::format("{} exists since an entry before", what));
  }

  void operator()(const LibraryCreated& p) const {
    if (index != 0)
      return Broken("LIBRARY_CREATED_TWICE", "only the first entry creates a library");
    // The key that it began with may have been replaced since; what signs it now is pinned.
    audit.called_ = p.origin;  // It may be called otherwise later.
    audit.origins_.insert(p.origin);
  }
  void operator()(const NamespaceCreated& p) const {
    Bind(audit.namespaces_.insert(p.name).second, "namespace " + p.name);
  }
  void operator()(const NamespaceRetentionSet& p) const { NeedNamespace(p.name); }
  void operator()(const KeyRegistered& p) const {
    const absl::StatusOr<PublicKey> key = PublicKey::FromSpkiDer(AsBytes(p.spki));
    if (!key.ok()) return Broken("KEY_INVALID", std::string(Message(key.status())));
    Bind(audit.keys_.emplace(key->id(), false).second, "key " + key->id().hex());
  }
  void operator()(const KeyRevoked& p) const {
    bool& revoked = audit.keys_[p.key_id];
    if (revoked) Broken("KEY_NOT_LIVE", fmt::format("key {} is revoked already", p.key_id.hex()));
    revoked = true;
  }
  void operator()(const RootSet& p) const {
    const uint64_t expected = audit.root_version_ + 1;
    if (p.version != expected) {
      Broken("ROOT_SKIPPED",
             fmt::format("trust root {} is set where {} comes next", p.version, expected));
    }
    audit.root_version_ = std::max(audit.root_version_, p.version);
    if (p.move.has_value()) Move(*p.move);
  }
  void Move(const OriginMove& p) const {
    if (p.previous_origin != audit.called_) {
      Broken("ORIGIN_UNEXPECTED", fmt::format("the log moves from '{}' to '{}', and is called '{}'",
                                              Excerpt(p.previous_origin), Excerpt(p.origin),
                                              Excerpt(audit.called_.value_or(""))));
    }
    if (!p.last_checkpoint.empty() && !p.last_checkpoint.starts_with(p.previous_origin + "\n")) {
      Broken("ORIGIN_UNEXPECTED", fmt::format("what was signed last is no checkpoint of '{}'",
                                              Excerpt(p.previous_origin)));
    }
    if (!audit.origins_.insert(p.origin).second) {
      Broken("ORIGIN_UNEXPECTED",
             fmt::format("the log is called '{}' again, a name that it left", Excerpt(p.origin)));
    }
    audit.called_ = p.origin;
  }
  void operator()(const DelegationSet& p) const {
    uint64_t& version = audit.delegations_[p.chain];
    if (p.version <= version) {
      Broken("ROOT_SKIPPED",
             fmt::format("version {} of a delegation comes after {}", p.version, version));
    }
    version = std::max(version, p.version);
  }
  void operator()(const LicenseDataSet& p) const {
    uint64_t& revision = audit.license_data_[p.kind];
    if (p.revision <= revision) {
      Broken("LICENSE_DATA_SKIPPED",
             fmt::format("revision {} of license {} comes after {}", p.revision,
                         LicenseDataKindName(p.kind), revision));
    }
    revision = std::max(revision, p.revision);
  }
  void operator()(const AdvisorySet& p) const {
    uint64_t& revision = audit.advisories_[p.id];
    if (p.revision <= revision) {
      Broken("ADVISORY_SKIPPED", fmt::format("revision {} of advisory {} comes after {}",
                                             p.revision, Excerpt(p.id), revision));
    }
    revision = std::max(revision, p.revision);
  }
  void operator()(const TokenIssued& p) const {
    Bind(audit.tokens_.emplace(p.id, false).second, "token " + p.id);
  }
  void operator()(const TokenRevoked& p) const {
    const auto found = audit.tokens_.find(p.id);
    if (found == audit.tokens_.end()) {
      return Broken("NAME_UNKNOWN", fmt::format("token {} was never issued", p.id));
    }
    if (found->second) Broken("TOKEN_NOT_LIVE", fmt::format("token {} is revoked already", p.id));
    found->second = true;
  }
  void operator()(const VersionPublished& p) const {
    NeedNamespace(p.variant.package.ns);
    const std::string name = p.variant.ResourceName();
    Bind(audit.variants_.emplace(name, false).second, name);
    if (p.attestations.empty()) Broken("NOT_SIGNED", name + " is published without a signature");
    for (const AttestationRef& ref : p.attestations) Attach(name, ref);
  }
  void operator()(const ReferencesPublished& p) const {
    NeedNamespace(p.ns);
    for (const PublishedReference& reference : p.references) {
      const std::string name = reference.variant.ResourceName();
      Bind(audit.variants_.emplace(name, false).second, name);
      Attach(name, {p.envelope, "", reference.manifest().digest, p.key_ids});
    }
    if (p.key_ids.empty()) Broken("NOT_SIGNED", "references are published without a signature");
  }
  void operator()(const AttestationAttached& p) const {
    if (NeedVariant(p.variant) != nullptr) Attach(p.variant.ResourceName(), p.attestation);
  }
  void Attach(const std::string& name, const AttestationRef& ref) const {
    Bind(audit.attestations_.emplace(name, ref.envelope.digest).second,
         fmt::format("attestation {} of {}", ref.envelope.digest.hex(), name));
    for (const Digest& id : ref.key_ids) {
      const auto key = audit.keys_.find(id);
      if (key != audit.keys_.end() && key->second) {
        Broken("KEY_NOT_LIVE", fmt::format("an attestation of {} counts the signature of key {}, "
                                           "which is revoked",
                                           name, id.hex()));
      }
    }
  }
  void operator()(const VersionWithdrawn& p) const {
    bool* const withdrawn = NeedVariant(p.variant);
    if (withdrawn == nullptr) return;
    if (*withdrawn) Broken("WITHDRAWN_TWICE", p.variant.ResourceName() + " is withdrawn already");
    *withdrawn = true;
  }
  void operator()(const AdmissionDecided& p) const { NeedVariant(p.variant); }
  void operator()(const VariantScanned& p) const { NeedVariant(p.variant); }
  void operator()(const HoldPlaced& p) const { NeedVariant(p.variant); }
  void operator()(const HoldReleased& p) const { NeedVariant(p.variant); }
  void operator()(const MediaRegistered& p) const {
    Bind(audit.media_.insert(p.name).second, "media " + p.name);
  }
  void operator()(const CustodyRecorded& p) const {
    if (!audit.media_.contains(p.name)) {
      Broken("NAME_UNKNOWN", fmt::format("media {} was never registered", p.name));
    }
  }
  void operator()(const PermitDecided& p) const {
    Bind(audit.permits_.insert(p.id).second, "permit " + p.id);
    NeedEnvironment(p.environment);
    if (!p.seats.empty()) (*this)(ReservationOf(p, time()));
  }
  void NeedPermit(const std::string& id) const {
    if (!audit.permits_.contains(id)) {
      Broken("NAME_UNKNOWN", fmt::format("permit {} was never decided", id));
    }
  }
  void operator()(const PermitRevoked& p) const {
    NeedPermit(p.id);
    Seats(audit.seats_.Return(ReservationIdOf(p.id), ReturnWhich::kUntaken, time()));
  }
  void operator()(const PermitUsed& p) const {
    NeedPermit(p.id);
    Bind(audit.permit_uses_.emplace(p.id, p.node).second,
         fmt::format("the use of permit {} by {}", p.id, p.node));
  }
  void operator()(const PayloadCollected& p) const {
    for (const VariantName& name : p.variants) NeedVariant(name);
  }
  void operator()(const EnvironmentCreated& p) const {
    Bind(audit.environments_.insert(p.name).second, "environment " + p.name);
    if (const std::string parent = ParentOf(p.name); !parent.empty()) NeedEnvironment(parent);
  }
  void operator()(const NodeCreated& p) const {
    NeedEnvironment(p.environment);
    Bind(audit.nodes_.emplace(p.environment, p.name).second,
         fmt::format("node {} of {}", p.name, p.environment));
  }
  void operator()(const PolicySet& p) const { NeedEnvironment(p.environment); }
  void operator()(const ReleaseSealed& p) const {
    const bool is_new = audit.releases_.insert(p.document.digest).second;
    Bind(is_new && audit.release_names_.emplace(p.name, p.version).second,
         fmt::format("release {} {}", p.name, p.version));
    for (const std::string& environment : p.environments) NeedEnvironment(environment);
  }
  void NeedRelease(const Digest& document) const {
    if (!audit.releases_.contains(document)) {
      Broken("NAME_UNKNOWN", fmt::format("release {} was never sealed", document.ToString()));
    }
  }
  void operator()(const ReleaseAttested& p) const { NeedRelease(p.release); }
  void operator()(const ReleaseApproved& p) const {
    NeedRelease(p.release);
    NeedEnvironment(p.environment);
  }
  void operator()(const ReleaseWithdrawn& p) const { NeedRelease(p.release); }
  void operator()(const ReleaseMoved& p) const {
    NeedRelease(p.release);
    NeedEnvironment(p.environment);
  }
  // What the terms of entitlements allow is a fold of these entries, whoever makes it.
  void Seats(const absl::Status& status) const {
    if (!status.ok()) Broken("SEATS_INVALID", std::string(Message(status)));
  }
  void operator()(const EntitlementGranted& p) const {
    Seats(audit.seats_.Grant(p.terms, time()));
    audit.terms_[p.terms.id] = p.revision;
  }
  void operator()(const EntitlementAmended& p) const {
    Seats(audit.seats_.Amend(p.terms, time()));
    uint64_t& revision = audit.terms_[p.terms.id];
    // Terms were not signed at first: 0 may follow 0 alone.
    if (p.revision <= revision && (p.revision > 0 || revision > 0)) {
      Broken("TERMS_SKIPPED", fmt::format("revision {} of entitlement {} comes after {}",
                                          p.revision, Excerpt(p.terms.id), revision));
    }
    revision = std::max(revision, p.revision);
  }
  void operator()(const SeatsReserved& p) const {
    Seats(audit.seats_.Reserve(p.id, p.items, p.environment, p.ttl, time()).status());
  }
  void operator()(const LeaseCommitted& p) const {
    Seats(audit.seats_.Commit(p.lease, p.duration, time()));
  }
  void operator()(const LeaseExtended& p) const {
    Seats(audit.seats_.Extend(p.lease, p.duration, time()));
  }
  void operator()(const LeaseReleased& p) const {
    Seats(p.forced ? audit.seats_.ForceRelease(p.lease, time())
                   : audit.seats_.Release(p.lease, time()));
  }
  void operator()(const LeaseBorrowed& p) const {
    Seats(audit.seats_.Borrow(p.id, p.item, p.environment, p.duration, time()).status());
  }
  Timestamp time() const { return audit.time_; }
  void operator()(const AuditRecorded& p) const {
    if (p.lines <= audit.audit_lines_) {
      Broken("AUDIT_CUT", fmt::format("the audit log has {} lines, and had {} before", p.lines,
                                      audit.audit_lines_));
    }
    audit.audit_lines_ = std::max(audit.audit_lines_, p.lines);
  }
  // Kinds that bind no names that anybody could check.
  template <typename T>
  void operator()(const T&) const {}
};

std::optional<Entry> LogAudit::Add(std::string_view leaf) {
  const uint64_t index = tree_.size();
  tree_.Append(LeafHash(AsBytes(leaf)), [](NodeId, const Digest&) {});
  if (leaf.size() > kMaxEntryBytes) {
    Fault(index, "ENTRY_TOO_LARGE",
          fmt::format("{} bytes; at most {}", leaf.size(), kMaxEntryBytes));
  }
  absl::StatusOr<Entry> entry = wire::DecodeEntry(leaf);
  if (!entry.ok()) {
    Fault(index, "ENTRY_INVALID", std::string(Message(entry.status())));
    return std::nullopt;
  }
  CheckFrame(index, *entry);
  CheckRequest(index, *entry);
  std::visit(Rules{*this, index}, entry->payload);
  return *std::move(entry);
}

void LogAudit::CheckOrigin() {
  if (origin_told_ || !called_.has_value() || *called_ == origin_) return;
  Fault(0, "LIBRARY_UNEXPECTED",
        fmt::format("the entries are those of '{}', not of '{}'", Excerpt(*called_), origin_));
  origin_told_ = true;
}

void LogAudit::Fault(uint64_t index, std::string_view rule, std::string what) {
  ++fault_count_;
  if (faults_.size() < kMaxFaults) faults_.push_back({index, std::string(rule), std::move(what)});
}

void LogAudit::CheckFrame(uint64_t index, const Entry& entry) {
  if (entry.index != index) {
    Fault(index, "INDEX_WRONG", fmt::format("the entry calls itself {}", entry.index));
  }
  if (index != 0 && entry.time < time_) {
    Fault(index, "TIME_DECREASES",
          fmt::format("{} comes after {}", FormatTime(entry.time), FormatTime(time_)));
  }
  time_ = std::max(time_, entry.time);
  if (entry.author.empty()) Fault(index, "AUTHOR_MISSING", "nobody is named as its author");
  if (index == 0 && !std::holds_alternative<LibraryCreated>(entry.payload)) {
    Fault(index, "LIBRARY_UNEXPECTED",
          fmt::format("the first entry is {}, not library_created", EntryKind(entry.payload)));
  }
}

void LogAudit::CheckRequest(uint64_t index, const Entry& entry) {
  while (!recent_.empty() && recent_.front().first + kRequestTime < entry.time) {
    requests_.erase(recent_.front().second);
    recent_.pop_front();
  }
  if (entry.request_id.empty()) return;
  std::pair<std::string, std::string> request{entry.author, entry.request_id};
  if (!requests_.insert(request).second) {
    Fault(index, "REQUEST_REPEATED",
          fmt::format("{} has made request {} before", entry.author, entry.request_id));
    return;
  }
  recent_.emplace_back(entry.time, std::move(request));
}

}  // namespace dml
