#include "core/license/sbom.h"

#include <algorithm>
#include <array>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/license/sbom_reader.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr size_t kMaxCycleShown = 8;

// A walk in depth over the edges, which are ordered by `from`. Returns the cycle found first, as
// indexes with the first at the end again, or nothing.
std::vector<uint32_t> FindCycle(size_t count, const std::vector<SbomEdge>& edges) {
  enum class Mark : uint8_t { kNew, kOpen, kDone };
  std::vector<size_t> first(count + 1, edges.size());
  for (size_t i = edges.size(); i-- > 0;) first[edges[i].from] = i;
  for (size_t i = count; i-- > 0;) first[i] = std::min(first[i], first[i + 1]);
  std::vector<Mark> marks(count, Mark::kNew);
  struct Open {
    uint32_t node;
    size_t next;
  };
  std::vector<Open> path;
  for (uint32_t root = 0; root < count; ++root) {
    if (marks[root] != Mark::kNew) continue;
    marks[root] = Mark::kOpen;
    path.push_back({root, first[root]});
    while (!path.empty()) {
      Open& top = path.back();
      if (top.next == first[top.node + 1]) {
        marks[top.node] = Mark::kDone;
        path.pop_back();
        continue;
      }
      const uint32_t to = edges[top.next++].to;
      if (marks[to] == Mark::kOpen) {
        std::vector<uint32_t> cycle;
        auto begin = std::ranges::find(path, to, &Open::node);
        for (; begin != path.end(); ++begin) cycle.push_back(begin->node);
        cycle.push_back(to);
        return cycle;
      }
      if (marks[to] == Mark::kNew) {
        marks[to] = Mark::kOpen;
        path.push_back({to, first[to]});
      }
    }
  }
  return {};
}

std::string ShownName(const SbomComponent& component) {
  return Excerpt(component.ref.empty() ? component.name : component.ref);
}

}  // namespace

SbomBuilder::SbomBuilder(SbomFormat format, std::string spec_version, const LicenseList& list)
    : list_(list) {
  out_.format = format;
  out_.spec_version = std::move(spec_version);
}

absl::StatusOr<uint32_t> SbomBuilder::AddComponent(SbomComponent component) {
  if (out_.components.size() == kMaxSbomComponents) {
    return InvalidArgument(kSbomInvalid, "more than {} components", kMaxSbomComponents);
  }
  const uint32_t index = static_cast<uint32_t>(out_.components.size());
  if (!component.ref.empty() && !by_ref_.emplace(component.ref, index).second) {
    return InvalidArgument(kSbomInvalid, "two components have the reference '{}'",
                           Excerpt(component.ref));
  }
  out_.components.push_back(std::move(component));
  return index;
}

absl::Status SbomBuilder::AddEdge(uint32_t from, uint32_t to, LicenseCombination combination,
                                  bool inside) {
  if (out_.edges.size() == kMaxSbomEdges) {
    return InvalidArgument(kSbomInvalid, "more than {} relationships", kMaxSbomEdges);
  }
  out_.edges.push_back({from, to, combination, inside});
  return absl::OkStatus();
}

absl::Status SbomBuilder::AddEdge(const std::string& from, const std::string& to,
                                  LicenseCombination combination, bool inside) {
  auto from_it = by_ref_.find(from);
  auto to_it = by_ref_.find(to);
  if (from_it == by_ref_.end() || to_it == by_ref_.end()) {
    ++out_.edges_elsewhere;
    return absl::OkStatus();
  }
  return AddEdge(from_it->second, to_it->second, combination, inside);
}

void SbomBuilder::AddSubject(uint32_t index) {
  if (out_.subjects.size() == kMaxSbomSubjects) return;  // More than one is ambiguous anyway.
  if (std::ranges::find(out_.subjects, index) == out_.subjects.end()) {
    out_.subjects.push_back(index);
  }
}

void SbomBuilder::AddSubject(const std::string& ref) {
  if (auto it = by_ref_.find(ref); it != by_ref_.end()) AddSubject(it->second);
}

