#include "core/wire/api_trust.h"

namespace dml::wire {

void To(const RootRecord& record, v1::TrustDocument* out) {
  out->set_version(record.version);
  To(record.expires, out->mutable_expire_time());
  out->set_index(record.index);
  To(record.time, out->mutable_set_time());
  out->set_author(record.author);
}

void To(const DelegationRecord& record, v1::TrustDocument* out) {
  out->set_version(record.version);
  for (const std::string& name : record.chain) out->add_chain(name);
  To(record.expires, out->mutable_expire_time());
  out->set_index(record.index);
  To(record.time, out->mutable_set_time());
  out->set_author(record.author);
}

void To(const AccessGrant& grant, v1::AccessGrant* out) {
  out->set_role(grant.role);
  out->set_scope(grant.scope);
}
AccessGrant From(const v1::AccessGrant& in) { return {in.role(), in.scope()}; }

void To(const GrantRecord& record, v1::Grant* out) {
  out->set_principal(record.principal);
  To(record.grant, out->mutable_grant());
  out->set_index(record.index);
  To(record.time, out->mutable_grant_time());
  out->set_author(record.author);
}
GrantRecord From(const v1::Grant& in) {
  return {in.principal(), From(in.grant()), in.index(), From(in.grant_time()), in.author()};
}

void To(const TokenRecord& record, v1::Token* out) {
  out->set_id(record.id);
  for (const AccessGrant& grant : record.grants) To(grant, out->add_grants());
  To(record.expires, out->mutable_expire_time());
  out->set_index(record.index);
  To(record.time, out->mutable_issue_time());
  out->set_author(record.author);
  out->set_revoked(record.revoked);
  out->set_revoked_index(record.revoked_index);
  out->set_revoke_reason(record.revoke_reason);
}
TokenRecord From(const v1::Token& in) {
  TokenRecord out;
  out.id = in.id();
  for (const v1::AccessGrant& grant : in.grants()) out.grants.push_back(From(grant));
  out.expires = From(in.expire_time());
  out.index = in.index();
  out.time = From(in.issue_time());
  out.author = in.author();
  out.revoked = in.revoked();
  out.revoked_index = in.revoked_index();
  out.revoke_reason = in.revoke_reason();
  return out;
}

absl::StatusOr<AdmissionState> From(v1::Admission in) {
  if (in >= v1::ADMISSION_ACCEPTED && in <= v1::ADMISSION_REJECTED) {
    return static_cast<AdmissionState>(in);
  }
  return AtField(InvalidArgument(ErrorReason("ADMISSION_UNKNOWN"),
                                 "say ADMISSION_ACCEPTED, ADMISSION_QUARANTINED or "
                                 "ADMISSION_REJECTED"),
                 "admission");
}

void To(const HoldRecord& record, v1::Hold* out) {
  out->set_name(record.placed.name);
  out->set_variant(record.placed.variant.ResourceName());
  out->set_reason(record.placed.reason);
  out->set_index(record.index);
  To(record.time, out->mutable_place_time());
  out->set_author(record.author);
}
absl::StatusOr<HoldRecord> From(const v1::Hold& in) {
  DML_ASSIGN_OR_RETURN(VariantName variant, VariantName::Parse(in.variant()));
  return HoldRecord{
      {in.name(), std::move(variant), in.reason()}, in.index(), From(in.place_time()), in.author()};
}

std::string MediaResource(std::string_view name) { return fmt::format("media/{}", name); }

namespace {

void To(const CopyRange& range, v1::CopyRange* out) {
  out->set_first(range.first);
  out->set_last(range.last);
}
CopyRange From(const v1::CopyRange& in) { return {in.first(), in.last()}; }

}  // namespace

void To(const MediaRecord& record, v1::Media* out) {
  const MediaRegistered& item = record.item;
  out->set_name(MediaResource(item.name));
  out->set_kind(static_cast<v1::Media::Kind>(item.kind));
  out->set_title(item.title);
  out->set_location(item.location);
  out->set_custodian(item.custodian);
  out->set_copies(item.copies);
  if (item.content.has_value()) out->set_content(item.content->ToString());
  To(item.labels, out->mutable_labels());
  out->set_copies_out(record.copies_out);
  out->set_copies_destroyed(record.copies_destroyed);
  out->set_custody_count(record.custody_count);
  out->set_index(record.index);
  To(record.time, out->mutable_register_time());
  for (const CopiesHeld& held : record.held) {
    v1::CopiesHeld* item = out->add_held();
    To(held.copies, item->mutable_copies());
    item->set_state(static_cast<v1::CopiesHeld::State>(held.state));
    item->set_custodian(held.custodian);
    item->set_location(held.location);
    item->set_away(held.away);
    item->set_index(held.index);
  }
}

absl::StatusOr<MediaRecord> From(const v1::Media& in) {
  MediaRecord out;
  DML_ASSIGN_OR_RETURN(out.item.name, ParseResource(in.name(), "media"));
  if (in.kind() != v1::Media::KIND_MEDIA && in.kind() != v1::Media::KIND_DOCUMENT) {
    return AtField(InvalidArgument(ErrorReason("KIND_UNKNOWN"),
                                   "say whether it is a medium or a "
                                   "document"),
                   "kind");
  }
  out.item.kind = static_cast<MediaKind>(in.kind());
  out.item.title = in.title();
  out.item.location = in.location();
  out.item.custodian = in.custodian();
  out.item.copies = in.copies();
  if (!in.content().empty()) {
    absl::StatusOr<Digest> content = Digest::Parse(in.content());
    if (!content.ok()) return AtField(content.status(), "content");
    out.item.content = *content;
  }
  out.item.labels = From(in.labels());
  out.copies_out = in.copies_out();
  out.copies_destroyed = in.copies_destroyed();
  out.custody_count = in.custody_count();
  out.index = in.index();
  out.time = From(in.register_time());
  for (const v1::CopiesHeld& held : in.held()) {
    if (held.state() < v1::CopiesHeld::STATE_IN || held.state() > v1::CopiesHeld::STATE_DESTROYED) {
      return InvalidArgument(ErrorReason("STATE_UNKNOWN"), "copies are in no state that is known");
    }
    out.held.push_back({From(held.copies()), static_cast<CopyState>(held.state()), held.custodian(),
                        held.location(), held.away(), held.index()});
  }
  return out;
}

void To(const CustodyRecord& record, v1::Custody* out) {
  const CustodyRecorded& recorded = record.recorded;
  out->set_media(MediaResource(recorded.name));
  out->set_action(static_cast<v1::Custody::Action>(recorded.action));
  out->set_copies(recorded.copies);
  out->set_custodian(recorded.custodian);
  out->set_location(recorded.location);
  out->set_note(recorded.note);
  for (const CopyRange& range : recorded.which) To(range, out->add_which());
  out->set_index(record.index);
  To(record.time, out->mutable_record_time());
  out->set_author(record.author);
}

absl::StatusOr<CustodyRecord> From(const v1::Custody& in) {
  CustodyRecord out;
  DML_ASSIGN_OR_RETURN(out.recorded.name, ParseResource(in.media(), "media"));
  if (in.action() < v1::Custody::ACTION_CHECKED_OUT ||
      in.action() > v1::Custody::ACTION_DESTROYED) {
    return AtField(InvalidArgument(ErrorReason("ACTION_UNKNOWN"),
                                   "say whether copies are checked out, checked in, moved or "
                                   "destroyed"),
                   "action");
  }
  out.recorded.action = static_cast<CustodyAction>(in.action());
  out.recorded.copies = in.copies();
  out.recorded.custodian = in.custodian();
  out.recorded.location = in.location();
  out.recorded.note = in.note();
  for (const v1::CopyRange& range : in.which()) out.recorded.which.push_back(From(range));
  out.index = in.index();
  out.time = From(in.record_time());
  out.author = in.author();
  return out;
}

}  // namespace dml::wire
