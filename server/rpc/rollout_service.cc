// Rollouts: how releases go through the nodes of environments.
#include "core/wire/api_releases.h"
#include "core/wire/api_rollouts.h"
#include "dml/v1/rollout.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "server/rpc/stall_watch.h"
#include "server/rpc/watch_slot.h"
#include "storage/library/rollouts.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

// Which rollout a request is about.
struct RolloutKey {
  std::string name;
  std::string version;
  std::string environment;
};

std::string EnvironmentThing(std::string_view name) { return fmt::format("environments/{}", name); }

// A machine speaks for itself alone: for the node that its certificate of this library names,
// spiffe://<domain>/principals/NAME. Whoever moves releases speaks for all.
absl::Status MayReport(const Caller& caller, const std::string& environment,
                       const std::string& node) {
  const auto has = [&](RoleSet roles) {
    return std::ranges::any_of(caller.identity().grants, [&](const AccessGrant& grant) {
      const std::optional<Role> role = ParseRole(grant.role);
      return role.has_value() && roles.Has(*role) &&
             ScopeCovers(grant.scope, EnvironmentThing(environment));
    });
  };
  if (has({Role::kDeployer, Role::kReleaseManager, Role::kAdmin})) return absl::OkStatus();
  const std::string& principal = caller.principal();
  const bool is_itself = principal.starts_with("spiffe://") &&
                         caller.identity().method == "certificate" &&
                         principal.ends_with("/principals/" + node);
  if (is_itself && has({Role::kNode})) return absl::OkStatus();
  return PermissionDenied(ErrorReason("NODE_NOT_YOURS"), "{} may not report for node {} in {}",
                          principal, node, environment);
}

class RolloutServiceImpl final : public v1::RolloutService::Service {
 public:
  explicit RolloutServiceImpl(const ServiceContext& context)
      : context_(context), stalls_(context.stall_timeout) {}

