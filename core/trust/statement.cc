#include "core/trust/statement.h"

#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/trust/json_members.h"

namespace dml {
namespace {

constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kMaxTypeBytes = 1024;
constexpr size_t kMaxDigestBytes = 256;
constexpr size_t kMaxDigests = 16;
constexpr size_t kMaxPublicationBytes = 16 * 1024;

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(ErrorReason("STATEMENT_INVALID"), format, std::forward<Args>(args)...);
}

absl::Status CheckText(std::string_view text) {
  if (!HasControlCharacters(text)) return absl::OkStatus();
  return Invalid("holds a control character");
}

absl::StatusOr<Subject> ReadSubject(const nlohmann::json& value) {
  ObjectReader in(value, ErrorReason("STATEMENT_INVALID"));
  Subject out;
  out.name = in.StringOr("name", kMaxNameBytes, "");
  in.Check("name", CheckText(out.name));
  std::map<std::string, std::string> digests = in.StringMap("digest", kMaxDigests, kMaxDigestBytes);
  absl::StatusOr<Digest> digest = Digest::Parse("sha256:" + digests["sha256"]);
  if (!digest.ok()) {
    in.Check("digest", Invalid("no 'sha256' of 64 lower-case hex digits; add it"));
  }
  IgnoreOtherMembers(value, in);
  DML_RETURN_IF_ERROR(in.Finish());
  out.sha256 = *digest;
  return out;
}

absl::StatusOr<Statement> ReadStatement(const nlohmann::json& document) {
  ObjectReader in(document, ErrorReason("STATEMENT_INVALID"));
  Statement out;
  std::string type = in.String("_type", kMaxTypeBytes);
  if (type != kStatementType) {
    in.Check("_type", Invalid("'{}' is not '{}'", Excerpt(type), kStatementType));
  }
  std::set<std::pair<std::string, Digest>> seen;
  in.ForEach("subject", kMaxSubjects, [&](const nlohmann::json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(Subject subject, ReadSubject(item));
    if (!seen.emplace(subject.name, subject.sha256).second) return Invalid("is there twice");
    out.subjects.push_back(std::move(subject));
    return absl::OkStatus();
  });
  if (out.subjects.empty()) in.Check("subject", Invalid("no subject; name what this is about"));
  out.predicate_type = in.String("predicateType", kMaxTypeBytes);
  in.Check("predicateType", CheckText(out.predicate_type));
  if (out.predicate_type.empty()) in.Check("predicateType", Invalid("is empty"));
  out.predicate_json = "{}";
  in.Read("predicate", [&](const nlohmann::json& predicate) {
    if (!predicate.is_object()) return Invalid("is {}, not an object", JsonTypeName(predicate));
    out.predicate_json = predicate.dump();
    return absl::OkStatus();
  });
  IgnoreOtherMembers(document, in);
  if (absl::Status status = in.Finish(); !status.ok()) {
    return LocateError(status, "in-toto statement");
  }
  return out;
}

}  // namespace

absl::StatusOr<Statement> ParseStatement(std::string_view json) {
  DML_ASSIGN_OR_RETURN(nlohmann::json document,
                       ParseStrictJson(json, kMaxStatementBytes, ErrorReason("STATEMENT_INVALID")));
  return ReadStatement(document);
}

absl::StatusOr<std::string> FormatStatement(const Statement& statement) {
  nlohmann::json subjects = nlohmann::json::array();
  for (const Subject& subject : statement.subjects) {
    nlohmann::json entry = {{"digest", {{"sha256", subject.sha256.hex()}}}};
    if (!subject.name.empty()) entry["name"] = subject.name;
    subjects.push_back(std::move(entry));
  }
  DML_ASSIGN_OR_RETURN(nlohmann::json predicate,
                       ParseStrictJson(statement.predicate_json, kMaxStatementBytes,
                                       ErrorReason("STATEMENT_INVALID")));
  nlohmann::json document = {{"_type", kStatementType},
                             {"subject", std::move(subjects)},
                             {"predicateType", statement.predicate_type},
                             {"predicate", std::move(predicate)}};
  std::string text = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  DML_RETURN_IF_ERROR(ParseStatement(text).status());
  return text;
}

absl::StatusOr<PublicationPredicate> ParsePublicationPredicate(std::string_view json) {
  ErrorReason reason("PUBLICATION_INVALID");
  DML_ASSIGN_OR_RETURN(nlohmann::json document,
                       ParseStrictJson(json, kMaxPublicationBytes, reason));
  ObjectReader in(document, reason);
  PublicationPredicate out;
  absl::StatusOr<PackageName> package = PackageName::Parse(in.String("package", kMaxNameBytes));
  in.Check("package", package.status());
  out.variant.version = in.String("version", kMaxNameBytes);
  in.Check("version", ValidateVersionText(out.variant.version));
  absl::StatusOr<Platform> platform = Platform::Parse(in.String("platform", kMaxNameBytes));
  in.Check("platform", platform.status());
  out.manifest_media_type = in.String("manifestMediaType", kMaxNameBytes);
  if (out.manifest_media_type.empty() || HasControlCharacters(out.manifest_media_type)) {
    in.Check("manifestMediaType", InvalidArgument(reason, "is not a media type"));
  }
  if (absl::Status status = in.Finish(); !status.ok()) {
    return LocateError(status, "publication predicate");
  }
  out.variant.package = *std::move(package);
  out.variant.platform = *std::move(platform);
  return out;
}

std::string FormatPublicationPredicate(const PublicationPredicate& predicate) {
  nlohmann::json document = {{"package", predicate.variant.package.ToString()},
                             {"version", predicate.variant.version},
                             {"platform", predicate.variant.platform.VariantId()},
                             {"manifestMediaType", predicate.manifest_media_type}};
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace dml
