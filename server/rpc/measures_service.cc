// Measures, and what was found of releases after they were let go.
#include "core/gate/policy.h"
#include "core/wire/api_measures.h"
#include "core/wire/api_releases.h"
#include "dml/v1/measures.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/library/reevaluation.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

std::string EnvironmentThing(std::string_view name) { return fmt::format("environments/{}", name); }

absl::StatusOr<std::optional<Timestamp>> ReadTime(bool is_there,
                                                  const google::protobuf::Timestamp& in,
                                                  std::string_view field) {
  // What google.protobuf.Timestamp may hold: 0001-01-01 to 9999-12-31.
  constexpr int64_t kFirstSecond = -62'135'596'800;
  constexpr int64_t kLastSecond = 253'402'300'799;
  if (!is_there) return std::nullopt;
  if (in.seconds() >= kFirstSecond && in.seconds() <= kLastSecond) return wire::From(in);
  return AtField(InvalidArgument(ErrorReason("TIME_INVALID"), "is not in the years 1 to 9999"),
                 field);
}

class MeasuresServiceImpl final : public v1::MeasuresService::Service {
 public:
  explicit MeasuresServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status GetMeasures(grpc::ServerContext* context, const v1::GetMeasuresRequest* request,
                           v1::GetMeasuresResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.MeasuresService/GetMeasures",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(const MeasuresQuestion question, ReadQuestion(caller, *request));
          DML_ASSIGN_OR_RETURN(const MeasuresAnswer answer,
                               context_.history->Compute(*context_.library.Read(), question));
          for (const MeasuredPeriod& period : answer.periods) {
            wire::To(period, response->add_periods());
          }
          response->set_index(answer.index);
          wire::To(answer.time, response->mutable_time());
          return absl::OkStatus();
        });
  }

  grpc::Status ListMeasureDefinitions(grpc::ServerContext* context,
                                      const v1::ListMeasureDefinitionsRequest*,
                                      v1::ListMeasureDefinitionsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.MeasuresService/ListMeasureDefinitions",
                  [&](const Caller&) -> absl::Status {
                    for (const MeasureDefinition& definition : MeasureDefinitions()) {
                      wire::To(definition, response->add_definitions());
                    }
                    return absl::OkStatus();
                  });
  }

  grpc::Status ListFindings(grpc::ServerContext* context, const v1::ListFindingsRequest* request,
                            v1::ListFindingsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.MeasuresService/ListFindings",
                  [&](const Caller& caller) { return List(caller, *request, *response); });
  }

 private:
  static absl::StatusOr<MeasuresQuestion> ReadQuestion(const Caller& caller,
                                                       const v1::GetMeasuresRequest& request) {
    MeasuresQuestion out;
    if (request.environment().empty()) {
      caller.WillSeeEach();
    } else {
      auto environment = wire::ParseResource(request.environment(), "environments");
      if (!environment.ok()) return AtField(environment.status(), "environment");
      DML_RETURN_IF_ERROR(caller.MayInEnvironment(*environment));
      out.environment = *std::move(environment);
    }
    if (!request.service().empty()) {
      const absl::Status good = ValidatePackagePattern(request.service());
      if (!good.ok()) {
        return AtField(InvalidArgument(ErrorReason("SERVICE_INVALID"),
                                       "is no package 'namespace/name', '*' at the end at most"),
                       "service");
      }
      out.service = request.service();
    }
    DML_ASSIGN_OR_RETURN(out.from, ReadTime(request.has_from(), request.from(), "from"));
    DML_ASSIGN_OR_RETURN(out.until, ReadTime(request.has_until(), request.until(), "until"));
    if (!v1::GetMeasuresRequest::By_IsValid(request.by())) {
      return AtField(InvalidArgument(ErrorReason("ENUM_UNKNOWN"), "is no length of periods"), "by");
    }
    out.by = static_cast<MeasureSpan>(request.by() + 1);
    out.sees = [&caller](std::string_view environment) {
      return caller.Sees(EnvironmentThing(environment));
    };
    out.sees_library = caller.SeesAll();
    return out;
  }

  absl::Status List(const Caller& caller, const v1::ListFindingsRequest& request,
                    v1::ListFindingsResponse& response) const {
    std::string environment;
    if (request.environment().empty()) {
      caller.WillSeeEach();
    } else {
      DML_ASSIGN_OR_RETURN(environment, wire::ParseResource(request.environment(), "environments"));
      DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
    }
    DML_ASSIGN_OR_RETURN(PageRequest page, ReadPage(request.page_size(), request.page_token()));
    auto state = context_.library.Read();
    DML_ASSIGN_OR_RETURN(
        auto found,
        ListView(*state).Reevaluations(environment, page, [&](const ReevaluationRecord& record) {
          return record.found.findings > 0 &&
                 caller.Sees(EnvironmentThing(record.found.environment));
        }));
    for (const ReevaluationRecord& record : found.items) {
      DML_RETURN_IF_ERROR(Fill(*state, record, *response.add_releases()));
    }
    response.set_next_page_token(PageToken(found.next_key));
    return absl::OkStatus();
  }

  static absl::Status Fill(const Reader& state, const ReevaluationRecord& record,
                           v1::ReleaseFindings& out) {
    DML_ASSIGN_OR_RETURN(const auto release, LibraryView(state).FindRelease(record.found.release));
    if (release.has_value()) {
      out.set_release(wire::ReleaseResource(release->name, release->version));
    }
    out.set_environment(wire::EnvironmentResource(record.found.environment));
    DML_ASSIGN_OR_RETURN(const std::vector<Finding> findings,
                         ReadReevaluation(state, record.found));
    for (const Finding& finding : findings) wire::To(finding, out.add_findings());
    out.set_new_findings(record.found.new_findings);
    out.set_journal_size(record.found.journal_size);
    out.set_index(record.index);
    wire::To(record.time, out.mutable_time());
    return absl::OkStatus();
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeMeasuresService(const ServiceContext& context) {
  return std::make_unique<MeasuresServiceImpl>(context);
}

}  // namespace dml
