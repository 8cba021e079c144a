// May a set go to an environment now?
#include "dml/v1/gate.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/library/decision.h"

namespace dml {
namespace {

class GateServiceImpl final : public v1::GateService::Service {
 public:
  explicit GateServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status Evaluate(grpc::ServerContext* context, const v1::EvaluateRequest* request,
                        v1::EvaluateResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.GateService/Evaluate",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(auto variants, ReadVariants(request->variants()));
          DML_ASSIGN_OR_RETURN(std::string environment,
                               wire::ParseResource(request->environment(), "environments"));
          DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
          auto snapshot = context_.library.Read();
          DML_ASSIGN_OR_RETURN(GateDecision decision,
                               EvaluateGate(*snapshot, context_.trust, *context_.policies, variants,
                                            environment, WallClockNow()));
          const std::vector<Finding>& findings = decision.result.findings;
          context_.TellDecision("set", decision.result.decision == Decision::kAllow, findings);
          DML_ASSIGN_OR_RETURN(
              Slice slice, ReadSlice(request->page_size(), request->page_token(), findings.size()));
          response->set_decision(decision.result.decision == Decision::kAllow ? v1::DECISION_ALLOW
                                                                              : v1::DECISION_DENY);
          for (size_t i = slice.begin; i < slice.end; ++i) {
            wire::To(findings[i], response->add_findings());
          }
          response->set_next_page_token(slice.next_page_token);
          response->set_finding_count(findings.size());
          response->set_index(decision.index);
          response->set_policy_environment(decision.policy_environment);
          response->set_policy_revision(decision.policy_revision);
          response->set_license_list_version(decision.license_list_version);
          response->set_license_properties_version(decision.license_properties_version);
          response->set_findings_digest(decision.findings_digest.ToString());
          wire::To(decision.time, response->mutable_time());
          return absl::OkStatus();
        });
  }

 private:
  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeGateService(const ServiceContext& context) {
  return std::make_unique<GateServiceImpl>(context);
}

}  // namespace dml
