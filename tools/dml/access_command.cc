// dml auth, dml role, dml token: who may ask what.
#include <fmt/ranges.h>

#include "core/access/access_token.h"
#include "core/access/role.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

std::vector<std::string> Roles() {
  std::vector<std::string> out;
  for (int i = 0; i < kRoleCount; ++i) out.emplace_back(RoleName(static_cast<Role>(i)));
  return out;
}

Json GrantJson(const AccessGrant& grant) { return {{"role", grant.role}, {"scope", grant.scope}}; }
Json GrantsJson(const std::vector<AccessGrant>& grants) {
  Json out = Json::array();
  for (const AccessGrant& grant : grants) out.push_back(GrantJson(grant));
  return out;
}
std::string ScopeWords(const std::string& scope) { return scope.empty() ? "everything" : scope; }
std::string GrantWords(const std::vector<AccessGrant>& grants) {
  std::vector<std::string> words;
  for (const AccessGrant& grant : grants) {
    words.push_back(fmt::format("{} in {}", grant.role, ScopeWords(grant.scope)));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

absl::StatusOr<Reply> WhoAmI(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(CallerIdentity me, client->WhoAmI());
  Reply reply;
  const std::string expires = me.expires.has_value() ? FormatTime(*me.expires) : "";
  reply.document = {{"principal", me.principal},
                    {"displayName", me.display_name},
                    {"method", me.method},
                    {"grants", GrantsJson(me.grants)},
                    {"expires", expires}};
  reply.text.Fields({{"principal", me.principal},
                     {"name", me.display_name},
                     {"by", me.method},
                     {"may act as", me.grants.empty() ? "nobody" : GrantWords(me.grants)},
                     {"until", expires}});
  if (me.grants.empty()) {
    reply.text.Line({"you have no role, so you may ask nothing else", Style::kWarning});
    reply.notes.push_back(fmt::format(
        "an administrator gives you one: dml role grant {} --role reader", me.principal));
  }
  return reply;
}

absl::StatusOr<Reply> Permissions(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  ListPage<MethodPermission> page;
  DML_ASSIGN_OR_RETURN(page.items, client->ListPermissions());
  return ListReply(
      page, {"METHOD", "A GRANT MUST COVER", "ROLES"},
      [](const MethodPermission& item) {
        return Json{{"method", item.method}, {"scope", item.scope}, {"roles", item.roles}};
      },
      [](const MethodPermission& item) {
        return std::vector<Cell>{item.method, item.scope, JoinWords(item.roles)};
      });
}

struct NameArgs {
  std::string principal;
  std::string name;
};

void DeclareName(CLI::App& app, NameArgs& args) {
  app.add_option("principal", args.principal, "As dml auth whoami prints it")->required();
  app.add_option("name", args.name, "Whose it is; left out: the name is erased");
}

absl::StatusOr<Reply> SetName(Context& context, const NameArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_RETURN_IF_ERROR(client->SetPrincipalName(args.principal, args.name));
  Reply reply;
  reply.document = {{"principal", args.principal}, {"displayName", args.name}};
  reply.text.Line(args.name.empty() ? fmt::format("erased the name of {}", args.principal)
                                    : fmt::format("{} is {}", args.principal, args.name));
  return reply;
}

absl::StatusOr<Reply> ListNames(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<NamedPrincipal>(context, "", [&](const ListOptions& options) {
                         return client->ListPrincipalNames(options);
                       }));
  return ListReply(
      page, {"PRINCIPAL", "NAME"},
      [](const NamedPrincipal& item) {
        return Json{{"principal", item.principal}, {"displayName", item.display_name}};
      },
      [](const NamedPrincipal& item) {
        return std::vector<Cell>{item.principal, item.display_name};
      });
}

struct RoleArgs {
  std::string principal;
  std::string role;
  std::string scope;
  std::string reason;
};

void DeclareScope(CLI::App& app, std::string& scope) {
  app.add_option("--scope", scope,
                 "namespaces/NAME or environments/NAME, with what is below; default: everything")
      ->type_name("SCOPE");
}

void DeclareGrant(CLI::App& app, RoleArgs& args) {
  app.add_option("principal", args.principal, "A SPIFFE id, or ISSUER#SUBJECT")->required();
  app.add_option("--role", args.role, "What it may ask")->required()->check(OneOf(Roles()));
  DeclareScope(app, args.scope);
}

void DeclareRevokeRole(CLI::App& app, RoleArgs& args) {
  DeclareGrant(app, args);
  app.add_option("--reason", args.reason, "Why, for everyone who asks later")->required();
}

Reply GrantReply(const RoleArgs& args, const Commit& commit, std::string_view verb) {
  return CommittedReply(
      "grant", {{"principal", args.principal}, {"role", args.role}, {"scope", args.scope}}, commit,
      fmt::format("{} {} in {}: {}", verb, args.role, ScopeWords(args.scope), args.principal));
}

absl::StatusOr<Reply> GrantRole(Context& context, const RoleArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(Commit commit, client->GrantRole(args.principal, {args.role, args.scope}));
  return GrantReply(args, commit, "granted");
}

absl::StatusOr<Reply> RevokeRole(Context& context, const RoleArgs& args) {
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(Commit commit,
                       client->RevokeRole(args.principal, {args.role, args.scope}, args.reason));
  return GrantReply(args, commit, "revoked");
}

absl::StatusOr<Reply> ListRoles(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<GrantRecord>(context, "", [&](const ListOptions& options) {
                         return client->ListGrants(options);
                       }));
  return ListReply(
      page, {"PRINCIPAL", "ROLE", "IN", "SINCE"},
      [](const GrantRecord& item) {
        return Json{{"principal", item.principal},   {"role", item.grant.role},
                    {"scope", item.grant.scope},     {"index", item.index},
                    {"time", FormatTime(item.time)}, {"author", item.author}};
      },
      [](const GrantRecord& item) {
        return std::vector<Cell>{item.principal, item.grant.role, ScopeWords(item.grant.scope),
                                 FormatTime(item.time)};
      });
}

