// CSAF 2.0 documents (docs.oasis-open.org/csaf), security advisories and VEX: vulnerabilities by
// products.
#include <algorithm>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "tools/import/csaf_products.h"

namespace dml {
namespace {

using advisory_import::Collector;
using advisory_import::kInvalid;
using advisory_import::List;
using advisory_import::Named;
using advisory_import::Object;
using advisory_import::Text;
using advisory_import::Texts;
using advisory_import::Time;
using nlohmann::json;

class CsafReader {
 public:
  CsafReader(const json& document, const AdvisoryImportOptions& options)
      : document_(document), out_(options) {}

  absl::StatusOr<AdvisoryImport> Read() {
    DML_RETURN_IF_ERROR(ReadHead());
    DML_ASSIGN_OR_RETURN(const json* tree, Object(document_, "product_tree"));
    absl::StatusOr<std::map<std::string, CsafProduct>> products = ReadCsafProducts(*tree);
    if (!products.ok()) return AtField(products.status(), "product_tree");
    products_ = *std::move(products);
    DML_ASSIGN_OR_RETURN(const json* vulnerabilities, List(document_, "vulnerabilities", 10'000));
    for (size_t i = 0; i < vulnerabilities->size(); ++i) {
      const std::string where = fmt::format("vulnerabilities[{}]", i);
      const absl::Status read = ReadVulnerability((*vulnerabilities)[i], where, i + 1);
      if (!read.ok()) return AtField(read, where);
    }
    return out_.Finish();
  }

 private:
  absl::Status ReadHead() {
    DML_ASSIGN_OR_RETURN(const json* head, Object(document_, "document"));
    DML_ASSIGN_OR_RETURN(const std::string version, Text(*head, "csaf_version"));
    if (version != "2.0") {
      return AtField(
          InvalidArgument(kInvalid, "csaf_version '{}' is not read here; 2.0 is", Excerpt(version)),
          "document.csaf_version");
    }
    DML_ASSIGN_OR_RETURN(title_, Text(*head, "title"));
    DML_ASSIGN_OR_RETURN(const json* publisher, Object(*head, "publisher"));
    DML_ASSIGN_OR_RETURN(publisher_, Text(*publisher, "name"));
    if (publisher_.empty()) {
      return AtField(InvalidArgument(kInvalid, "somebody must publish it"),
                     "document.publisher.name");
    }
    DML_ASSIGN_OR_RETURN(const json* severity, Object(*head, "aggregate_severity"));
    DML_ASSIGN_OR_RETURN(const std::string word, Text(*severity, "text"));
    severity_ = advisory_import::SeverityOfWord(word);
    DML_ASSIGN_OR_RETURN(const json* tracking, Object(*head, "tracking"));
    DML_ASSIGN_OR_RETURN(const std::string id, Text(*tracking, "id"));
    id_ = advisory_import::AdvisoryIdOf(id);
    if (id_.empty()) {
      return AtField(InvalidArgument(kInvalid, "an id is needed"), "document.tracking.id");
    }
    DML_ASSIGN_OR_RETURN(const std::string status, Text(*tracking, "status"));
    if (status == "draft") {
      return AtField(InvalidArgument(kInvalid, "a draft says nothing yet: wait for the final one"),
                     "document.tracking.status");
    }
    DML_ASSIGN_OR_RETURN(released_, Time(*tracking, "initial_release_date"));
    DML_ASSIGN_OR_RETURN(updated_, Time(*tracking, "current_release_date"));
    return absl::OkStatus();
  }

  struct Vulnerability {
    std::vector<std::string> names;  // The first is the chief one.
    std::string text;
    std::vector<std::string> references;
    AdvisorySeverity severity = AdvisorySeverity::kUnknown;
    std::optional<Timestamp> published;
  };

  absl::StatusOr<Vulnerability> ReadFacts(const json& object, const std::string& where,
                                          size_t number) {
    Vulnerability out;
    DML_ASSIGN_OR_RETURN(const std::string cve, Text(object, "cve"));
    if (!cve.empty()) out.names.push_back(cve);
    DML_ASSIGN_OR_RETURN(const json* ids, List(object, "ids"));
    for (const json& item : *ids) {
      if (!item.is_object()) return AtField(InvalidArgument(kInvalid, "expected objects"), "ids");
      DML_ASSIGN_OR_RETURN(const std::string id, Text(item, "text"));
      out.names.push_back(advisory_import::AdvisoryIdOf(id));
    }
    std::erase_if(out.names,
                  [](const std::string& name) { return !ValidateAdvisoryId(name).ok(); });
    if (out.names.empty()) {
      out_.Note(where, "it has neither cve nor ids");
      out.names.push_back(fmt::format("{}:{}", id_.substr(0, 100), number));
    }
    DML_ASSIGN_OR_RETURN(const std::string title, Text(object, "title"));
    out.text = title.empty() ? title_ : title;
    DML_ASSIGN_OR_RETURN(const json* notes, List(object, "notes"));
    for (const json& note : *notes) {
      if (!note.is_object()) {
        return AtField(InvalidArgument(kInvalid, "expected objects"), "notes");
      }
      DML_ASSIGN_OR_RETURN(const std::string more, Text(note, "text", 1 << 20));
      out.text += "\n\n" + more;
    }
    DML_ASSIGN_OR_RETURN(const json* references, List(object, "references"));
    for (const json& item : *references) {
      if (!item.is_object()) {
        return AtField(InvalidArgument(kInvalid, "expected objects"), "references");
      }
      DML_ASSIGN_OR_RETURN(std::string url, Text(item, "url"));
      out.references.push_back(std::move(url));
    }
    DML_ASSIGN_OR_RETURN(out.severity, ReadSeverity(object));
    if (object.contains("release_date")) {
      DML_ASSIGN_OR_RETURN(out.published, Time(object, "release_date"));
    }
    return out;
  }

  // The worst that it has for any product.
  absl::StatusOr<AdvisorySeverity> ReadSeverity(const json& object) const {
    AdvisorySeverity out = AdvisorySeverity::kUnknown;
    DML_ASSIGN_OR_RETURN(const json* scores, List(object, "scores"));
    for (const json& score : *scores) {
      if (!score.is_object()) {
        return AtField(InvalidArgument(kInvalid, "expected objects"), "scores");
      }
      DML_ASSIGN_OR_RETURN(const json* cvss, Object(score, "cvss_v3"));
      DML_ASSIGN_OR_RETURN(const std::string vector, Text(*cvss, "vectorString"));
      DML_ASSIGN_OR_RETURN(const std::string word, Text(*cvss, "baseSeverity"));
      out = std::max(
          {out, advisory_import::SeverityOfCvss(vector), advisory_import::SeverityOfWord(word)});
    }
    return out == AdvisorySeverity::kUnknown ? severity_ : out;
  }

  absl::Status ReadVulnerability(const json& object, const std::string& where, size_t number) {
    if (!object.is_object()) return InvalidArgument(kInvalid, "expected an object");
    DML_ASSIGN_OR_RETURN(const Vulnerability facts, ReadFacts(object, where, number));
    DML_ASSIGN_OR_RETURN(const json* status, Object(object, "product_status"));
    for (const auto& [group, ids] : status->items()) {
      static_cast<void>(ids);
      constexpr std::string_view kAffected[] = {"known_affected", "first_affected",
                                                "last_affected"};
      constexpr std::string_view kCleared[] = {"known_not_affected", "fixed", "first_fixed"};
      if (std::ranges::count(kAffected, group) + std::ranges::count(kCleared, group) > 0) continue;
      out_.Note(where + ".product_status", group == "under_investigation"
                                               ? "under investigation: what is known of it stands"
                                               : fmt::format("'{}' says neither that products are "
                                                             "affected nor that they are not",
                                                             Excerpt(group)));
    }
    Advisory affected = Common(facts, "affected");
    affected.effect = out_.options().effect;
    affected.severity = facts.severity;
    affected.published = facts.published.value_or(released_);
    affected.aliases = facts.names;
    // First and last are ends of ranges that are known_affected as a whole; alone they are points.
    for (const char* group : {"known_affected", "first_affected", "last_affected"}) {
      DML_RETURN_IF_ERROR(AddProducts(*status, group, where, false, affected.affects));
    }
    if (!affected.affects.empty() && facts.severity == AdvisorySeverity::kUnknown) {
      out_.Note(where, "no severity that can be read here; an unknown one counts as critical");
    }
    DML_RETURN_IF_ERROR(out_.Add(std::move(affected)));
    Advisory cleared = Common(facts, "cleared");
    cleared.effect = AdvisoryEffect::kRelax;
    for (const std::string& name : facts.names) {
      if (cleared.relaxes.size() < kMaxAdvisoryRelations) {
        cleared.relaxes.push_back({Relaxation::Kind::kAdvisory, name});
      }
    }
    for (const char* group : {"known_not_affected", "fixed", "first_fixed"}) {
      DML_RETURN_IF_ERROR(AddProducts(*status, group, where, true, cleared.affects));
    }
    return out_.Add(std::move(cleared));
  }

  Advisory Common(const Vulnerability& facts, std::string_view what) const {
    Advisory out;
    const std::string rest = fmt::format(":{}:{}", facts.names.front().substr(0, 60), what);
    out.id = id_.substr(0, kMaxAdvisoryIdBytes - rest.size()) + rest;
    out.revision = advisory_import::RevisionOf(updated_);
    out.authority = publisher_;
    out.text = facts.text;
    out.references = facts.references;
    return out;
  }

  absl::Status AddProducts(const json& status, const char* group, const std::string& where,
                           bool clears, std::vector<AffectedPackage>& affects) {
    DML_ASSIGN_OR_RETURN(const std::vector<std::string> ids, Texts(status, group));
    for (const std::string& id : ids) {
      const auto product = products_.find(id);
      if (product == products_.end()) {
        return AtField(InvalidArgument(kInvalid, "'{}' is no product of the tree", Excerpt(id)),
                       group);
      }
      const std::string at = fmt::format("{}.{} ({})", where, group, Excerpt(id));
      const bool names_versions =
          product->second.range.has_value() ||
          (product->second.purl.has_value() && !product->second.purl->version.empty());
      if (std::string_view(group).ends_with("fixed") && !names_versions) {
        out_.Note(at, "it names no version that is fixed, and clears nothing");
        continue;
      }
      DML_RETURN_IF_ERROR(AddProduct(product->second, at, clears, affects));
    }
    return absl::OkStatus();
  }

  absl::Status AddProduct(const CsafProduct& product, const std::string& where, bool clears,
                          std::vector<AffectedPackage>& affects) {
    if (!product.purl.has_value()) {
      out_.Note(where, "it has no package URL, so nobody can tell which package it is");
      return absl::OkStatus();
    }
    const std::optional<Named> named = out_.Find(where, *product.purl);
    if (!named.has_value()) return absl::OkStatus();
    const absl::StatusOr<VersionRange> range = RangeOf(product, *named);
    if (range.ok() && !range->IsEmpty()) {
      const bool is_storable = VersionRange::ParseVers(range->ToVers()).ok();
      if (!clears || is_storable) {
        affects.push_back({named->package, advisory_import::Storable(*range, where, out_)});
      }
    } else if (clears) {
      out_.Note(where, fmt::format("it clears nothing: {}",
                                   range.ok() ? "it holds no version" : Message(range.status())));
    } else {
      out_.Note(where, fmt::format("every version counts as affected: {}",
                                   range.ok() ? "it holds no version" : Message(range.status())));
      affects.push_back({named->package, VersionRange::All()});
    }
    return absl::OkStatus();
  }

  // A branch of versions, or the one version of the purl; every version where it has none.
  static absl::StatusOr<VersionRange> RangeOf(const CsafProduct& product, const Named& named) {
    if (product.range.has_value()) {
      if (product.range->starts_with("vers:")) return VersionRange::ParseVers(*product.range);
      return InvalidArgument(kInvalid, "'{}' is no range of versions (vers:...)",
                             Excerpt(*product.range));
    }
    if (product.purl->version.empty()) return VersionRange::All();
    if (!named.scheme.has_value()) {
      return InvalidArgument(kInvalid, "no scheme here orders versions of {}", product.purl->type);
    }
    DML_ASSIGN_OR_RETURN(const Version version,
                         Version::Parse(*named.scheme, product.purl->version));
    const VersionComparator exactly{VersionOp::kEqual, version};
    return VersionRange::FromComparators(*named.scheme, {&exactly, 1});
  }

  const json& document_;
  Collector out_;
  std::map<std::string, CsafProduct> products_;
  std::string id_;
  std::string title_;
  std::string publisher_;
  AdvisorySeverity severity_ = AdvisorySeverity::kUnknown;
  Timestamp released_;
  Timestamp updated_;
};

}  // namespace

absl::StatusOr<AdvisoryImport> ReadCsaf(std::string_view text,
                                        const AdvisoryImportOptions& options) {
  DML_ASSIGN_OR_RETURN(const json document,
                       ParseStrictJson(text, kMaxAdvisoryImportBytes, kInvalid));
  if (!document.is_object() || !document.contains("document")) {
    return InvalidArgument(kInvalid, "a CSAF document is an object with `document`");
  }
  absl::StatusOr<AdvisoryImport> out = CsafReader(document, options).Read();
  if (!out.ok()) return LocateError(out.status(), "CSAF document");
  return out;
}

}  // namespace dml
