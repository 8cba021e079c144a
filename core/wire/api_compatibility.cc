#include "core/wire/api_compatibility.h"

#include "core/base/text.h"

namespace dml::wire {
namespace {

absl::Status CheckCount(std::string_view field, size_t count, size_t most) {
  if (count <= most) return absl::OkStatus();
  return AtField(
      InvalidArgument(ErrorReason("REQUEST_TOO_LARGE"), "{} {}; at most {}", count, field, most),
      field);
}

absl::StatusOr<VersionRange> ReadRange(const std::string& text) {
  absl::StatusOr<VersionRange> range = VersionRange::ParseVers(text);
  if (!range.ok()) return AtField(range.status(), "range");
  return range;
}

absl::StatusOr<ResolveConstraint> ReadPin(const v1::VersionPin& in) {
  ResolveConstraint out;
  absl::StatusOr<PackageName> package = ParsePackageResource(in.package());
  if (!package.ok()) return AtField(package.status(), "package");
  out.package = *std::move(package);
  DML_ASSIGN_OR_RETURN(out.allowed, ReadRange(in.range()));
  out.source = in.source();
  if (out.source.size() > kMaxPinSourceBytes || HasControlCharacters(out.source)) {
    return AtField(InvalidArgument(ErrorReason("TEXT_INVALID"),
                                   "one line of at most {} bytes without control characters",
                                   kMaxPinSourceBytes),
                   "source");
  }
  return out;
}

}  // namespace

v1::ResolveMode ToApi(ResolveMode mode) {
  switch (mode) {
    case ResolveMode::kNewest:
      return v1::RESOLVE_MODE_NEWEST;
    case ResolveMode::kMinimalChange:
      return v1::RESOLVE_MODE_MINIMAL_CHANGE;
    case ResolveMode::kOldest:
      return v1::RESOLVE_MODE_OLDEST;
  }
  return v1::RESOLVE_MODE_UNSPECIFIED;
}

absl::StatusOr<ResolveMode> From(v1::ResolveMode in) {
  switch (in) {
    case v1::RESOLVE_MODE_UNSPECIFIED:
    case v1::RESOLVE_MODE_NEWEST:
      return ResolveMode::kNewest;
    case v1::RESOLVE_MODE_MINIMAL_CHANGE:
      return ResolveMode::kMinimalChange;
    case v1::RESOLVE_MODE_OLDEST:
      return ResolveMode::kOldest;
    default:
      return InvalidArgument(ErrorReason("RESOLVE_MODE_UNKNOWN"), "mode {} is unknown",
                             static_cast<int>(in));
  }
}

v1::ResolveOutcome ToApi(Solvable solvable) {
  switch (solvable) {
    case Solvable::kYes:
      return v1::RESOLVE_OUTCOME_SOLVED;
    case Solvable::kNo:
      return v1::RESOLVE_OUTCOME_UNSOLVABLE;
    case Solvable::kUndecided:
      break;
  }
  return v1::RESOLVE_OUTCOME_UNDECIDED;
}

absl::StatusOr<Solvable> From(v1::ResolveOutcome in) {
  switch (in) {
    case v1::RESOLVE_OUTCOME_SOLVED:
      return Solvable::kYes;
    case v1::RESOLVE_OUTCOME_UNSOLVABLE:
      return Solvable::kNo;
    case v1::RESOLVE_OUTCOME_UNDECIDED:
      return Solvable::kUndecided;
    default:
      return InvalidArgument(ErrorReason("RESOLVE_OUTCOME_UNKNOWN"), "outcome {} is unknown",
                             static_cast<int>(in));
  }
}

absl::StatusOr<RelationKind> ReadRelationKind(const std::string& name) {
  if (name.empty()) return RelationKind::kPackage;
  for (RelationKind kind : {RelationKind::kPackage, RelationKind::kAbi, RelationKind::kService,
                            RelationKind::kSchema, RelationKind::kCapability}) {
    if (RelationKindName(kind) == name) return kind;
  }
  return AtField(
      InvalidArgument(ErrorReason("RELATION_KIND_UNKNOWN"),
                      "'{}' is none of PACKAGE, ABI, SERVICE, SCHEMA, CAPABILITY", Excerpt(name)),
      "kind");
}

void To(const RelationTarget& target, v1::WantedPackage* out) {
  out->set_name(target.name);
  out->set_kind(std::string(RelationKindName(target.kind)));
  if (!target.range.IsAll()) out->set_range(target.range.ToVers());
}

absl::StatusOr<RelationTarget> From(const v1::WantedPackage& in) {
  RelationTarget out;
  DML_ASSIGN_OR_RETURN(out.kind, ReadRelationKind(in.kind()));
  absl::Status valid = ValidateRelationName(out.kind, in.name());
  if (!valid.ok()) return AtField(std::move(valid), "name");
  out.name = in.name();
  out.range = VersionRange::All();
  if (!in.range().empty()) {
    DML_ASSIGN_OR_RETURN(out.range, ReadRange(in.range()));
  }
  return out;
}

void To(const ResolveRequest& request, v1::ResolveProblem* out) {
  for (const RelationTarget& target : request.wanted) To(target, out->add_wanted());
  for (const ResolveConstraint& constraint : request.constraints) {
    if (constraint.kind != ResolveConstraint::Kind::kPin) continue;
    v1::VersionPin* pin = out->add_pins();
    pin->set_package(constraint.package.ResourceName());
    pin->set_range(constraint.allowed.ToVers());
    pin->set_source(constraint.source);
  }
  for (const VariantName& name : request.in_use) out->add_in_use(name.ResourceName());
  out->set_mode(ToApi(request.mode));
  if (request.platform != Platform{}) out->set_platform(request.platform.VariantId());
}

absl::StatusOr<ResolveRequest> From(const v1::ResolveProblem& in) {
  DML_RETURN_IF_ERROR(CheckCount("wanted", in.wanted_size(), kMaxResolveWanted));
  DML_RETURN_IF_ERROR(CheckCount("pins", in.pins_size(), kMaxResolvePins));
  DML_RETURN_IF_ERROR(CheckCount("in_use", in.in_use_size(), kMaxResolveInUse));
  ResolveRequest out;
  for (int i = 0; i < in.wanted_size(); ++i) {
    absl::StatusOr<RelationTarget> target = From(in.wanted(i));
    if (!target.ok()) return AtField(target.status(), fmt::format("wanted[{}]", i));
    out.wanted.push_back(*std::move(target));
  }
  for (int i = 0; i < in.pins_size(); ++i) {
    absl::StatusOr<ResolveConstraint> pin = ReadPin(in.pins(i));
    if (!pin.ok()) return AtField(pin.status(), fmt::format("pins[{}]", i));
    out.constraints.push_back(*std::move(pin));
  }
  for (int i = 0; i < in.in_use_size(); ++i) {
    absl::StatusOr<VariantName> name = VariantName::Parse(in.in_use(i));
    if (!name.ok()) return AtField(name.status(), fmt::format("in_use[{}]", i));
    out.in_use.push_back(*std::move(name));
  }
  absl::StatusOr<ResolveMode> mode = From(in.mode());
  if (!mode.ok()) return AtField(mode.status(), "mode");
  out.mode = *mode;
  if (!in.platform().empty()) {
    absl::StatusOr<Platform> platform = Platform::Parse(in.platform());
    if (!platform.ok()) return AtField(platform.status(), "platform");
    out.platform = *std::move(platform);
  }
  return out;
}

v1::CompatibilityOutcome ToApi(EnvironmentVerdict verdict) {
  switch (verdict) {
    case EnvironmentVerdict::kCompatible:
      return v1::COMPATIBILITY_OUTCOME_COMPATIBLE;
    case EnvironmentVerdict::kIncompatible:
      return v1::COMPATIBILITY_OUTCOME_INCOMPATIBLE;
    case EnvironmentVerdict::kNotProven:
      break;
  }
  return v1::COMPATIBILITY_OUTCOME_NOT_PROVEN;
}

absl::StatusOr<EnvironmentVerdict> From(v1::CompatibilityOutcome in) {
  switch (in) {
    case v1::COMPATIBILITY_OUTCOME_COMPATIBLE:
      return EnvironmentVerdict::kCompatible;
    case v1::COMPATIBILITY_OUTCOME_INCOMPATIBLE:
      return EnvironmentVerdict::kIncompatible;
    case v1::COMPATIBILITY_OUTCOME_NOT_PROVEN:
      return EnvironmentVerdict::kNotProven;
    default:
      return InvalidArgument(ErrorReason("COMPATIBILITY_OUTCOME_UNKNOWN"), "outcome {} is unknown",
                             static_cast<int>(in));
  }
}

void To(const EnvironmentViolation& violation, v1::EnvironmentFinding* out) {
  To(ToFinding(violation.violation, Severity::kError, "the nodes"), out->mutable_finding());
  out->set_node(violation.group);
  out->set_nodes(violation.nodes);
  out->set_source(violation.violation.source);
  out->set_before(violation.before);
}

void To(const NodeDescription& node, v1::NodeState* out) {
  out->set_name(node.name);
  if (node.platform != Platform{}) out->set_platform(node.platform.VariantId());
  out->set_count(node.count);
  for (const VariantName& name : node.runs) out->add_runs(name.ResourceName());
  for (const VariantName& name : node.target) out->add_target(name.ResourceName());
}

}  // namespace dml::wire
