#include "client/compatibility.h"

#include <optional>

#include "client/calls.h"
#include "core/wire/api_compatibility.h"
#include "dml/v1/compatibility.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::CompatibilityService::Stub;

constexpr int kPackagesPage = 10'000;
constexpr int kMaxAnswers = 5;
constexpr auto kIndexOf = [](const auto& response) { return response.index(); };

v1::ResolveProblem Problem(const ResolveRequest& request, uint64_t max_steps) {
  v1::ResolveProblem out;
  wire::To(request, &out);
  out.set_max_steps(max_steps);
  return out;
}

template <typename Response>
absl::StatusOr<ResolveAnswer> ReadAnswer(const Response& response) {
  ResolveAnswer out;
  DML_ASSIGN_OR_RETURN(out.outcome, Answered(wire::From(response.outcome())));
  out.reasons.assign(response.reasons().begin(), response.reasons().end());
  out.minimal = response.minimal();
  out.steps = response.steps();
  out.index = response.index();
  return out;
}

absl::StatusOr<LockedPackage> ReadPackage(const v1::ResolvedPackage& in) {
  LockedPackage out;
  DML_ASSIGN_OR_RETURN(out.variant, VariantName::Parse(in.variant()));
  DML_ASSIGN_OR_RETURN(out.scheme, ParseVersionScheme(in.version_scheme()));
  DML_ASSIGN_OR_RETURN(const Digest manifest, Digest::Parse(in.manifest()));
  out.manifest = manifest.ToString();
  return out;
}

// All pages of one answer; nullopt where the library changed between two of them.
absl::StatusOr<std::optional<ResolveAnswer>> FetchSet(Connection& connection,
                                                      v1::ResolveRequest request) {
  std::optional<ResolveAnswer> out;
  request.set_page_size(kPackagesPage);
  do {
    DML_ASSIGN_OR_RETURN(const v1::ResolveResponse response,
                         Ask(connection, &Calls::Resolve, request, kIndexOf));
    if (!out.has_value()) {
      DML_ASSIGN_OR_RETURN(out, ReadAnswer(response));
      out->lock.schemes.assign(response.scheme_revisions().begin(),
                               response.scheme_revisions().end());
    } else if (out->index != response.index()) {
      return std::optional<ResolveAnswer>();
    }
    for (const v1::ResolvedPackage& package : response.packages()) {
      DML_ASSIGN_OR_RETURN(LockedPackage locked, Answered(ReadPackage(package)));
      out->lock.packages.push_back(std::move(locked));
    }
    const bool more = !response.next_page_token().empty();
    if (out->lock.packages.size() > response.package_count() ||
        (more && response.packages().empty()) ||
        (!more && out->lock.packages.size() != response.package_count())) {
      return BadAnswer(fmt::format("{} packages were announced, {} came", response.package_count(),
                                   out->lock.packages.size()));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return out;
}

}  // namespace

absl::StatusOr<ResolveAnswer> CompatibilityClient::Resolve(const ResolveRequest& request,
                                                           uint64_t max_steps) {
  v1::ResolveRequest call;
  *call.mutable_problem() = Problem(request, max_steps);
  for (int i = 0; i < kMaxAnswers; ++i) {
    DML_ASSIGN_OR_RETURN(std::optional<ResolveAnswer> answer, FetchSet(client_.connection(), call));
    if (!answer.has_value()) continue;
    answer->lock.mode = request.mode;
    return *std::move(answer);
  }
  return Aborted(ErrorReason("ANSWER_CHANGED"),
                 "the library changed while its answer was being read, {} times; ask again",
                 kMaxAnswers);
}

absl::StatusOr<ResolveAnswer> CompatibilityClient::WhyNot(const ResolveRequest& request,
                                                          const RelationTarget& target,
                                                          uint64_t max_steps) {
  v1::WhyNotRequest call;
  *call.mutable_problem() = Problem(request, max_steps);
  wire::To(target, call.mutable_target());
  DML_ASSIGN_OR_RETURN(const v1::WhyNotResponse response,
                       Ask(client_.connection(), &Calls::WhyNot, call, kIndexOf));
  return ReadAnswer(response);
}

absl::StatusOr<VersionOutcomes> CompatibilityClient::Versions(const ResolveRequest& request,
                                                              const PackageName& package,
                                                              const ListOptions& options,
                                                              uint64_t max_steps) {
  v1::CompatibleVersionsRequest call;
  *call.mutable_problem() = Problem(request, max_steps);
  call.set_package(package.ResourceName());
  SetPage(options, call);
  DML_ASSIGN_OR_RETURN(const v1::CompatibleVersionsResponse response,
                       Ask(client_.connection(), &Calls::CompatibleVersions, call, kIndexOf));
  VersionOutcomes out;
  out.complete = response.complete();
  out.index = response.index();
  DML_ASSIGN_OR_RETURN(out.page,
                       ReadPageBy<VersionOutcome>(
                           response.versions(), response.next_page_token(),
                           [](const v1::VersionAnswer& in) -> absl::StatusOr<VersionOutcome> {
                             VersionOutcome item;
                             DML_ASSIGN_OR_RETURN(item.variant, VariantName::Parse(in.variant()));
                             DML_ASSIGN_OR_RETURN(item.outcome, wire::From(in.outcome()));
                             return item;
                           }));
  return out;
}

}  // namespace dml
