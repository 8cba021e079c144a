#include "core/compat/advisory.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/compat/resolve_document.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("ADVISORY_INVALID");
constexpr size_t kMaxWordBytes = 256;
constexpr size_t kMaxUrlBytes = 2048;
constexpr size_t kMaxTextBytes = 64 << 10;
constexpr std::array<std::string_view, 5> kEffects = {"DENY", "REQUIRE", "RELAX", "SUPERSEDE",
                                                      "REPORT"};
constexpr std::array<std::string_view, 5> kSeverities = {"UNKNOWN", "LOW", "MEDIUM", "HIGH",
                                                         "CRITICAL"};
constexpr std::array<std::string_view, 5> kKinds = {"PACKAGE", "ABI", "SERVICE", "SCHEMA",
                                                    "CAPABILITY"};
constexpr std::array<std::string_view, 3> kScopes = {"NODE", "ENVIRONMENT", "EVERY_PEER"};
constexpr std::array<std::string_view, 4> kRelations = {"", "REQUIRES", "CONFLICTS", "BREAKS"};

template <typename T>
void Take(ObjectReader& in, std::string_view key, absl::StatusOr<T> value, T& out) {
  in.Check(key, value.status());
  if (value.ok()) out = *std::move(value);
}

std::string ReadLine(ObjectReader& in, std::string_view key, size_t most) {
  std::string out = in.String(key, most);
  if (out.empty() || HasControlCharacters(out)) {
    in.Check(key, InvalidArgument(kInvalid, "must be one line of text, not an empty one"));
  }
  return out;
}

absl::StatusOr<VersionRange> ReadRange(const std::string& text) {
  if (text.empty()) return VersionRange::All();
  return VersionRange::ParseVers(text);
}

absl::Status ReadAffected(const json& value, AffectedPackage& out) {
  ObjectReader in(value, kInvalid);
  Take(in, "package", PackageName::Parse(in.String("package", kMaxRelationNameBytes)), out.package);
  Take(in, "range", ReadRange(in.StringOr("range", kMaxRangeBytes, "")), out.range);
  return in.Finish();
}

void ReadName(ObjectReader& in, RelationKind& kind, std::string& name) {
  kind = static_cast<RelationKind>(in.WordOr("kind", kKinds, 0));
  name = in.String("name", kMaxRelationNameBytes);
  in.Check("name", ValidateRelationName(kind, name));
}

absl::Status ReadTarget(const json& value, RelationTarget& out) {
  ObjectReader in(value, kInvalid);
  ReadName(in, out.kind, out.name);
  Take(in, "range", ReadRange(in.StringOr("range", kMaxRangeBytes, "")), out.range);
  return in.Finish();
}

absl::Status ReadRequirement(const json& value, Requirement& out) {
  ObjectReader in(value, kInvalid);
  in.ForEach("anyOf", kMaxSpecAlternatives,
             [&](const json& item) { return ReadTarget(item, out.any_of.emplace_back()); });
  if (out.any_of.empty()) {
    in.Check("anyOf", InvalidArgument(kInvalid, "must name at least one alternative"));
  }
  out.scope = static_cast<RelationScope>(in.WordOr("scope", kScopes, 0));
  return in.Finish();
}

absl::Status ReadRelaxation(const json& value, Relaxation& out) {
  ObjectReader in(value, kInvalid);
  if (in.Has("advisory")) {
    out.advisory = in.String("advisory", kMaxAdvisoryIdBytes);
    in.Check("advisory", ValidateAdvisoryId(out.advisory));
    return in.Finish();
  }
  out.kind = static_cast<Relaxation::Kind>(in.Word("relation", kRelations));
  if (out.kind == Relaxation::Kind::kAdvisory) {
    in.Check("relation", InvalidArgument(kInvalid, "is empty"));
  }
  ReadName(in, out.name_kind, out.name);
  return in.Finish();
}

void ReadTime(ObjectReader& in, std::string_view key, std::optional<Timestamp>& out) {
  const std::string text = in.StringOr(key, kMaxWordBytes, "");
  if (!in.Has(key)) return;
  out = ParseTime(text);
  if (!out.has_value()) {
    in.Check(key, InvalidArgument(kInvalid, "is no RFC 3339 time such as 2026-03-01T12:00:00Z"));
  }
}

// Each effect has its own member, and no other.
void CheckEffect(ObjectReader& in, const Advisory& advisory) {
  struct Part {
    AdvisoryEffect effect;
    std::string_view key;
    bool there;
  };
  for (const Part& part :
       {Part{AdvisoryEffect::kRequire, "requires", !advisory.requires_all.empty()},
        Part{AdvisoryEffect::kRelax, "relaxes", !advisory.relaxes.empty()},
        Part{AdvisoryEffect::kSupersede, "supersededBy", advisory.superseded_by.has_value()}}) {
    if (part.there == (part.effect == advisory.effect)) continue;
    in.Check(part.key,
             InvalidArgument(kInvalid, "is what {} says, and nothing else does; the effect is {}",
                             AdvisoryEffectName(part.effect), AdvisoryEffectName(advisory.effect)));
  }
}

