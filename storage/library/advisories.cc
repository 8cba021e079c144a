#include "storage/library/advisories.h"

#include <algorithm>
#include <set>

#include "core/compat/advisory_envelope.h"
#include "core/crypto/sha256.h"
#include "core/wire/entry.h"
#include "storage/library/trust.h"
#include "storage/views/advisory_keys.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {

absl::StatusOr<AdvisoryChange> PrepareSetAdvisory(const Reader& state, const TrustDomain& trust,
                                                  std::string envelope) {
  absl::StatusOr<AdvisoryEnvelope> opened = OpenAdvisory(envelope);
  if (!opened.ok()) return AtField(opened.status(), "envelope");
  AdvisorySet set;
  set.packages = AdvisoryPackages(opened->advisory);
  std::set<Digest> key_ids;
  for (const std::string& package : set.packages) {
    absl::StatusOr<Vouchers> vouchers =
        trust.Verify(opened->envelope, kAdvisoryPayloadType, SigningRole::kAdvisory, package);
    if (!vouchers.ok()) return AtField(vouchers.status(), "envelope");
    key_ids.insert(vouchers->key_ids.begin(), vouchers->key_ids.end());
  }
  set.id = opened->advisory.id;
  set.revision = opened->advisory.revision;
  set.withdrawn = !opened->advisory.withdrawn.empty();
  set.envelope = {Sha256(envelope), envelope.size()};
  set.key_ids.assign(key_ids.begin(), key_ids.end());
  AdvisoryChange out;
  out.advisory = std::move(opened->advisory);
  DML_ASSIGN_OR_RETURN(StampSeen trusted, SeenTrust(state));
  out.command.decided_on = {std::move(trusted)};
  out.command.payload = std::move(set);
  out.command.metadata = {std::move(envelope)};
  return out;
}

absl::StatusOr<std::shared_ptr<const PackageSpec>> AdvisoryReader::Amend(
    std::shared_ptr<const PackageSpec> spec, bool superseded_too) {
  DML_ASSIGN_OR_RETURN(const bool any, HasAny());
  if (!any) return spec;
  DML_ASSIGN_OR_RETURN(const std::vector<SignedAdvisory>* advisories, Of(spec->package));
  if (advisories->empty()) return spec;
  std::optional<PackageSpec> amended = ApplyAdvisories(*spec, *advisories, now_, superseded_too);
  if (!amended.has_value()) return spec;
  return std::make_shared<const PackageSpec>(*std::move(amended));
}

absl::StatusOr<bool> AdvisoryReader::HasAny() {
  if (!any_.has_value()) {
    DML_ASSIGN_OR_RETURN(const uint64_t stamp, LibraryView(state_).Stamp(kAdvisoriesStamp));
    any_ = stamp > 0;
  }
  return *any_;
}

absl::StatusOr<std::optional<std::vector<OpenVulnerability>>> AdvisoryReader::Vulnerabilities(
    const PackageName& package, const Version& version) {
  std::optional<std::vector<OpenVulnerability>> out;
  DML_ASSIGN_OR_RETURN(const bool any, HasAny());
  if (!any) return out;
  DML_ASSIGN_OR_RETURN(const std::vector<SignedAdvisory>* advisories, Of(package));
  std::vector<KnownAdvisory> known;
  for (const SignedAdvisory& item : *advisories) {
    // Revisions ascend: the first row is the first one.
    const std::string prefix = view_keys::AdvisoryPrefix(item.advisory->id).Build();
    auto cursor = state_.NewCursor(Table::kViews, PrefixRange(prefix));
    cursor->SeekToFirst();
    if (!cursor->Valid()) {
      DML_RETURN_IF_ERROR(cursor->status());
      return DataLoss(ErrorReason("VIEWS_INCONSISTENT"),
                      "advisory {} has no first revision; verify the views", item.advisory->id);
    }
    DML_ASSIGN_OR_RETURN(const AdvisoryRecord first, wire::Decode<AdvisoryRecord>(cursor->value()));
    known.push_back({item, first.time});
  }
  out = FindVulnerabilities(package, version, known, now_);
  return out;
}

const std::vector<std::string>* AdvisoryReader::SignersOf(const std::string& line) const {
  const auto found = signers_.find(line);
  return found == signers_.end() ? nullptr : &found->second;
}

absl::StatusOr<const std::vector<SignedAdvisory>*> AdvisoryReader::Of(const PackageName& package) {
  auto [known, added] = read_.try_emplace(package);
  if (!added) return &known->second;
  const std::string prefix = view_keys::AdvisoryOfPrefix(package).Build();
  auto cursor = state_.NewCursor(Table::kViews, PrefixRange(prefix));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    KeyReader rest(cursor->key().substr(prefix.size()));
    DML_ASSIGN_OR_RETURN(const std::string id, rest.String());
    DML_ASSIGN_OR_RETURN(SignedAdvisory advisory, Read(id));
    known->second.push_back(std::move(advisory));
  }
  DML_RETURN_IF_ERROR(cursor->status());
  return &known->second;
}

absl::StatusOr<SignedAdvisory> AdvisoryReader::Read(const std::string& id) {
  if (auto known = by_id_.find(id); known != by_id_.end()) return known->second;
  DML_ASSIGN_OR_RETURN(const auto record, LibraryView(state_).FindAdvisory(id));
  if (!record.has_value()) {
    return DataLoss(ErrorReason("VIEWS_INCONSISTENT"),
                    "a package names advisory {}, which is not "
                    "there; verify the views",
                    id);
  }
  DML_ASSIGN_OR_RETURN(const std::string envelope, ReadMetadata(state_, record->set.envelope));
  DML_ASSIGN_OR_RETURN(AdvisoryEnvelope opened, OpenAdvisory(envelope));
  SignedAdvisory out;
  std::set<std::string> signers;
  for (const Digest& key_id : record->set.key_ids) {
    signers.insert(HolderOf(key_id, record->set.packages.front()));
  }
  out.signers.assign(signers.begin(), signers.end());
  out.advisory = std::make_shared<const Advisory>(std::move(opened.advisory));
  signers_[AdvisoryLine(out)] = out.signers;
  return by_id_.emplace(id, std::move(out)).first->second;
}

std::string AdvisoryReader::HolderOf(const Digest& key_id, const std::string& package) const {
  if (trust_ != nullptr) {
    for (const Authority& authority : trust_->AuthoritiesFor(SigningRole::kAdvisory, package)) {
      for (const TrustKey& key : authority.keys) {
        if (key.key.id() == key_id) return key.holder;
      }
    }
  }
  return "key " + key_id.hex().substr(0, 16);
}

}  // namespace dml
