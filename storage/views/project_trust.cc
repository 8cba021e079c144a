// What entries of trust, access, license data and custody mean for the views.
#include <map>

#include <fmt/ranges.h>

#include "core/journal/media_copies.h"
#include "core/trust/trust_root.h"
#include "storage/views/application.h"
#include "storage/views/license_keys.h"
#include "storage/views/list_view.h"

namespace dml {
namespace {

using KeyMap = std::map<Digest, KeyRecord>;

// Adds what a document's delegations and, where it is the root, roles let keys vouch for.
class GrantCollector {
 public:
  explicit GrantCollector(KeyMap& keys) : keys_(keys) {}

  void AddKeys(const std::vector<TrustKey>& keys) {
    for (const TrustKey& key : keys) {
      KeyRecord& record = keys_[key.key.id()];
      record.spki = key.key.spki_der();
      record.holder = key.holder;
      record.person = key.person;
    }
  }
  void AddRole(SigningRole role, const RoleKeys& of) { Add(of, {Word(role), "", {}}); }
  void AddDelegations(const std::vector<std::string>& chain,
                      const std::vector<Delegation>& delegations) {
    for (const Delegation& delegation : delegations) {
      std::vector<std::string> names = chain;
      names.push_back(delegation.name);
      KeyGrant grant{Word(delegation.role), fmt::format("{}", fmt::join(names, " > ")), {}};
      for (const SubjectPattern& pattern : delegation.subjects) {
        grant.subjects.push_back(pattern.text());
      }
      Add(delegation.keys, grant);
    }
  }

 private:
  static std::string Word(SigningRole role) { return std::string(SigningRoleName(role)); }
  void Add(const RoleKeys& of, const KeyGrant& grant) {
    for (const Digest& id : of.key_ids) keys_[id].grants.push_back(grant);
  }

  KeyMap& keys_;
};

}  // namespace

absl::StatusOr<std::string> Application::EnvelopePayload(const BlobRef& envelope) const {
  DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(metadata_, envelope));
  DML_ASSIGN_OR_RETURN(DsseEnvelope parsed, ParseEnvelope(bytes));
  return std::move(parsed.payload);
}

absl::Status Application::RefreshKeys() {
  DML_ASSIGN_OR_RETURN(auto root_record, state_.FindRoot());
  if (!root_record.has_value()) return Broken("a delegation without a root");
  KeyMap keys;
  GrantCollector collector(keys);
  DML_ASSIGN_OR_RETURN(std::string root_text, EnvelopePayload(root_record->envelope));
  DML_ASSIGN_OR_RETURN(TrustRoot root, ParseTrustRoot(root_text));
  collector.AddKeys(root.keys);
  for (const auto& [role, of] : root.roles) collector.AddRole(role, of);
  collector.AddDelegations({}, root.delegations);
  DML_ASSIGN_OR_RETURN(std::vector<DelegationRecord> records, state_.AllDelegations());
  for (const DelegationRecord& record : records) {
    DML_ASSIGN_OR_RETURN(std::string text, EnvelopePayload(record.envelope));
    DML_ASSIGN_OR_RETURN(DelegationDocument document, ParseDelegationDocument(text));
    collector.AddKeys(document.keys);
    collector.AddDelegations(document.chain, document.delegations);
  }
  // Those that nothing names any more keep their rows, without grants.
  DML_RETURN_IF_ERROR(state_.ScanKeys([&](const KeyRecord& before) {
    KeyRecord& record = keys[Sha256(before.spki)];
    if (record.spki.empty()) {
      record = before;
      record.grants.clear();
      return true;
    }
    record.registered_index = before.registered_index;
    record.registered_time = before.registered_time;
    record.revoked = before.revoked;
    record.revoked_index = before.revoked_index;
    record.revoke_reason = before.revoke_reason;
    return true;
  }));
  for (auto& [id, record] : keys) {
    if (record.registered_index == 0) {
      record.registered_index = entry_.index;
      record.registered_time = entry_.time;
    }
    Put(view_keys::Key(id), wire::Encode(record));
  }
  Stamp(kKeysStamp);
  return absl::OkStatus();
}

absl::Status Application::operator()(const RootSet& p) {
  DML_ASSIGN_OR_RETURN(std::string text, EnvelopePayload(p.envelope));
  DML_ASSIGN_OR_RETURN(TrustRoot root, ParseTrustRoot(text));
  Put(view_keys::Root(p.version),
      wire::Encode(RootRecord{p.version, p.envelope, root.expires, entry_.index, entry_.time,
                              entry_.author}));
  return RefreshKeys();
}

