// Reads an index into a DebUniverse: names, versions and clauses become numbers, each kept once.
#include <algorithm>
#include <tuple>

#include "core/base/text.h"
#include "core/package/names.h"
#include "tools/import/deb_universe.h"

namespace dml {

class DebUniverseBuilder {
 public:
  explicit DebUniverseBuilder(DebUniverse& out) : out_(out) {
    out_.all_ = Text("all");
    out_.any_ = Text("any");
  }

  absl::Status Add(const DebControl& control) {
    DebUniverse::Package package{};
    for (std::string_view field : {"Package", "Version", "Architecture"}) {
      if (!control.Get(field).empty()) continue;
      return InvalidArgument(ErrorReason("DEB_INVALID"), "it has no {}", field);
    }
    DML_RETURN_IF_ERROR(ValidatePackagePart(control.Get("Package")));
    package.name = Text(control.Get("Package"));
    package.architecture = Text(control.Get("Architecture"));
    DML_ASSIGN_OR_RETURN(package.version, VersionOf(control.Get("Version")));
    const std::string_view multi_arch = control.Get("Multi-Arch");
    using enum DebUniverse::MultiArch;
    package.multi_arch = multi_arch == "same"      ? kSame
                         : multi_arch == "foreign" ? kForeign
                         : multi_arch == "allowed" ? kAllowed
                                                   : kNo;
    using enum DebUniverse::Field;
    DML_RETURN_IF_ERROR(AddLines(control, "Pre-Depends", kPreDepends, package));
    DML_RETURN_IF_ERROR(AddLines(control, "Depends", kDepends, package));
    DML_RETURN_IF_ERROR(AddLines(control, "Conflicts", kConflicts, package));
    DML_RETURN_IF_ERROR(AddLines(control, "Breaks", kBreaks, package));
    DML_RETURN_IF_ERROR(AddProvides(control, package));
    package.lines.shrink_to_fit();
    out_.packages_.push_back(std::move(package));
    return absl::OkStatus();
  }

  absl::Status Finish(std::string_view native) {
    DML_RETURN_IF_ERROR(ChooseNative(native));
    auto key = [this](const DebUniverse::Package& package) {
      return std::tie(*out_.texts_[package.name], out_.versions_[package.version].key(),
                      *out_.texts_[package.architecture]);
    };
    // By name, then from the newest version, then by architecture.
    std::stable_sort(
        out_.packages_.begin(), out_.packages_.end(), [&](const auto& a, const auto& b) {
          const auto [a_name, a_version, a_arch] = key(a);
          const auto [b_name, b_version, b_arch] = key(b);
          return std::tie(a_name, b_version, a_arch) < std::tie(b_name, a_version, b_arch);
        });
    auto same = [&](const auto& a, const auto& b) { return key(a) == key(b); };
    out_.packages_.erase(std::unique(out_.packages_.begin(), out_.packages_.end(), same),
                         out_.packages_.end());
    return absl::OkStatus();
  }

  absl::StatusOr<DebUniverse::ClauseTextId> ClauseOf(std::string_view field,
                                                     std::string_view text) {
    if (auto known = clause_ids_.find(std::string(text)); known != clause_ids_.end())
      return known->second;
    DML_ASSIGN_OR_RETURN(std::vector<DebClause> parsed, ParseDebRelations(field, text));
    if (parsed.size() != 1) {
      return InvalidArgument(ErrorReason("DEB_RELATION_INVALID"), "{}: '{}' is not one relation",
                             field, Excerpt(text));
    }
    DebUniverse::Clause clause;
    clause.text = std::move(parsed[0].text);
    for (const DebRelation& relation : parsed[0].alternatives) {
      DebUniverse::Relation& out = clause.alternatives.emplace_back();
      out = {Text(relation.name), DebUniverse::kNone, VersionOp::kEqual, DebUniverse::kNone};
      if (!relation.qualifier.empty()) out.qualifier = Text(relation.qualifier);
      if (!relation.constraint.has_value()) continue;
      out.op = relation.constraint->op;
      out.version = Keep(relation.constraint->version);
    }
    clause.alternatives.shrink_to_fit();
    const auto id = static_cast<DebUniverse::ClauseTextId>(out_.clauses_.size());
    out_.clauses_.push_back(std::move(clause));
    clause_ids_.emplace(std::string(text), id);
    return id;
  }

 private:
  absl::Status ChooseNative(std::string_view native) {
    if (!native.empty()) {
      out_.native_ = Text(native);
      return absl::OkStatus();
    }
    out_.native_ = out_.all_;
    for (const DebUniverse::Package& package : out_.packages_) {
      if (package.architecture == out_.all_ || package.architecture == out_.native_) continue;
      if (out_.native_ != out_.all_) {
        return InvalidArgument(ErrorReason("DEB_ARCHITECTURE_UNKNOWN"),
                               "the index has packages for {} and for {}; say which one is native",
                               *out_.texts_[out_.native_], *out_.texts_[package.architecture]);
      }
      out_.native_ = package.architecture;
    }
    return absl::OkStatus();
  }

