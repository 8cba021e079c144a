#include "server/rpc/relation_questions.h"

#include "core/license/expression.h"
#include "core/license/license_terms.h"
#include "core/wire/api_compatibility.h"
#include "server/rpc/service_util.h"
#include "storage/journal/journal.h"
#include "storage/library/inventory.h"
#include "storage/views/library_view.h"
#include "storage/views/relation_index.h"

namespace dml {
namespace {

template <typename Request>
absl::StatusOr<VersionsAsked> ReadAsked(const Request& request) {
  VersionsAsked out;
  if (!request.version().empty() && !request.range().empty()) {
    return AtField(InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                                   "ask about a version or about a range, not about both"),
                   "range");
  }
  if (!request.version().empty()) {
    absl::StatusOr<VersionScheme> scheme = ParseVersionScheme(request.version_scheme());
    if (!scheme.ok()) return AtField(scheme.status(), "version_scheme");
    absl::StatusOr<Version> version = Version::Parse(*scheme, request.version());
    if (!version.ok()) return AtField(version.status(), "version");
    out.version = *std::move(version);
  }
  if (!request.range().empty()) {
    absl::StatusOr<VersionRange> range = VersionRange::ParseVers(request.range());
    if (!range.ok()) return AtField(range.status(), "range");
    out.range = *std::move(range);
  }
  return out;
}

using Finder = absl::StatusOr<Page<RelationMatch>> (RelationIndex::*)(
    RelationKind, std::string_view, const VersionsAsked&, const PageRequest&,
    const RelationIndex::Filter&) const;

template <typename Request, typename Response>
absl::Status AnswerRelations(const Question& question, const Request& request, Response& response,
                             Finder find) {
  question.caller.WillSeeEach();
  DML_ASSIGN_OR_RETURN(const RelationKind kind, wire::ReadRelationKind(request.kind()));
  DML_ASSIGN_OR_RETURN(const PageRequest page, ReadPage(request.page_size(), request.page_token()));
  DML_ASSIGN_OR_RETURN(const VersionsAsked asked, ReadAsked(request));
  const auto snapshot = question.context.library.Read();
  DML_ASSIGN_OR_RETURN(const auto found,
                       (RelationIndex(*snapshot).*find)(
                           kind, request.name(), asked, page, [&](const RelationMatch& match) {
                             return question.caller.SeesNamespace(match.variant.package.ns);
                           }));
  for (const RelationMatch& match : found.items) {
    v1::RelationMatch* out = response.add_matches();
    out->set_variant(match.variant.ResourceName());
    out->set_relation(match.relation.relation);
    out->set_range(match.relation.range);
    out->set_scope(match.relation.scope);
    out->set_source(match.relation.source);
  }
  response.set_next_page_token(PageToken(found.next_key));
  return absl::OkStatus();
}

// What a use must be, all of it.
struct UseQuery {
  std::optional<PackageName> package;
  VersionRange range = VersionRange::All();
  std::string license;
  std::optional<Digest> digest;
  std::string environment;
};

absl::StatusOr<UseQuery> ReadQuery(const v1::WhoUsesRequest& request) {
  UseQuery out;
  if (request.package().empty() && request.license().empty() && request.digest().empty()) {
    return AtField(
        InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "name a package, a license or a digest"),
        "package");
  }
  if (!request.package().empty()) {
    absl::StatusOr<PackageName> package = wire::ParsePackageResource(request.package());
    if (!package.ok()) return AtField(package.status(), "package");
    out.package = *std::move(package);
  }
  if (!request.range().empty()) {
    if (!out.package.has_value()) {
      return AtField(InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                                     "a range is of versions of a package: name it"),
                     "range");
    }
    absl::StatusOr<VersionRange> range = VersionRange::ParseVers(request.range());
    if (!range.ok()) return AtField(range.status(), "range");
    out.range = *std::move(range);
  }
  if (!request.digest().empty()) {
    absl::StatusOr<Digest> digest = Digest::Parse(request.digest());
    if (!digest.ok()) return AtField(digest.status(), "digest");
    out.digest = *digest;
  }
  out.license = request.license();
  if (!request.environment().empty()) {
    DML_ASSIGN_OR_RETURN(out.environment,
                         wire::ParseResource(request.environment(), "environments"));
  }
  return out;
}

