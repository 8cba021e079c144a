#include "core/wire/api_advisories.h"

#include "core/crypto/sha256.h"

namespace dml::wire {

std::string AdvisoryResource(std::string_view id) { return fmt::format("advisories/{}", id); }

void To(const AdvisoryRecord& record, v1::Advisory* out) {
  out->set_name(AdvisoryResource(record.set.id));
  out->set_revision(record.set.revision);
  out->set_withdrawn(record.set.withdrawn);
  for (const std::string& package : record.set.packages) out->add_packages("packages/" + package);
  for (const Digest& key_id : record.set.key_ids) out->add_key_ids(key_id.ToString());
  out->set_index(record.index);
  To(record.time, out->mutable_time());
  out->set_author(record.author);
}

absl::StatusOr<AdvisoryRecord> From(const v1::Advisory& in) {
  AdvisoryRecord out;
  DML_ASSIGN_OR_RETURN(out.set.id, ParseResource(in.name(), "advisories"));
  out.set.revision = in.revision();
  out.set.withdrawn = in.withdrawn();
  for (const std::string& name : in.packages()) {
    DML_ASSIGN_OR_RETURN(const PackageName package, ParsePackageResource(name));
    out.set.packages.push_back(package.ToString());
  }
  for (const std::string& text : in.key_ids()) {
    DML_ASSIGN_OR_RETURN(const Digest key_id, Digest::Parse(text));
    out.set.key_ids.push_back(key_id);
  }
  out.set.envelope = {Sha256(in.envelope()), in.envelope().size()};
  out.index = in.index();
  out.time = From(in.time());
  out.author = in.author();
  return out;
}

}  // namespace dml::wire