void ReadWords(ObjectReader& in, std::string_view key, size_t most_bytes,
               std::vector<std::string>& out) {
  out = in.Strings(key, kMaxAdvisoryRelations, most_bytes);
  for (const std::string& word : out) {
    if (word.empty() || HasControlCharacters(word)) {
      in.Check(key, InvalidArgument(kInvalid, "has an empty item, or one that is not one line"));
    }
  }
}

void ReadKnowledge(ObjectReader& in, Advisory& out) {
  out.severity = static_cast<AdvisorySeverity>(in.WordOr("severity", kSeverities, 0));
  ReadWords(in, "aliases", kMaxAdvisoryIdBytes, out.aliases);
  for (const std::string& alias : out.aliases) in.Check("aliases", ValidateAdvisoryId(alias));
  out.text = in.String("text", kMaxTextBytes);
  if (out.text.empty() || HasControlCharacters(out.text, true)) {
    in.Check("text", InvalidArgument(kInvalid, "is empty or has control characters"));
  }
  ReadWords(in, "references", kMaxUrlBytes, out.references);
  out.withdrawn = in.StringOr("withdrawn", kMaxWordBytes, "");
  if (in.Has("withdrawn") && (out.withdrawn.empty() || HasControlCharacters(out.withdrawn))) {
    in.Check("withdrawn", InvalidArgument(kInvalid, "must say why, in one line"));
  }
}

absl::StatusOr<Advisory> Read(const json& document) {
  ObjectReader in(document, kInvalid);
  Advisory out;
  const std::string schema = in.String("schema", kMaxWordBytes);
  if (schema != kAdvisorySchema) {
    in.Check("schema", InvalidArgument(kInvalid, "schema '{}' is not known here; write '{}'",
                                       Excerpt(schema), kAdvisorySchema));
  }
  out.id = in.String("id", kMaxAdvisoryIdBytes);
  in.Check("id", ValidateAdvisoryId(out.id));
  out.revision = in.Unsigned("revision", 1, uint64_t{1} << 53);
  out.authority = ReadLine(in, "authority", kMaxWordBytes);
  out.effect = static_cast<AdvisoryEffect>(in.Word("effect", kEffects));
  in.ForEach("affects", kMaxAdvisoryPackages,
             [&](const json& item) { return ReadAffected(item, out.affects.emplace_back()); });
  if (out.affects.empty()) {
    in.Check("affects", InvalidArgument(kInvalid, "must name at least one package"));
  }
  ReadTime(in, "published", out.published);
  ReadTime(in, "validFrom", out.valid_from);
  ReadTime(in, "validUntil", out.valid_until);
  if (out.valid_from.has_value() && out.valid_until.has_value() &&
      *out.valid_until <= *out.valid_from) {
    in.Check("validUntil", InvalidArgument(kInvalid, "is not after validFrom"));
  }
  ReadKnowledge(in, out);
  in.ForEach("requires", kMaxAdvisoryRelations, [&](const json& item) {
    return ReadRequirement(item, out.requires_all.emplace_back());
  });
  in.ForEach("relaxes", kMaxAdvisoryRelations,
             [&](const json& item) { return ReadRelaxation(item, out.relaxes.emplace_back()); });
  in.Read("supersededBy",
          [&](const json& item) { return ReadAffected(item, out.superseded_by.emplace()); });
  CheckEffect(in, out);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

}  // namespace

std::string_view AdvisoryEffectName(AdvisoryEffect effect) {
  return kEffects[static_cast<size_t>(effect)];
}

std::string_view AdvisorySeverityName(AdvisorySeverity severity) {
  return kSeverities[static_cast<size_t>(severity)];
}

absl::Status ValidateAdvisoryId(std::string_view id) {
  auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool good = !id.empty() && id.size() <= kMaxAdvisoryIdBytes && letter(id[0]) &&
                    std::all_of(id.begin(), id.end(), [&](char c) {
                      return letter(c) || c == '.' || c == '_' || c == ':' || c == '-';
                    });
  if (good) return absl::OkStatus();
  return InvalidArgument(ErrorReason("ADVISORY_ID_INVALID"),
                         "'{}' is no advisory's id: a letter or digit, then letters, digits and "
                         "\"._:-\", at most {}",
                         Excerpt(id), kMaxAdvisoryIdBytes);
}

absl::StatusOr<Advisory> ParseAdvisory(std::string_view json) {
  absl::StatusOr<nlohmann::json> document = ParseStrictJson(json, kMaxAdvisoryBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "advisory");
  absl::StatusOr<Advisory> out = Read(*document);
  if (!out.ok()) return LocateError(out.status(), "advisory");
  return out;
}

std::vector<std::string> AdvisoryPackages(const Advisory& advisory) {
  std::set<std::string> out;
  for (const AffectedPackage& item : advisory.affects) out.insert(item.package.ToString());
  return {out.begin(), out.end()};
}

}  // namespace dml