// Whether the use is one asked about; `license` becomes what its variant declares.
absl::StatusOr<bool> IsAsked(const UseQuery& query, const UsedVariant& used,
                             const LibraryView& view, std::string& license) {
  if (query.package.has_value() && used.variant.package != *query.package) return false;
  DML_ASSIGN_OR_RETURN(const auto record, view.FindVariant(used.variant));
  if (record.has_value()) license = record->declared_license;
  if (query.digest.has_value() && *query.digest != used.manifest &&
      *query.digest != used.release_document &&
      !(record.has_value() && record->spec.digest == *query.digest)) {
    return false;
  }
  if (!query.range.IsAll()) {
    if (!record.has_value()) return false;
    DML_ASSIGN_OR_RETURN(const Version version,
                         Version::Parse(record->scheme, record->name.version));
    if (!query.range.Contains(version)) return false;
  }
  if (query.license.empty()) return true;
  const auto expression = LicenseExpression::Parse(license, BundledLicenseList());
  return expression.ok() && TermsOf(*expression).names.contains(query.license);
}

}  // namespace

absl::Status AnswerWhoRequires(const Question& question, const v1::WhoRequiresRequest& request,
                               v1::WhoRequiresResponse& response) {
  return AnswerRelations(question, request, response, &RelationIndex::Relations);
}

absl::Status AnswerWhoProvides(const Question& question, const v1::WhoProvidesRequest& request,
                               v1::WhoProvidesResponse& response) {
  return AnswerRelations(question, request, response, &RelationIndex::Provides);
}

absl::Status AnswerWhoUses(const Question& question, const v1::WhoUsesRequest& request,
                           v1::WhoUsesResponse& response) {
  question.caller.WillSeeEach();
  DML_ASSIGN_OR_RETURN(const UseQuery query, ReadQuery(request));
  const auto snapshot = question.context.library.Read();
  DML_ASSIGN_OR_RETURN(const uint64_t index, JournalView(*snapshot).Size());
  const LibraryView view(*snapshot);
  if (!query.environment.empty()) {
    DML_RETURN_IF_ERROR(question.caller.MayInEnvironment(query.environment));
    DML_ASSIGN_OR_RETURN(const auto found, view.FindEnvironment(query.environment));
    if (!found.has_value()) {
      return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"), "no environment {}", query.environment);
    }
  }
  std::vector<v1::Use> uses;
  absl::Status failed;
  const auto visit = [&](const UsedVariant& used) {
    if (question.stop && question.stop()) {
      failed = MakeError(absl::StatusCode::kCancelled, ErrorReason("CALL_CANCELED"),
                         "nobody waits for the answer any more");
      return false;
    }
    std::string license;
    const absl::StatusOr<bool> asked = IsAsked(query, used, view, license);
    failed = asked.status();
    if (!asked.ok() || !*asked) return failed.ok();
    if (uses.size() == kMaxUses) {
      failed = ResourceExhausted(ErrorReason("TOO_MANY_USES"),
                                 "more than {}; ask about one environment", kMaxUses);
      return false;
    }
    v1::Use& out = uses.emplace_back();
    out.set_environment("environments/" + used.environment);
    out.set_release(used.release);
    out.set_variant(used.variant.ResourceName());
    out.set_node(used.node);
    out.set_state(used.state);
    out.set_license(license);
    return true;
  };
  DML_RETURN_IF_ERROR(ReleaseInventory().Visit(
      *snapshot, query.environment,
      [&](const std::string& name) { return question.caller.Sees("environments/" + name); },
      visit));
  DML_RETURN_IF_ERROR(failed);
  DML_ASSIGN_OR_RETURN(const Slice slice,
                       ReadSlice(request.page_size(), request.page_token(), uses.size()));
  for (size_t i = slice.begin; i < slice.end; ++i) *response.add_uses() = std::move(uses[i]);
  response.set_next_page_token(slice.next_page_token);
  response.set_use_count(uses.size());
  response.set_index(index);
  return absl::OkStatus();
}

}  // namespace dml
