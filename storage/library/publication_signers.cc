#include "storage/library/publication_signers.h"

#include <set>
#include <utility>

#include "core/package/references.h"
#include "core/trust/statement.h"
#include "storage/views/library_view.h"

namespace dml {

const PublicationReader::HolderById& PublicationReader::PublishersOf(const PackageName& package) {
  if (package == last_package_) return last_;
  last_package_ = package;
  last_.clear();
  for (const Authority& authority :
       trust_->AuthoritiesFor(SigningRole::kPublisher, package.ToString())) {
    for (const TrustKey& key : authority.keys) last_.emplace(key.key.id(), key.holder);
  }
  return last_;
}

absl::StatusOr<PublicationSigners> PublicationReader::SignersOf(const VariantName& name) {
  LibraryView view(state_);
  std::set<Digest> signers;
  DML_RETURN_IF_ERROR(view.ScanAttestations(name, [&](const AttestationRecord& record) {
    if (record.ref.predicate_type == kPublicationPredicate ||
        record.ref.predicate_type == kReferencesPredicate) {
      signers.insert(record.ref.key_ids.begin(), record.ref.key_ids.end());
    }
    return true;
  }));
  PublicationSigners out;
  if (trust_ == nullptr) return out;
  const absl::Status enough =
      trust_->CountSigners(signers, SigningRole::kPublisher, name.package.ToString()).status();
  out.trust_fault = Message(enough);
  const HolderById& publishers = PublishersOf(name.package);
  for (const Digest& id : signers) {
    if (auto holder = publishers.find(id); holder != publishers.end()) {
      out.signatures.push_back({id, holder->second});
      continue;
    }
    DML_ASSIGN_OR_RETURN(auto key, view.FindKey(id));
    if (!key.has_value() || !std::exchange(key->revoked, false)) continue;
    if (MayVouch(*key, "publisher", name.package.ToString())) out.revoked_keys.push_back(id);
  }
  return out;
}

}  // namespace dml