struct TokenArgs {
  std::vector<std::string> roles;
  std::string scope;
  std::string valid_for = "90d";
  std::string out;
  std::string id;
  std::string reason;
};

void DeclareIssue(CLI::App& app, TokenArgs& args) {
  AddRepeated(app, "--role", args.roles, "What its bearer may ask")
      ->required()
      ->check(OneOf(Roles()));
  DeclareScope(app, args.scope);
  app.add_option("--valid-for", args.valid_for, "Until it ends by itself")->type_name("DURATION");
  app.add_option("--out", args.out, "Write the token into this file, for tokenFile of a profile")
      ->type_name("FILE");
}

Json TokenJson(const TokenRecord& record) {
  Json out = {{"id", record.id},
              {"grants", GrantsJson(record.grants)},
              {"expires", FormatTime(record.expires)},
              {"index", record.index},
              {"time", FormatTime(record.time)},
              {"author", record.author},
              {"revoked", record.revoked}};
  if (record.revoked) out["revokeReason"] = record.revoke_reason;
  return out;
}

absl::StatusOr<Reply> Issue(Context& context, const TokenArgs& args) {
  DML_ASSIGN_OR_RETURN(std::chrono::seconds life, ParseDurationArgument(args.valid_for));
  if (life <= std::chrono::seconds(0) || life > kMaxTokenLife) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "--valid-for {}: a token lasts for more than 0s and at most {}d",
                           args.valid_for, kMaxTokenLife.count());
  }
  std::vector<AccessGrant> grants;
  for (const std::string& role : args.roles) grants.push_back({role, args.scope});
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  const Timestamp expires = std::chrono::floor<std::chrono::seconds>(WallClockNow()) + life;
  DML_ASSIGN_OR_RETURN(auto done, client->IssueToken(grants, expires));
  Reply reply = CommittedReply("token", TokenJson(done.value.record), done.commit,
                               "issued token " + done.value.record.id);
  if (args.out.empty()) {
    reply.document["secret"] = done.value.secret;
    reply.text.Fields({{"token", done.value.secret}});
    reply.notes.push_back("this is the only time that the token is shown");
    return reply;
  }
  absl::Status written = WriteFileAtomically(args.out, AsBytes(done.value.secret + "\n"), 0600);
  if (!written.ok()) {
    return Annotate(written, fmt::format("token {} was issued, but its secret is lost; end it with "
                                         "dml token revoke {}",
                                         done.value.record.id, done.value.record.id));
  }
  reply.document["file"] = args.out;
  reply.text.Fields({{"file", args.out}});
  return reply;
}

