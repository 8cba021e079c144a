// Whether versions fit together.
#include "core/wire/api_compatibility.h"
#include "dml/v1/compatibility.grpc.pb.h"
#include "server/rpc/environment_questions.h"
#include "server/rpc/relation_questions.h"
#include "server/rpc/service_util.h"
#include "storage/library/decision.h"

namespace dml {
namespace {

class CompatibilityServiceImpl final : public v1::CompatibilityService::Service {
 public:
  explicit CompatibilityServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status CheckSet(grpc::ServerContext* context, const v1::CheckSetRequest* request,
                        v1::CheckSetResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CompatibilityService/CheckSet",
                  [&](const Caller& caller) {
                    SolveBudget budget(SolveBudget::kDefaultSolveSteps, [this, context] {
                      return context->IsCancelled() || context_.stopping->load();
                    });
                    return Check(caller, *request, budget, *response);
                  });
  }

  grpc::Status WhoRequires(grpc::ServerContext* context, const v1::WhoRequiresRequest* request,
                           v1::WhoRequiresResponse* response) override {
    return Search(context, "/dml.v1.CompatibilityService/WhoRequires", AnswerWhoRequires, *request,
                  *response);
  }

  grpc::Status WhoProvides(grpc::ServerContext* context, const v1::WhoProvidesRequest* request,
                           v1::WhoProvidesResponse* response) override {
    return Search(context, "/dml.v1.CompatibilityService/WhoProvides", AnswerWhoProvides, *request,
                  *response);
  }

  grpc::Status WhoUses(grpc::ServerContext* context, const v1::WhoUsesRequest* request,
                       v1::WhoUsesResponse* response) override {
    return Search(context, "/dml.v1.CompatibilityService/WhoUses", AnswerWhoUses, *request,
                  *response);
  }

  grpc::Status SafeRollbackTargets(grpc::ServerContext* context,
                                   const v1::SafeRollbackTargetsRequest* request,
                                   v1::SafeRollbackTargetsResponse* response) override {
    return Search(context, "/dml.v1.CompatibilityService/SafeRollbackTargets",
                  AnswerSafeRollbackTargets, *request, *response);
  }

  grpc::Status Resolve(grpc::ServerContext* context, const v1::ResolveRequest* request,
                       v1::ResolveResponse* response) override {
    return Search(context, "/dml.v1.CompatibilityService/Resolve", AnswerResolve, *request,
                  *response);
  }

  grpc::Status WhyNot(grpc::ServerContext* context, const v1::WhyNotRequest* request,
                      v1::WhyNotResponse* response) override {
    return Search(context, "/dml.v1.CompatibilityService/WhyNot", AnswerWhyNot, *request,
                  *response);
  }

  grpc::Status CompatibleVersions(grpc::ServerContext* context,
                                  const v1::CompatibleVersionsRequest* request,
                                  v1::CompatibleVersionsResponse* response) override {
    return Search(context, "/dml.v1.CompatibilityService/CompatibleVersions",
                  AnswerCompatibleVersions, *request, *response);
  }

  grpc::Status CheckEnvironment(grpc::ServerContext* context,
                                const v1::CheckEnvironmentRequest* request,
                                v1::CheckEnvironmentResponse* response) override {
    return Search(context, "/dml.v1.CompatibilityService/CheckEnvironment", AnswerCheckEnvironment,
                  *request, *response);
  }

  grpc::Status PlanUpgradeOrder(grpc::ServerContext* context,
                                const v1::PlanUpgradeOrderRequest* request,
                                v1::PlanUpgradeOrderResponse* response) override {
    return Search(context, "/dml.v1.CompatibilityService/PlanUpgradeOrder", AnswerPlanUpgradeOrder,
                  *request, *response);
  }

  grpc::Status WhatBreaksIf(grpc::ServerContext* context, const v1::WhatBreaksIfRequest* request,
                            v1::WhatBreaksIfResponse* response) override {
    return Search(context, "/dml.v1.CompatibilityService/WhatBreaksIf", AnswerWhatBreaksIf,
                  *request, *response);
  }

  grpc::Status ParseVersion(grpc::ServerContext* context, const v1::ParseVersionRequest* request,
                            v1::ParseVersionResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.CompatibilityService/ParseVersion",
        [&](const Caller&) -> absl::Status {
          DML_ASSIGN_OR_RETURN(VersionScheme scheme, ReadScheme(request->scheme(), "scheme"));
          DML_ASSIGN_OR_RETURN(Version version, ReadVersion(scheme, request->version(), "version"));
          response->set_scheme_revision(std::string(VersionSchemeRevision(scheme)));
          response->set_key(version.key());
          return absl::OkStatus();
        });
  }

