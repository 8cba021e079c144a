#include "server/rpc/nodes_reader.h"

#include <algorithm>

#include "core/base/text.h"
#include "server/rpc/service_util.h"
#include "storage/journal/journal.h"

namespace dml {

absl::Status TooLarge(std::string_view what, size_t count, size_t most, std::string_view field) {
  return AtField(
      InvalidArgument(ErrorReason("REQUEST_TOO_LARGE"), "{} {}; at most {}", count, what, most),
      field);
}

NodesReader::NodesReader(const Question& question, SolveSlots::Slot slot)
    : caller_(question.caller),
      budget_(kMaxResolveSteps, question.stop),
      slot_(std::move(slot)),
      snapshot_(question.context.library.Read()) {}

absl::StatusOr<std::unique_ptr<NodesReader>> NodesReader::Begin(const Question& question) {
  DML_ASSIGN_OR_RETURN(SolveSlots::Slot slot,
                       question.context.solves->Take(question.caller.principal()));
  question.caller.WillSeeEach();
  std::unique_ptr<NodesReader> out(new NodesReader(question, std::move(slot)));
  const JournalView journal(*out->snapshot_);
  DML_ASSIGN_OR_RETURN(out->index_, journal.Size());
  DML_ASSIGN_OR_RETURN(const StoredEntry last, journal.At(out->index_ - 1));
  auto trust = question.context.trust.Get(*out->snapshot_, last.entry.time);
  if (!trust.ok() && Reason(trust.status()) != "ROOT_MISSING") return trust.status();
  if (trust.ok()) out->trust_ = *std::move(trust);
  out->advisories_.emplace(*out->snapshot_, out->trust_.get(), last.entry.time);
  out->specs_.emplace(*out->snapshot_, *question.context.specs, *out->advisories_);
  out->publications_.emplace(*out->snapshot_, out->trust_.get());
  return out;
}

absl::StatusOr<Specs> NodesReader::ReadSpecs(const Names& names, const std::string& field) {
  named_ += names.size();
  if (named_ > kMaxNodeVariants) {
    return TooLarge("variants of all nodes", named_, kMaxNodeVariants, field);
  }
  Specs out;
  for (int i = 0; i < names.size(); ++i) {
    absl::StatusOr<VariantName> name = VariantName::Parse(names[i]);
    absl::StatusOr<const PackageSpec*> spec =
        name.ok() ? ReadSpec(*name) : absl::StatusOr<const PackageSpec*>(name.status());
    if (!spec.ok()) return AtField(spec.status(), fmt::format("{}[{}]", field, i));
    out.push_back(*spec);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

absl::StatusOr<const PackageSpec*> NodesReader::ReadSpec(const VariantName& name) {
  DML_RETURN_IF_ERROR(caller_.MayInNamespace(name.package.ns));
  budget_.Spend(SolveBudget::kStepsOfSpec);
  DML_RETURN_IF_ERROR(CheckStopped(budget_));
  return specs_->Get(name);
}

absl::StatusOr<Nodes> NodesReader::ReadNode(const v1::NodeState& in, const std::string& field) {
  Nodes out;
  out.name = in.name();
  if (out.name.empty() || out.name.size() > kMaxNodeNameBytes || HasControlCharacters(out.name) ||
      !names_.insert(out.name).second) {
    return AtField(InvalidArgument(ErrorReason("NODE_NAME_INVALID"),
                                   "nodes have names of 1 to {} bytes without control "
                                   "characters, each its own",
                                   kMaxNodeNameBytes),
                   field + ".name");
  }
  if (!in.platform().empty()) {
    absl::StatusOr<Platform> platform = Platform::Parse(in.platform());
    if (!platform.ok()) return AtField(platform.status(), field + ".platform");
    out.platform = *std::move(platform);
  }
  out.count = std::max<size_t>(1, in.count());
  DML_ASSIGN_OR_RETURN(out.runs, ReadSpecs(in.runs(), field + ".runs"));
  return out;
}

absl::Status NodesReader::FillOne(const EnvironmentViolation& item, v1::EnvironmentFinding& out) {
  wire::To(item, &out);
  if (const auto* signers = advisories_->SignersOf(item.violation.source)) {
    for (const std::string& person : *signers) out.add_signers(person);
    return absl::OkStatus();
  }
  absl::StatusOr<VariantName> name = VariantName::Parse(item.violation.package);
  if (!name.ok()) return absl::OkStatus();  // About a package, or the whole set.
  DML_ASSIGN_OR_RETURN(const PublicationSigners signers, publications_->SignersOf(*name));
  for (const PublisherSignature& signature : signers.signatures) {
    out.add_signers(signature.person);
  }
  return absl::OkStatus();
}

}  // namespace dml