void DeclareRevokeToken(CLI::App& app, TokenArgs& args) {
  app.add_option("id", args.id, "As dml token list prints it")->required();
  app.add_option("--reason", args.reason, "Why, for everyone who asks later")->required();
}

absl::StatusOr<Reply> RevokeToken(Context& context, const TokenArgs& args) {
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(Commit commit, client->RevokeToken(args.id, args.reason));
  return CommittedReply("token", {{"id", args.id}, {"revoked", true}}, commit,
                        "revoked token " + args.id);
}

absl::StatusOr<Reply> ListTokens(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<TokenRecord>(context, "", [&](const ListOptions& options) {
                         return client->ListTokens(options);
                       }));
  return ListReply(
      page, {"TOKEN", "MAY ACT AS", "UNTIL", "STATE"}, TokenJson, [](const TokenRecord& item) {
        Cell state = item.revoked ? Cell("revoked: " + item.revoke_reason, Style::kWarning)
                     : item.expires <= WallClockNow() ? Cell("ended", Style::kFaint)
                                                      : Cell("valid", Style::kGood);
        return std::vector<Cell>{item.id, GrantWords(item.grants), FormatTime(item.expires), state};
      });
}

}  // namespace

void AddAccessCommands(CommandTree& tree) {
  CLI::App& auth = tree.AddNoun("auth", "Who you are to the library, and who may ask what");
  tree.Add(auth, {"whoami", "Who you are, and what you may do", "dml auth whoami"}, WhoAmI);
  tree.Add(auth,
           {"permissions", "Every method with the roles that may call it", "dml auth permissions"},
           Permissions);
  tree.Add<NameArgs>(auth,
                     {"name", "Tell, or erase, whose principal it is",
                      "dml auth name spiffe://library.example/principals/p7 'Pat Moss'"},
                     DeclareName, SetName);
  tree.Add(auth, {"names", "List the names of principals", "dml auth names --all"}, ListNames);

  CLI::App& role = tree.AddNoun("role", "Roles of principals");
  tree.Add<RoleArgs>(role,
                     {"grant", "Let a principal act in a role",
                      "dml role grant spiffe://library.example/principals/pat --role publisher "
                      "--scope namespaces/acme"},
                     DeclareGrant, GrantRole);
  tree.Add<RoleArgs>(role,
                     {"revoke", "Take a granted role away, from the next call on",
                      "dml role revoke spiffe://library.example/principals/pat --role publisher "
                      "--scope namespaces/acme --reason 'left the team'"},
                     DeclareRevokeRole, RevokeRole);
  tree.Add(role, {"list", "List what was granted", "dml role list --all"}, ListRoles);

  CLI::App& token = tree.AddNoun("token", "Tokens for programs");
  tree.Add<TokenArgs>(token,
                      {"issue", "Make a token that acts in some roles",
                       "dml token issue --role publisher --scope namespaces/acme --valid-for 90d "
                       "--out ci.token"},
                      DeclareIssue, Issue);
  tree.Add<TokenArgs>(token,
                      {"revoke", "End a token, from the next call on",
                       "dml token revoke 6f1d0c2a9b3e4857 --reason 'found in a log'"},
                      DeclareRevokeToken, RevokeToken);
  tree.Add(token, {"list", "List tokens, without their secrets", "dml token list --all"},
           ListTokens);
}

}  // namespace dml
