// Conversions of the entries about references.
#include "core/wire/entry_parts.h"
#include "core/wire/stored.h"

namespace dml::wire {

void Put(const ReferencesPublished& p, pb::Entry& out) {
  auto* m = out.mutable_references_published();
  m->set_namespace_(p.ns);
  m->set_version_scheme(std::string(VersionSchemeName(p.scheme)));
  for (const PublishedReference& reference : p.references) {
    auto* item = m->add_references();
    item->set_name(reference.variant.package.name);
    item->set_version(reference.variant.version);
    item->set_variant(reference.variant.platform.VariantId());
    To(reference.spec, item->mutable_spec());
  }
  To(p.envelope, m->mutable_envelope());
  for (const Digest& key_id : p.key_ids) m->add_key_ids(std::string(key_id.raw()));
}

absl::StatusOr<EntryPayload> GetReferencePayload(const pb::Entry& in) {
  const pb::ReferencesPublished& m = in.references_published();
  ReferencesPublished out;
  out.ns = m.namespace_();
  DML_ASSIGN_OR_RETURN(out.scheme, ParseVersionScheme(m.version_scheme()));
  for (const pb::PublishedReference& item : m.references()) {
    PublishedReference& reference = out.references.emplace_back();
    DML_ASSIGN_OR_RETURN(reference.variant,
                         VariantFrom(out.ns + "/" + item.name(), item.version(), item.variant()));
    DML_ASSIGN_OR_RETURN(reference.spec, From(item.spec()));
  }
  DML_ASSIGN_OR_RETURN(out.envelope, From(m.envelope()));
  for (const std::string& bytes : m.key_ids()) {
    DML_ASSIGN_OR_RETURN(const Digest key_id, DigestFrom(bytes));
    out.key_ids.push_back(key_id);
  }
  return out;
}

}  // namespace dml::wire
