// Roles, tokens and names of principals.
#include "core/access/access_token.h"
#include "core/crypto/sha256.h"
#include "core/wire/api_trust.h"
#include "dml/v1/access.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

class AccessServiceImpl final : public v1::AccessService::Service {
 public:
  explicit AccessServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest*,
                      v1::WhoAmIResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AccessService/WhoAmI",
                  [&](const Caller& caller) -> absl::Status {
                    const Identity& identity = caller.identity();
                    response->set_principal(identity.principal);
                    response->set_method(identity.method);
                    for (const AccessGrant& grant : identity.grants) {
                      wire::To(grant, response->add_grants());
                    }
                    if (identity.expires != std::chrono::sys_seconds::max()) {
                      wire::To(Timestamp(identity.expires), response->mutable_expire_time());
                    }
                    response->set_display_name(context_.names.Find(identity.principal));
                    return absl::OkStatus();
                  });
  }

  grpc::Status ListPermissions(grpc::ServerContext* context, const v1::ListPermissionsRequest*,
                               v1::ListPermissionsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AccessService/ListPermissions",
                  [&](const Caller&) -> absl::Status {
                    for (const AuthorizationRow& row : AuthorizationTable()) {
                      v1::Permission* out = response->add_permissions();
                      out->set_method(std::string(row.method));
                      out->set_scope(std::string(ScopeKindName(row.scope)));
                      for (int i = 0; i < kRoleCount; ++i) {
                        const auto role = static_cast<Role>(i);
                        if (row.roles.Has(role)) out->add_roles(std::string(RoleName(role)));
                      }
                    }
                    return absl::OkStatus();
                  });
  }

  grpc::Status GrantRole(grpc::ServerContext* context, const v1::GrantRoleRequest* request,
                         v1::GrantRoleResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AccessService/GrantRole",
                  [&](const Caller& caller) {
                    return Answer(context_, caller, *request, *response,
                                  RoleGranted{request->principal(), wire::From(request->grant())});
                  });
  }

  grpc::Status RevokeRole(grpc::ServerContext* context, const v1::RevokeRoleRequest* request,
                          v1::RevokeRoleResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.AccessService/RevokeRole", [&](const Caller& caller) {
          return Answer(
              context_, caller, *request, *response,
              RoleRevoked{request->principal(), wire::From(request->grant()), request->reason()});
        });
  }

  grpc::Status ListGrants(grpc::ServerContext* context, const v1::ListGrantsRequest* request,
                          v1::ListGrantsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AccessService/ListGrants",
                  [&](const Caller&) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).Grants(page));
                    FillItems(found, response->mutable_grants());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

  grpc::Status IssueToken(grpc::ServerContext* context, const v1::IssueTokenRequest* request,
                          v1::IssueTokenResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AccessService/IssueToken",
                  [&](const Caller& caller) { return Issue(caller, *request, *response); });
  }

  grpc::Status RevokeToken(grpc::ServerContext* context, const v1::RevokeTokenRequest* request,
                           v1::RevokeTokenResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AccessService/RevokeToken",
                  [&](const Caller& caller) {
                    return Answer(context_, caller, *request, *response,
                                  TokenRevoked{request->id(), request->reason()});
                  });
  }

  grpc::Status ListTokens(grpc::ServerContext* context, const v1::ListTokensRequest* request,
                          v1::ListTokensResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AccessService/ListTokens",
                  [&](const Caller&) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).Tokens(page));
                    FillItems(found, response->mutable_tokens());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

  grpc::Status SetPrincipalName(grpc::ServerContext* context,
                                const v1::SetPrincipalNameRequest* request,
                                v1::SetPrincipalNameResponse*) override {
    return Handle(
        context_.guard, context, "/dml.v1.AccessService/SetPrincipalName", [&](const Caller&) {
          return context_.names.Set(request->name().principal(), request->name().display_name());
        });
  }

  grpc::Status ListPrincipalNames(grpc::ServerContext* context,
                                  const v1::ListPrincipalNamesRequest* request,
                                  v1::ListPrincipalNamesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AccessService/ListPrincipalNames",
                  [&](const Caller&) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    DML_ASSIGN_OR_RETURN(auto found, context_.names.List(page));
                    for (const PrincipalName& name : found.items) {
                      v1::PrincipalName* out = response->add_names();
                      out->set_principal(name.principal);
                      out->set_display_name(name.display_name);
                    }
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

 private:
  absl::Status Issue(const Caller& caller, const v1::IssueTokenRequest& request,
                     v1::IssueTokenResponse& response) const {
    const AccessToken token = NewAccessToken();
    TokenIssued issued;
    issued.id = token.id;
    issued.secret = Sha256(token.secret);
    for (const v1::AccessGrant& grant : request.grants()) {
      issued.grants.push_back(wire::From(grant));
    }
    std::ranges::sort(issued.grants);
    issued.grants.erase(std::unique(issued.grants.begin(), issued.grants.end()),
                        issued.grants.end());
    issued.expires = wire::From(request.expire_time());
    DML_RETURN_IF_ERROR(Answer(context_, caller, request, response, issued));
    if (request.validate_only()) return absl::OkStatus();
    TokenRecord record;
    record.id = issued.id;
    record.grants = issued.grants;
    record.expires = issued.expires;
    record.index = response.receipt().index();
    record.time = wire::From(response.receipt().time());
    record.author = caller.principal();
    wire::To(record, response.mutable_token());
    response.set_secret(FormatAccessToken(token));
    return absl::OkStatus();
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAccessService(const ServiceContext& context) {
  return std::make_unique<AccessServiceImpl>(context);
}

}  // namespace dml