  grpc::Status CompareVersions(grpc::ServerContext* context,
                               const v1::CompareVersionsRequest* request,
                               v1::CompareVersionsResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.CompatibilityService/CompareVersions",
        [&](const Caller&) -> absl::Status {
          DML_ASSIGN_OR_RETURN(VersionScheme scheme, ReadScheme(request->scheme(), "scheme"));
          DML_ASSIGN_OR_RETURN(Version left, ReadVersion(scheme, request->left(), "left"));
          DML_ASSIGN_OR_RETURN(Version right, ReadVersion(scheme, request->right(), "right"));
          auto order = Compare(left, right);
          response->set_order(order < 0 ? -1 : order > 0 ? 1 : 0);
          response->set_scheme_revision(std::string(VersionSchemeRevision(scheme)));
          return absl::OkStatus();
        });
  }

  grpc::Status VersionInRange(grpc::ServerContext* context,
                              const v1::VersionInRangeRequest* request,
                              v1::VersionInRangeResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.CompatibilityService/VersionInRange",
        [&](const Caller&) -> absl::Status {
          DML_ASSIGN_OR_RETURN(VersionScheme scheme, ReadScheme(request->scheme(), "scheme"));
          DML_ASSIGN_OR_RETURN(Version version, ReadVersion(scheme, request->version(), "version"));
          auto range = VersionRange::ParseVers(request->range());
          if (!range.ok()) return AtField(range.status(), "range");
          response->set_in_range(range->Contains(version));
          return absl::OkStatus();
        });
  }

 private:
  /// A handler of a question that may take long: it ends when the call does.
  template <typename Request, typename Response>
  grpc::Status Search(grpc::ServerContext* context, const char* method,
                      absl::Status (*answer)(const Question&, const Request&, Response&),
                      const Request& request, Response& response) {
    return Handle(context_.guard, context, method, [&](const Caller& caller) {
      const Question question{context_, caller, [this, context] {
                                return context->IsCancelled() || context_.stopping->load();
                              }};
      return answer(question, request, response);
    });
  }

  static absl::StatusOr<VersionScheme> ReadScheme(const std::string& name, std::string_view field) {
    absl::StatusOr<VersionScheme> scheme = ParseVersionScheme(name);
    if (!scheme.ok()) return AtField(scheme.status(), field);
    return scheme;
  }
  static absl::StatusOr<Version> ReadVersion(VersionScheme scheme, const std::string& text,
                                             std::string_view field) {
    absl::StatusOr<Version> version = Version::Parse(scheme, text);
    if (!version.ok()) return AtField(version.status(), field);
    return version;
  }
  absl::Status Check(const Caller& caller, const v1::CheckSetRequest& request, SolveBudget& budget,
                     v1::CheckSetResponse& response) const {
    DML_ASSIGN_OR_RETURN(auto variants, ReadVariants(request.variants()));
    caller.WillSeeEach();
    for (const VariantName& name : variants) {
      DML_RETURN_IF_ERROR(caller.MayInNamespace(name.package.ns));
    }
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(SetCheck check, CheckSetCompatibility(*snapshot, context_.trust,
                                                               *context_.specs, variants, &budget));
    DML_RETURN_IF_ERROR(CheckStopped(budget));
    DML_ASSIGN_OR_RETURN(
        Slice slice, ReadSlice(request.page_size(), request.page_token(), check.violations.size()));
    bool only_unproven = true;
    for (const Violation& violation : check.violations) {
      only_unproven = only_unproven && violation.kind == ViolationKind::kNotProven;
    }
    response.set_outcome(check.violations.empty() ? v1::COMPATIBILITY_OUTCOME_COMPATIBLE
                         : only_unproven          ? v1::COMPATIBILITY_OUTCOME_NOT_PROVEN
                                                  : v1::COMPATIBILITY_OUTCOME_INCOMPATIBLE);
    for (size_t i = slice.begin; i < slice.end; ++i) {
      wire::To(ToFinding(check.violations[i], Severity::kError, "the set"),
               response.add_violations());
    }
    response.set_violation_count(check.violations.size());
    response.set_next_page_token(slice.next_page_token);
    response.set_index(check.index);
    return absl::OkStatus();
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeCompatibilityService(const ServiceContext& context) {
  return std::make_unique<CompatibilityServiceImpl>(context);
}

}  // namespace dml
