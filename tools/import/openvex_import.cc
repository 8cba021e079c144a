// OpenVEX documents (github.com/openvex/spec, 0.2.0): statements on vulnerabilities of products.
#include <algorithm>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "tools/import/advisory_import.h"

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

// What a statement is about, in words of the library.
struct Vulnerability {
  std::string id;
  std::vector<std::string> aliases;
};

class OpenVexReader {
 public:
  OpenVexReader(const json& document, const AdvisoryImportOptions& options)
      : document_(document), out_(options) {}

  absl::StatusOr<AdvisoryImport> Read() {
    DML_ASSIGN_OR_RETURN(id_, Text(document_, "@id"));
    DML_ASSIGN_OR_RETURN(author_, Text(document_, "author"));
    if (author_.empty()) {
      return AtField(InvalidArgument(kInvalid, "somebody must make the statements"), "author");
    }
    DML_ASSIGN_OR_RETURN(issued_, Time(document_, "timestamp"));
    updated_ = issued_;
    if (document_.contains("last_updated")) {
      DML_ASSIGN_OR_RETURN(updated_, Time(document_, "last_updated"));
    }
    DML_ASSIGN_OR_RETURN(const json* statements, List(document_, "statements", 10'000));
    for (size_t i = 0; i < statements->size(); ++i) {
      const std::string where = fmt::format("statements[{}]", i);
      const absl::Status read = ReadStatement((*statements)[i], where, i + 1);
      if (!read.ok()) return AtField(read, where);
    }
    return out_.Finish();
  }

 private:
  // "vulnerability" is an object since 0.2.0, and was a text before.
  static absl::StatusOr<Vulnerability> ReadVulnerability(const json& statement) {
    Vulnerability out;
    const auto it = statement.find("vulnerability");
    if (it != statement.end() && it->is_string()) {
      out.id = it->get<std::string>();
    } else {
      DML_ASSIGN_OR_RETURN(const json* object, Object(statement, "vulnerability"));
      DML_ASSIGN_OR_RETURN(out.id, Text(*object, "name"));
      DML_ASSIGN_OR_RETURN(out.aliases, Texts(*object, "aliases"));
    }
    if (const absl::Status valid = ValidateAdvisoryId(out.id); !valid.ok()) {
      return AtField(InvalidArgument(kInvalid, "{}", Message(valid)), "vulnerability");
    }
    return out;
  }

  // A product is named by its @id, or by an identifier.
  static absl::StatusOr<std::string> PurlOf(const json& product) {
    if (product.is_string()) return product.get<std::string>();
    if (!product.is_object()) return InvalidArgument(kInvalid, "expected an object");
    DML_ASSIGN_OR_RETURN(const json* identifiers, Object(product, "identifiers"));
    DML_ASSIGN_OR_RETURN(std::string purl, Text(*identifiers, "purl"));
    if (!purl.empty()) return purl;
    return Text(product, "@id");
  }

  // Adds what it affects; says less where it cannot.
  absl::Status ReadProduct(const json& product, const std::string& where, std::string_view status,
                           std::vector<AffectedPackage>& affects) {
    const bool clears = status != "affected";
    DML_ASSIGN_OR_RETURN(const std::string text, PurlOf(product));
    const absl::StatusOr<Purl> purl = Purl::Parse(text);
    if (!purl.ok()) {
      out_.Note(where, fmt::format("'{}' is no package URL", Excerpt(text)));
      return absl::OkStatus();
    }
    if (clears && product.is_object()) {
      DML_ASSIGN_OR_RETURN(const json* parts, List(product, "subcomponents"));
      if (!parts->empty()) {
        out_.Note(where, "it is about parts of the product alone, and clears nothing as a whole");
        return absl::OkStatus();
      }
    }
    const std::optional<Named> named = out_.Find(where, *purl);
    if (!named.has_value()) return absl::OkStatus();
    AffectedPackage item{named->package, VersionRange::All()};
    if (status == "fixed" && purl->version.empty()) {
      out_.Note(where, "it names no version that is fixed, and clears nothing");
      return absl::OkStatus();
    }
    if (!purl->version.empty()) {
      const auto version = named->scheme.has_value()
                               ? Version::Parse(*named->scheme, purl->version)
                               : InvalidArgument(kInvalid, "no scheme here orders its versions");
      if (version.ok()) {
        const VersionComparator exactly{VersionOp::kEqual, *version};
        DML_ASSIGN_OR_RETURN(item.range,
                             VersionRange::FromComparators(*named->scheme, {&exactly, 1}));
      } else if (clears) {
        out_.Note(where, fmt::format("version '{}' clears nothing: {}", Excerpt(purl->version),
                                     Message(version.status())));
        return absl::OkStatus();
      } else {
        out_.Note(where, fmt::format("version '{}' cannot be read, and every version counts as "
                                     "affected: {}",
                                     Excerpt(purl->version), Message(version.status())));
      }
    }
    affects.push_back(std::move(item));
    return absl::OkStatus();
  }

  absl::Status ReadStatement(const json& statement, const std::string& where, size_t number) {
    if (!statement.is_object()) return InvalidArgument(kInvalid, "expected an object");
    DML_ASSIGN_OR_RETURN(const Vulnerability vulnerability, ReadVulnerability(statement));
    DML_ASSIGN_OR_RETURN(const std::string status, Text(statement, "status"));
    const bool clears = status == "not_affected" || status == "fixed";
    if (status == "under_investigation") {
      out_.Note(where, fmt::format("{} is under investigation: what is known of it stands",
                                   vulnerability.id));
      return absl::OkStatus();
    }
    if (!clears && status != "affected") {
      return AtField(InvalidArgument(kInvalid, "'{}' is no status", Excerpt(status)), "status");
    }
    DML_ASSIGN_OR_RETURN(const std::string why, WhyNot(statement));
    if (status == "not_affected" && why.empty()) {
      // The specification demands one of both, and nobody is cleared without a reason.
      out_.Note(where, "'not_affected' without justification or impact_statement clears nothing");
      return absl::OkStatus();
    }
    Advisory advisory;
    DML_ASSIGN_OR_RETURN(const json* products, List(statement, "products"));
    for (size_t i = 0; i < products->size(); ++i) {
      const std::string at = fmt::format("{}.products[{}]", where, i);
      const absl::Status read = ReadProduct((*products)[i], at, status, advisory.affects);
      if (!read.ok()) return AtField(read, fmt::format("products[{}]", i));
    }
    if (products->empty()) out_.Note(where, "it names no product");
    advisory.id = IdOf(vulnerability, number);
    advisory.revision = advisory_import::RevisionOf(updated_);
    advisory.authority = author_;
    advisory.effect = clears ? AdvisoryEffect::kRelax : out_.options().effect;
    advisory.text =
        fmt::format("{}: {}{}{}", vulnerability.id, status, why.empty() ? "" : ": ", why);
    if (clears) {
      AddRelaxations(vulnerability, where, advisory);
    } else {
      advisory.aliases = vulnerability.aliases;
      advisory.aliases.push_back(vulnerability.id);
      advisory.published = issued_;
      out_.Note(where, "VEX tells no severity; an unknown one counts as critical");
    }
    return out_.Add(std::move(advisory));
  }

  static absl::StatusOr<std::string> WhyNot(const json& statement) {
    DML_ASSIGN_OR_RETURN(std::string why, Text(statement, "justification"));
    for (const char* member : {"impact_statement", "action_statement"}) {
      DML_ASSIGN_OR_RETURN(const std::string more, Text(statement, member, 64 << 10));
      if (more.empty()) continue;
      why += (why.empty() ? "" : ". ") + more;
    }
    return why;
  }

  void AddRelaxations(const Vulnerability& vulnerability, const std::string& where,
                      Advisory& advisory) {
    std::vector<std::string> names = vulnerability.aliases;
    names.insert(names.begin(), vulnerability.id);
    for (const std::string& name : names) {
      if (!ValidateAdvisoryId(name).ok()) {
        out_.Note(where, fmt::format("alias '{}' is no id of an advisory here", Excerpt(name)));
      } else if (advisory.relaxes.size() < kMaxAdvisoryRelations) {
        advisory.relaxes.push_back({Relaxation::Kind::kAdvisory, name});
      }
    }
  }

  // One document is one line of revisions for each of its statements.
  std::string IdOf(const Vulnerability& vulnerability, size_t number) const {
    const size_t slash = id_.rfind('/');
    std::string document = advisory_import::AdvisoryIdOf(
        slash == std::string::npos ? id_ : std::string_view(id_).substr(slash + 1));
    const std::string rest = fmt::format(":{}:{}", vulnerability.id.substr(0, 60), number);
    return "VEX-" + document.substr(0, kMaxAdvisoryIdBytes - rest.size() - 4) + rest;
  }

  const json& document_;
  Collector out_;
  std::string id_;
  std::string author_;
  Timestamp issued_;
  Timestamp updated_;
};

}  // namespace

absl::StatusOr<AdvisoryImport> ReadOpenVex(std::string_view text,
                                           const AdvisoryImportOptions& options) {
  DML_ASSIGN_OR_RETURN(const json document,
                       ParseStrictJson(text, kMaxAdvisoryImportBytes, kInvalid));
  if (!document.is_object()) return InvalidArgument(kInvalid, "an OpenVEX document is an object");
  DML_ASSIGN_OR_RETURN(const std::string context, Text(document, "@context"));
  if (!context.starts_with("https://openvex.dev/ns")) {
    return InvalidArgument(kInvalid, "@context is '{}', not one of https://openvex.dev/ns",
                           Excerpt(context));
  }
  absl::StatusOr<AdvisoryImport> out = OpenVexReader(document, options).Read();
  if (!out.ok()) return LocateError(out.status(), "OpenVEX document");
  return out;
}

}  // namespace dml
