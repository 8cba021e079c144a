// Environments, nodes and policies.
#include "core/crypto/sha256.h"
#include "core/gate/policy.h"
#include "dml/v1/environment.grpc.pb.h"
#include "dml/v1/policy.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/library/license_data.h"
#include "storage/library/policy_lock_out.h"
#include "storage/library/policy_signatures.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

class EnvironmentServiceImpl final : public v1::EnvironmentService::Service {
 public:
  explicit EnvironmentServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status CreateEnvironment(grpc::ServerContext* context,
                                 const v1::CreateEnvironmentRequest* request,
                                 v1::CreateEnvironmentResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.EnvironmentService/CreateEnvironment",
        [&](const Caller& caller) -> absl::Status {
          Command command;
          command.payload = EnvironmentCreated{request->environment(), request->description(),
                                               wire::From(request->labels())};
          DML_ASSIGN_OR_RETURN(Receipt receipt,
                               CommitAs(context_, caller, request->request_id(),
                                        request->validate_only(), std::move(command)));
          To(receipt, response->mutable_receipt());
          wire::To(EnvironmentRecord{request->environment(), request->description(),
                                     wire::From(request->labels()), receipt.index, receipt.time},
                   response->mutable_environment());
          return absl::OkStatus();
        });
  }

  grpc::Status GetEnvironment(grpc::ServerContext* context,
                              const v1::GetEnvironmentRequest* request,
                              v1::GetEnvironmentResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.EnvironmentService/GetEnvironment",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(std::string name,
                                         wire::ParseResource(request->name(), "environments"));
                    DML_RETURN_IF_ERROR(caller.MayInEnvironment(name));
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(EnvironmentRecord record, Find(*snapshot, name));
                    wire::To(record, response->mutable_environment());
                    return absl::OkStatus();
                  });
  }

  grpc::Status ListEnvironments(grpc::ServerContext* context,
                                const v1::ListEnvironmentsRequest* request,
                                v1::ListEnvironmentsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.EnvironmentService/ListEnvironments",
                  [&](const Caller& caller) -> absl::Status {
                    caller.WillSeeEach();
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(auto found,
                                         ListView(*snapshot).Environments(
                                             page, [&](const EnvironmentRecord& record) {
                                               return caller.Sees("environments/" + record.name);
                                             }));
                    FillItems(found, response->mutable_environments());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

  grpc::Status CreateNode(grpc::ServerContext* context, const v1::CreateNodeRequest* request,
                          v1::CreateNodeResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.EnvironmentService/CreateNode",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(std::string environment,
                               wire::ParseResource(request->environment(), "environments"));
          DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
          Labels labels = wire::From(request->labels());
          Command command;
          command.payload = NodeCreated{environment, request->node(), labels};
          DML_ASSIGN_OR_RETURN(Receipt receipt,
                               CommitAs(context_, caller, request->request_id(),
                                        request->validate_only(), std::move(command)));
          To(receipt, response->mutable_receipt());
          wire::To(NodeRecord{environment, request->node(), labels, receipt.index, receipt.time},
                   response->mutable_node());
          return absl::OkStatus();
        });
  }

  grpc::Status GetNode(grpc::ServerContext* context, const v1::GetNodeRequest* request,
                       v1::GetNodeResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.EnvironmentService/GetNode",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(auto names, wire::ParseNodeResource(request->name()));
                    DML_RETURN_IF_ERROR(caller.MayInEnvironment(names.first));
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(
                        auto found, LibraryView(*snapshot).FindNode(names.first, names.second));
                    if (!found.has_value()) {
                      return NotFound(ErrorReason("NODE_NOT_FOUND"), "no {}", request->name());
                    }
                    wire::To(*found, response->mutable_node());
                    return absl::OkStatus();
                  });
  }

  grpc::Status ListNodes(grpc::ServerContext* context, const v1::ListNodesRequest* request,
                         v1::ListNodesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.EnvironmentService/ListNodes",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(
                        std::string environment,
                        wire::ParseResource(request->environment(), "environments"));
                    DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    DML_RETURN_IF_ERROR(Find(*snapshot, environment).status());
                    DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).Nodes(environment, page));
                    FillItems(found, response->mutable_nodes());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

 private:
  static absl::StatusOr<EnvironmentRecord> Find(const Reader& state, const std::string& name) {
    DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindEnvironment(name));
    if (!found.has_value()) {
      return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"), "no environment {}", name);
    }
    return *std::move(found);
  }

  const ServiceContext context_;
};