  grpc::Status StartRollout(grpc::ServerContext* context, const v1::StartRolloutRequest* request,
                            v1::StartRolloutResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.RolloutService/StartRollout",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(const RolloutKey key, ReadKey(caller, *request));
          DML_ASSIGN_OR_RETURN(const RolloutPlan plan, wire::From(request->plan()));
          DML_RETURN_IF_ERROR(
              Commit(caller, *request, *response, [&](const Reader& state, const Digest& release) {
                return PrepareRollout(state, release, key.environment, request->permit(), plan);
              }));
          return Fill(key, *request, response->mutable_rollout());
        });
  }

  grpc::Status ReportNode(grpc::ServerContext* context, const v1::ReportNodeRequest* request,
                          v1::ReportNodeResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.RolloutService/ReportNode",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(const auto node, wire::ParseNodeResource(request->node()));
          DML_RETURN_IF_ERROR(caller.MayInEnvironment(node.first));
          DML_RETURN_IF_ERROR(MayReport(caller, node.first, node.second));
          DML_ASSIGN_OR_RETURN(const RolloutKey key, ParseKey(*request));
          if (request->stage() <= v1::RolloutNode::STAGE_PENDING ||
              request->stage() > v1::RolloutNode::STAGE_BACKED_OUT) {
            return AtField(InvalidArgument(ErrorReason("STAGE_INVALID"), "say how far it has come"),
                           "stage");
          }
          DML_RETURN_IF_ERROR(
              Commit(caller, *request, *response, [&](const Reader&, const Digest& release) {
                return PrepareReport({release,
                                      key.environment,
                                      request->node(),
                                      static_cast<NodeStage>(request->stage()),
                                      request->reason(),
                                      {}},
                                     request->report());
              }));
          DML_RETURN_IF_ERROR(Fill(key, *request, response->mutable_rollout()));
          auto snapshot = context_.library.Read();
          DML_ASSIGN_OR_RETURN(const auto rollout, Find(*snapshot, key));
          DML_ASSIGN_OR_RETURN(const auto record,
                               LibraryView(*snapshot).FindRolloutNode(
                                   rollout.record.release, key.environment, request->node()));
          if (record.has_value()) wire::To(*record, rollout.record, response->mutable_node());
          return absl::OkStatus();
        });
  }

  grpc::Status PauseRollout(grpc::ServerContext* context, const v1::PauseRolloutRequest* request,
                            v1::PauseRolloutResponse* response) override {
    return Steer(*context, "/dml.v1.RolloutService/PauseRollout", RolloutAction::kPause, "",
                 *request, *response);
  }
  grpc::Status ResumeRollout(grpc::ServerContext* context, const v1::ResumeRolloutRequest* request,
                             v1::ResumeRolloutResponse* response) override {
    return Steer(*context, "/dml.v1.RolloutService/ResumeRollout", RolloutAction::kResume, "",
                 *request, *response);
  }
  grpc::Status AbortRollout(grpc::ServerContext* context, const v1::AbortRolloutRequest* request,
                            v1::AbortRolloutResponse* response) override {
    return Steer(*context, "/dml.v1.RolloutService/AbortRollout", RolloutAction::kAbort,
                 request->reason(), *request, *response);
  }
  grpc::Status BackOutRollout(grpc::ServerContext* context,
                              const v1::BackOutRolloutRequest* request,
                              v1::BackOutRolloutResponse* response) override {
    return Steer(*context, "/dml.v1.RolloutService/BackOutRollout", RolloutAction::kBackOut,
                 request->reason(), *request, *response);
  }

  grpc::Status GetRollout(grpc::ServerContext* context, const v1::GetRolloutRequest* request,
                          v1::GetRolloutResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.RolloutService/GetRollout",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(const RolloutKey key, ReadKey(caller, *request));
                    DML_ASSIGN_OR_RETURN(const wire::NamedRollout rollout,
                                         Find(*context_.library.Read(), key));
                    wire::To(rollout, response->mutable_rollout());
                    return absl::OkStatus();
                  });
  }

  grpc::Status ListRollouts(grpc::ServerContext* context, const v1::ListRolloutsRequest* request,
                            v1::ListRolloutsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.RolloutService/ListRollouts",
                  [&](const Caller& caller) { return List(caller, *request, *response); });
  }

  grpc::Status ListRolloutNodes(grpc::ServerContext* context,
                                const v1::ListRolloutNodesRequest* request,
                                v1::ListRolloutNodesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.RolloutService/ListRolloutNodes",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(const RolloutKey key, ReadKey(caller, *request));
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(const wire::NamedRollout rollout, Find(*snapshot, key));
                    DML_ASSIGN_OR_RETURN(auto found,
                                         ListView(*snapshot).RolloutNodes(rollout.record.release,
                                                                          key.environment, page));
                    for (const RolloutNodeRecord& node : found.items) {
                      wire::To(node, rollout.record, response->add_nodes());
                    }
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

  grpc::Status WatchRollout(grpc::ServerContext* context, const v1::WatchRolloutRequest* request,
                            grpc::ServerWriter<v1::WatchRolloutResponse>* stream) override {
    constexpr char kMethod[] = "/dml.v1.RolloutService/WatchRollout";
    return Handle(context_.guard, context, kMethod, [&](const Caller& caller) -> absl::Status {
      DML_ASSIGN_OR_RETURN(const RolloutKey key, ReadKey(caller, *request));
      StallWatch::Stream watched(stalls_, *context);
      return Watch(*context, kMethod, key, *stream, watched);
    });
  }

 private:
  template <typename Request>
  static absl::StatusOr<RolloutKey> ParseKey(const Request& request) {
    auto parts = wire::ParseReleaseResource(request.release());
    if (!parts.ok()) return AtField(parts.status(), "release");
    auto environment = wire::ParseResource(request.environment(), "environments");
    if (!environment.ok()) return AtField(environment.status(), "environment");
    return RolloutKey{std::move(parts->first), std::move(parts->second), *std::move(environment)};
  }

  // Of an environment where the caller may.
  template <typename Request>
  static absl::StatusOr<RolloutKey> ReadKey(const Caller& caller, const Request& request) {
    DML_ASSIGN_OR_RETURN(RolloutKey key, ParseKey(request));
    DML_RETURN_IF_ERROR(caller.MayInEnvironment(key.environment));
    return key;
  }

  static absl::StatusOr<Digest> FindRelease(const Reader& state, const RolloutKey& key) {
    DML_ASSIGN_OR_RETURN(const auto found, LibraryView(state).FindRelease(key.name, key.version));
    if (found.has_value()) return found->document.digest;
    return NotFound(ErrorReason("RELEASE_NOT_FOUND"), "no {}",
                    wire::ReleaseResource(key.name, key.version));
  }

  static absl::StatusOr<wire::NamedRollout> Find(const Reader& state, const RolloutKey& key) {
    DML_ASSIGN_OR_RETURN(const Digest release, FindRelease(state, key));
    DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindRollout(release, key.environment));
    if (found.has_value()) return wire::NamedRollout{key.name, key.version, *std::move(found)};
    return NotFound(ErrorReason("ROLLOUT_NOT_FOUND"), "there is no rollout of {} in {}",
                    wire::ReleaseResource(key.name, key.version), key.environment);
  }

  // Makes the command on a fresh snapshot, again where what it was made on has changed.
  template <typename Request, typename Response, typename PrepareFn>
  absl::Status Commit(const Caller& caller, const Request& request, Response& response,
                      PrepareFn prepare) const {
    return RetryWhereStale([&]() -> absl::Status {
      auto state = context_.library.Read();
      DML_ASSIGN_OR_RETURN(const RolloutKey key, ParseKey(request));
      DML_ASSIGN_OR_RETURN(const Digest release, FindRelease(*state, key));
      DML_ASSIGN_OR_RETURN(Command command, prepare(*state, release));
      DML_ASSIGN_OR_RETURN(const Receipt receipt,
                           CommitAs(context_, caller, request.request_id(), request.validate_only(),
                                    std::move(command)));
      To(receipt, response.mutable_receipt());
      return absl::OkStatus();
    });
  }

  template <typename Request>
  absl::Status Fill(const RolloutKey& key, const Request& request, v1::Rollout* out) const {
    if (request.validate_only()) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(const wire::NamedRollout rollout, Find(*context_.library.Read(), key));
    wire::To(rollout, out);
    return absl::OkStatus();
  }

  template <typename Request, typename Response>
  grpc::Status Steer(grpc::ServerContext& context, const char* method, RolloutAction action,
                     const std::string& reason, const Request& request, Response& response) const {
    return Handle(context_.guard, &context, method, [&](const Caller& caller) -> absl::Status {
      DML_ASSIGN_OR_RETURN(const RolloutKey key, ReadKey(caller, request));
      DML_RETURN_IF_ERROR(
          Commit(caller, request, response,
                 [&](const Reader&, const Digest& release) -> absl::StatusOr<Command> {
                   Command command;
                   command.payload =
                       RolloutSteered{release, key.environment, action, reason, request.etag()};
                   return command;
                 }));
      return Fill(key, request, response.mutable_rollout());
    });
  }

  absl::Status List(const Caller& caller, const v1::ListRolloutsRequest& request,
                    v1::ListRolloutsResponse& response) const {
    std::string environment;
    if (request.environment().empty()) {
      caller.WillSeeEach();
    } else {
      DML_ASSIGN_OR_RETURN(environment, wire::ParseResource(request.environment(), "environments"));
      DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
    }
    DML_ASSIGN_OR_RETURN(PageRequest page, ReadPage(request.page_size(), request.page_token()));
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).Rollouts(
                                         environment, page, [&](const RolloutRecord& record) {
                                           return caller.Sees(EnvironmentThing(record.environment));
                                         }));
    for (RolloutRecord& record : found.items) {
      DML_ASSIGN_OR_RETURN(const auto release, LibraryView(*snapshot).FindRelease(record.release));
      if (!release.has_value()) continue;
      wire::To(wire::NamedRollout{release->name, release->version, std::move(record)},
               response.add_rollouts());
    }
    response.set_next_page_token(PageToken(found.next_key));
    return absl::OkStatus();
  }

  // Nothing more becomes of it, unless somebody backs it out.
  static bool IsOver(const RolloutRecord& record) {
    return record.progress.state == DeploymentState::kDeployed ||
           record.progress.state == DeploymentState::kBackedOut;
  }

  absl::Status Watch(grpc::ServerContext& call, const char* method, const RolloutKey& key,
                     grpc::ServerWriter<v1::WatchRolloutResponse>& stream,
                     StallWatch::Stream& watched) const {
    DML_ASSIGN_OR_RETURN(const WatchSlot slot, WatchSlot::Take(*context_.watches));
    std::optional<uint64_t> told;
    auto spoken = std::chrono::steady_clock::now();
    while (!call.IsCancelled()) {
      watched.Progress();  // Only a message that is not taken is a stall.
      if (context_.stopping->load()) {
        return Unavailable(ErrorReason("SERVER_STOPPING"), "the daemon stops; watch again later");
      }
      // Judged anew, so that a revocation acts on what comes next.
      DML_ASSIGN_OR_RETURN(const Caller caller, context_.guard.Admit(call, method));
      DML_RETURN_IF_ERROR(caller.MayInEnvironment(key.environment));
      const uint64_t size = context_.library.checkpoint()->checkpoint.size;
      DML_ASSIGN_OR_RETURN(const wire::NamedRollout rollout, Find(*context_.library.Read(), key));
      const auto now = std::chrono::steady_clock::now();
      if (told != rollout.record.index || now - spoken >= kWatchHeartbeat) {
        v1::WatchRolloutResponse message;
        wire::To(rollout, message.mutable_rollout());
        if (!stream.Write(message)) break;
        told = rollout.record.index;
        spoken = now;
      }
      if (IsOver(rollout.record)) return absl::OkStatus();
      context_.library.AwaitCheckpoint(size + 1, kWatchLook);
    }
    return watched.Broken();
  }

  const ServiceContext context_;
  StallWatch stalls_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRolloutService(const ServiceContext& context) {
  return std::make_unique<RolloutServiceImpl>(context);
}

}  // namespace dml