void SbomBuilder::SetLicenses(const std::vector<std::string>& texts, std::string field,
                              SbomComponent& component) const {
  std::vector<LicenseExpression> expressions;
  for (const std::string& text : texts) {
    absl::StatusOr<LicenseExpression> expression = LicenseExpression::Parse(text, list_);
    if (!expression.ok()) {
      component.unread.push_back(text);
      expression = LicenseExpression::NoAssertion();
    }
    expressions.push_back(*std::move(expression));
  }
  component.field = std::move(field);
  component.ambiguous = expressions.size() > 1;
  absl::StatusOr<LicenseExpression> joined = JoinLicenses(expressions, list_);
  if (!joined.ok()) component.unread.emplace_back(Message(joined.status()));
  component.license = joined.value_or(LicenseExpression::NoAssertion());
}

absl::StatusOr<Sbom> SbomBuilder::Finish() {
  std::ranges::sort(out_.edges);
  const auto repeated = std::ranges::unique(out_.edges);
  out_.edges.erase(repeated.begin(), repeated.end());
  const std::vector<uint32_t> cycle = FindCycle(out_.components.size(), out_.edges);
  if (cycle.empty()) return std::move(out_);
  std::string way;
  for (size_t i = 0; i < std::min(cycle.size(), kMaxCycleShown); ++i) {
    way += (i == 0 ? "" : " -> ") + ShownName(out_.components[cycle[i]]);
  }
  if (cycle.size() > kMaxCycleShown)
    way += fmt::format(" -> ... ({} components)", cycle.size() - 1);
  return InvalidArgument(ErrorReason("SBOM_CYCLIC"),
                         "a component contains or depends on itself: {}", way);
}

absl::StatusOr<std::string> SbomText(const json& object, const char* member) {
  const auto it = object.find(member);
  if (it == object.end() || it->is_null()) return std::string();
  absl::StatusOr<std::string> text = JsonText(*it, kMaxSbomTextBytes, kSbomInvalid);
  if (!text.ok()) return AtField(text.status(), member);
  return text;
}

absl::StatusOr<const json*> SbomArray(const json& object, const char* member, size_t max_items) {
  static const json kEmpty = json::array();
  const auto it = object.find(member);
  if (it == object.end() || it->is_null()) return &kEmpty;
  if (!it->is_array() || it->size() > max_items) {
    return AtField(
        InvalidArgument(kSbomInvalid, "expected an array of at most {}, found {}", max_items,
                        it->is_array() ? fmt::format("{} elements", it->size())
                                       : std::string(JsonTypeName(*it))),
        member);
  }
  return &*it;
}

absl::StatusOr<Sbom> ReadSbom(std::string_view text, const LicenseList& list) {
  constexpr std::array<std::string_view, 2> kSpdxVersions = {"SPDX-2.2", "SPDX-2.3"};
  constexpr std::array<std::string_view, 3> kCycloneDxVersions = {"1.5", "1.6", "1.7"};
  DML_ASSIGN_OR_RETURN(const json document, ParseStrictJson(text, kMaxSbomBytes, kSbomInvalid));
  if (!document.is_object()) {
    return InvalidArgument(kSbomInvalid, "an SBOM is an object, not {}", JsonTypeName(document));
  }
  DML_ASSIGN_OR_RETURN(const std::string spdx, SbomText(document, "spdxVersion"));
  DML_ASSIGN_OR_RETURN(const std::string form, SbomText(document, "bomFormat"));
  DML_ASSIGN_OR_RETURN(const std::string version, SbomText(document, "specVersion"));
  if (form.empty() && std::ranges::find(kSpdxVersions, spdx) != kSpdxVersions.end()) {
    SbomBuilder builder(SbomFormat::kSpdx, spdx.substr(5), list);
    if (absl::Status status = ReadSpdx(document, builder); !status.ok()) {
      return LocateError(status, "SBOM");
    }
    return builder.Finish();
  }
  if (spdx.empty() && form == "CycloneDX" &&
      std::ranges::find(kCycloneDxVersions, version) != kCycloneDxVersions.end()) {
    SbomBuilder builder(SbomFormat::kCycloneDx, version, list);
    if (absl::Status status = ReadCycloneDx(document, builder); !status.ok()) {
      return LocateError(status, "SBOM");
    }
    return builder.Finish();
  }
  return InvalidArgument(
      kSbomInvalid,
      "expected SPDX 2.2 or 2.3 or CycloneDX 1.5 to 1.7, found spdxVersion '{}', "
      "bomFormat '{}', specVersion '{}'",
      Excerpt(spdx), Excerpt(form), Excerpt(version));
}

}  // namespace dml