  DebUniverse::TextId Text(std::string_view text) {
    auto [it, added] = out_.text_ids_.try_emplace(std::string(text), out_.texts_.size());
    if (added) out_.texts_.push_back(&out_.text_store_.emplace_back(text));
    return it->second;
  }

  DebUniverse::VersionId Keep(const Version& version) {
    auto [it, added] = version_ids_.try_emplace(version.text(), out_.versions_.size());
    if (added) out_.versions_.push_back(version);
    return it->second;
  }

  absl::StatusOr<DebUniverse::VersionId> VersionOf(std::string_view text) {
    if (auto known = version_ids_.find(std::string(text)); known != version_ids_.end())
      return known->second;
    DML_ASSIGN_OR_RETURN(const Version version, Version::Parse(VersionScheme::kDeb, text));
    return Keep(version);
  }

  /// Most clauses stand in many packages: they are told by their text before they are parsed.
  absl::Status AddLines(const DebControl& control, std::string_view name, DebUniverse::Field field,
                        DebUniverse::Package& package) {
    const std::string value = FoldDebValue(control.Get(name));
    for (std::string_view rest = value; !rest.empty();) {
      std::string_view text = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(text.size() + 1, rest.size()));
      while (rest.starts_with(' ')) rest.remove_prefix(1);
      while (text.ends_with(' ')) text.remove_suffix(1);
      DML_ASSIGN_OR_RETURN(const DebUniverse::ClauseTextId clause, ClauseOf(name, text));
      const bool excludes =
          field == DebUniverse::Field::kConflicts || field == DebUniverse::Field::kBreaks;
      if (excludes && out_.clauses_[clause].alternatives.size() > 1) {
        return InvalidArgument(ErrorReason("DEB_RELATION_INVALID"),
                               "{}: '{}': alternatives ('|') have no meaning here", name,
                               Excerpt(text));
      }
      package.lines.push_back({field, clause});
    }
    return absl::OkStatus();
  }

  absl::Status AddProvides(const DebControl& control, DebUniverse::Package& package) {
    DML_ASSIGN_OR_RETURN(const std::vector<DebClause> clauses,
                         ParseDebRelations("Provides", control.Get("Provides")));
    for (const DebClause& clause : clauses) {
      for (const DebRelation& relation : clause.alternatives) {
        const bool versioned = relation.constraint.has_value();
        if (clause.alternatives.size() > 1 ||
            (versioned && relation.constraint->op != VersionOp::kEqual)) {
          return InvalidArgument(ErrorReason("DEB_RELATION_INVALID"),
                                 "Provides: '{}': only a name and '(= VERSION)' have a meaning",
                                 Excerpt(clause.text));
        }
        package.provides.push_back({Text(relation.name), versioned
                                                             ? Keep(relation.constraint->version)
                                                             : DebUniverse::kNone});
      }
    }
    package.provides.shrink_to_fit();
    return absl::OkStatus();
  }

  DebUniverse& out_;
  absl::flat_hash_map<std::string, DebUniverse::VersionId> version_ids_;
  absl::flat_hash_map<std::string, DebUniverse::ClauseTextId> clause_ids_;
};

absl::StatusOr<DebUniverse> DebUniverse::Read(const std::filesystem::path& path,
                                              std::string_view native) {
  DebUniverse out;
  DebUniverseBuilder builder(out);
  DML_RETURN_IF_ERROR(
      ReadDebIndex(path, [&](const DebControl& control) { return builder.Add(control); }));
  absl::Status finished = builder.Finish(native);
  if (!finished.ok()) return Annotate(finished, path.string());
  out.Compile();
  return out;
}

absl::StatusOr<DebAnswer> DebUniverse::SolveJobs(std::span<const std::string> jobs,
                                                 SolveBudget& budget) {
  DebUniverseBuilder builder(*this);
  const CandidateId root = solver_.AddCandidate();
  for (const std::string& job : jobs) {
    std::string text = job;
    const size_t equals = text.find('=');
    if (equals != text.npos && text.find('(') == text.npos) {
      text = fmt::format("{} (= {})", text.substr(0, equals), text.substr(equals + 1));
    }
    DML_ASSIGN_OR_RETURN(const ClauseTextId clause, builder.ClauseOf("Depends", text));
    offers_.resize(texts_.size());
    Require(root, {Field::kJob, clause}, native_);
  }
  DebAnswer answer;
  answer.solvable = solver_.Solve({&root, 1}, budget);
  if (answer.solvable == Solvable::kNo) answer.reasons = Explain(budget);
  if (answer.solvable == Solvable::kYes) {
    answer.packages = solver_.Taken();
    std::erase_if(answer.packages, [&](CandidateId id) { return id >= packages_.size(); });
    std::sort(answer.packages.begin(), answer.packages.end());
  }
  return answer;
}

}  // namespace dml