absl::Status Application::operator()(const DelegationSet& p) {
  DML_ASSIGN_OR_RETURN(std::string text, EnvelopePayload(p.envelope));
  DML_ASSIGN_OR_RETURN(DelegationDocument document, ParseDelegationDocument(text));
  Put(view_keys::Delegation(p.chain),
      wire::Encode(DelegationRecord{p.chain, p.version, p.envelope, document.expires, entry_.index,
                                    entry_.time, entry_.author}));
  return RefreshKeys();
}

absl::Status Application::operator()(const KeyRegistered& p) {
  KeyRecord record;
  record.spki = p.spki;
  record.holder = p.owner;
  for (const std::string& role : p.roles) {
    for (const std::string& ns : p.namespaces) {
      record.grants.push_back({role, "", {}});
      if (ns != "*") record.grants.back().subjects = {ns + "/*"};
    }
  }
  record.registered_index = entry_.index;
  record.registered_time = entry_.time;
  Put(view_keys::Key(Sha256(p.spki)), wire::Encode(record));
  Stamp(kKeysStamp);
  return absl::OkStatus();
}

absl::Status Application::operator()(const KeyRevoked& p) {
  DML_ASSIGN_OR_RETURN(auto record, state_.FindKey(p.key_id));
  if (!record.has_value()) return Broken("a key that nothing has named");
  record->revoked = true;
  record->revoked_index = entry_.index;
  record->revoke_reason = p.reason;
  Put(view_keys::Key(p.key_id), wire::Encode(*record));
  Stamp(kKeysStamp);
  return absl::OkStatus();
}

absl::Status Application::operator()(const RoleGranted& p) {
  Put(view_keys::Grant(p.principal, p.grant.role, p.grant.scope),
      wire::Encode(GrantRecord{p.principal, p.grant, entry_.index, entry_.time, entry_.author}));
  Stamp(kAccessStamp);
  return absl::OkStatus();
}

absl::Status Application::operator()(const RoleRevoked& p) {
  views_.Delete(Table::kViews, view_keys::Grant(p.principal, p.grant.role, p.grant.scope));
  Stamp(kAccessStamp);
  return absl::OkStatus();
}

absl::Status Application::operator()(const TokenIssued& p) {
  TokenRecord record;
  record.id = p.id;
  record.secret = p.secret;
  record.grants = p.grants;
  record.expires = p.expires;
  record.index = entry_.index;
  record.time = entry_.time;
  record.author = entry_.author;
  Put(view_keys::Token(p.id), wire::Encode(record));
  Stamp(kAccessStamp);
  return absl::OkStatus();
}

absl::Status Application::operator()(const TokenRevoked& p) {
  DML_ASSIGN_OR_RETURN(auto record, state_.FindToken(p.id));
  if (!record.has_value()) return Broken("a token that was not issued");
  record->revoked = true;
  record->revoked_index = entry_.index;
  record->revoke_reason = p.reason;
  Put(view_keys::Token(p.id), wire::Encode(*record));
  Stamp(kAccessStamp);
  return absl::OkStatus();
}

absl::Status Application::operator()(const LicenseDataSet& p) {
  Put(view_keys::LicenseData(p.kind, p.revision),
      wire::Encode(LicenseDataRecord{p, entry_.index, entry_.time, entry_.author}));
  Stamp(kLicenseDataStamp);
  return absl::OkStatus();
}

absl::Status Application::operator()(const MediaRegistered& p) {
  MediaRecord record;
  record.item = p;
  record.held = HeldAtFirst(p, entry_.index);
  record.index = entry_.index;
  record.time = entry_.time;
  Put(view_keys::Media(p.name), wire::Encode(record));
  if (p.content.has_value()) {
    Put(view_keys::MediaContentPrefix(*p.content).String(p.name).Build(), "");
  }
  return absl::OkStatus();
}

absl::Status Application::operator()(const CustodyRecorded& p) {
  DML_ASSIGN_OR_RETURN(auto record, state_.FindMedia(p.name));
  if (!record.has_value()) return Broken("an item that is not registered");
  DML_ASSIGN_OR_RETURN(std::vector<CopyRange> copies, CopiesMeant(*record, p));
  DML_ASSIGN_OR_RETURN(record->held, HeldAfter(record->held, p, copies, entry_.index));
  ++record->custody_count;
  switch (p.action) {
    case CustodyAction::kCheckedOut:
      record->copies_out += p.copies;
      break;
    case CustodyAction::kCheckedIn:
      record->copies_out -= p.copies;
      [[fallthrough]];
    case CustodyAction::kMoved:
      record->item.custodian = p.custodian;
      if (!p.location.empty()) record->item.location = p.location;
      break;
    case CustodyAction::kDestroyed:
      record->copies_destroyed += p.copies;
      break;
  }
  Put(view_keys::Media(p.name), wire::Encode(*record));
  Put(view_keys::Custody(p.name, entry_.index),
      wire::Encode(CustodyRecord{p, entry_.index, entry_.time, entry_.author}));
  return absl::OkStatus();
}

}  // namespace dml