class PolicyServiceImpl final : public v1::PolicyService::Service {
 public:
  explicit PolicyServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status GetPolicy(grpc::ServerContext* context, const v1::GetPolicyRequest* request,
                         v1::GetPolicyResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.PolicyService/GetPolicy",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(std::string environment,
                               wire::ParseResource(request->environment(), "environments"));
          DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
          auto snapshot = context_.library.Read();
          LibraryView view(*snapshot);
          DML_ASSIGN_OR_RETURN(auto known, view.FindEnvironment(environment));
          if (!known.has_value()) {
            return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"), "no environment {}", environment);
          }
          DML_ASSIGN_OR_RETURN(auto found, view.FindPolicyInForce(environment));
          if (!found.has_value()) {
            return NotFound(ErrorReason("POLICY_NOT_FOUND"),
                            "neither {} nor a parent has a policy, so everything is denied "
                            "there; write one with: dml policy init",
                            environment);
          }
          wire::To(*found, response->mutable_policy());
          DML_ASSIGN_OR_RETURN(*response->mutable_policy()->mutable_document(),
                               ReadMetadata(*snapshot, found->document));
          if (found->envelope.size == 0) return absl::OkStatus();
          DML_ASSIGN_OR_RETURN(*response->mutable_policy()->mutable_envelope(),
                               ReadMetadata(*snapshot, found->envelope));
          return absl::OkStatus();
        });
  }

  grpc::Status SetPolicy(grpc::ServerContext* context, const v1::SetPolicyRequest* request,
                         v1::SetPolicyResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.PolicyService/SetPolicy",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(std::string environment,
                               wire::ParseResource(request->environment(), "environments"));
          DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
          const std::string& document = request->document();
          BlobRef ref{Sha256(document), document.size()};
          Receipt receipt;
          DML_RETURN_IF_ERROR(RetryWhereStale([&]() -> absl::Status {
            auto state = context_.library.Read();
            const auto policy = context_.policies->Parse(*state, document);
            if (!policy.ok()) return AtField(policy.status(), "document");
            DML_RETURN_IF_ERROR(
                CheckLockOut(*state, *policy->policy, environment, request->force_reason()));
            Command command;
            DML_ASSIGN_OR_RETURN(StampSeen seen, SeenLicenseData(*state));
            command.decided_on.push_back(std::move(seen));
            command.payload =
                PolicySet{environment, ref, request->etag(), {}, request->force_reason()};
            command.metadata = {document};
            if (!request->envelope().empty()) {
              DML_RETURN_IF_ERROR(Sign(*state, *policy->policy, request->envelope(), command));
            }
            DML_ASSIGN_OR_RETURN(receipt, CommitAs(context_, caller, request->request_id(),
                                                   request->validate_only(), std::move(command)));
            return absl::OkStatus();
          }));
          To(receipt, response->mutable_receipt());
          if (request->validate_only()) return absl::OkStatus();
          auto snapshot = context_.library.Read();
          DML_ASSIGN_OR_RETURN(auto found, LibraryView(*snapshot).FindPolicy(environment));
          if (found.has_value()) wire::To(*found, response->mutable_policy());
          response->mutable_policy()->set_document(document);
          response->mutable_policy()->set_envelope(request->envelope());
          return absl::OkStatus();
        });
  }

 private:
  absl::Status Sign(const Reader& state, const Policy& policy, const std::string& envelope,
                    Command& command) const {
    DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(state));
    DML_ASSIGN_OR_RETURN(const auto trust, context_.trust.Get(state, now));
    return AddPolicySignature(state, *trust, policy, envelope, command);
  }

  absl::Status CheckLockOut(const Reader& state, const Policy& policy,
                            const std::string& environment, const std::string& force_reason) const {
    DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(state));
    const auto trust = context_.trust.Get(state, now);
    if (!trust.ok() && Reason(trust.status()) != "ROOT_MISSING") return trust.status();
    return RequireNoLockOut(state, trust.ok() ? trust->get() : nullptr, policy, environment, now,
                            force_reason);
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEnvironmentService(const ServiceContext& context) {
  return std::make_unique<EnvironmentServiceImpl>(context);
}
std::unique_ptr<grpc::Service> MakePolicyService(const ServiceContext& context) {
  return std::make_unique<PolicyServiceImpl>(context);
}

}  // namespace dml
