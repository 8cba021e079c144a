// dml environment create|list|show, dml node create|list|show.
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct CreateArgs {
  std::string name;
  std::string environment;  // Of a node.
  std::string description;  // Of an environment.
  std::vector<std::string> labels;
};

void DeclareLabels(CLI::App& app, CreateArgs& args) {
  AddRepeated(app, "--label", args.labels, "KEY=VALUE")->type_name("LABEL");
}

void DeclareCreateEnvironment(CLI::App& app, CreateArgs& args) {
  app.add_option("name", args.name, "The environment, such as production/eu")->required();
  app.add_option("--description", args.description, "What it is for");
  DeclareLabels(app, args);
}

absl::StatusOr<Reply> CreateEnvironment(Context& context, const CreateArgs& args) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.name));
  DML_ASSIGN_OR_RETURN(Labels labels, ParseLabels(args.labels));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, client->CreateEnvironment(args.name, args.description, labels));
  Reply reply = CommittedReply("environment", ToJson(done.value), done.commit,
                               "created environment " + done.value.name);
  const bool inherits = done.value.name.find('/') != std::string::npos;
  reply.notes.push_back((inherits ? "the policy of its nearest parent holds there; one of its own: "
                                  : "nothing is allowed there before it has a policy: ") +
                        ("dml policy set --environment " + done.value.name) + " FILE");
  return reply;
}

void DeclareCreateNode(CLI::App& app, CreateArgs& args) {
  app.add_option("name", args.name, "The node, such as its host name")->required();
  app.add_option("--environment", args.environment, "Where it is")->required();
  DeclareLabels(app, args);
}

absl::StatusOr<Reply> CreateNode(Context& context, const CreateArgs& args) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_RETURN_IF_ERROR(ValidateNodeName(args.name));
  DML_ASSIGN_OR_RETURN(Labels labels, ParseLabels(args.labels));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, client->CreateNode(args.environment, args.name, labels));
  return CommittedReply(
      "node", ToJson(done.value), done.commit,
      fmt::format("created node {} in {}", done.value.name, done.value.environment));
}

void DeclareShowEnvironment(CLI::App& app, CreateArgs& args) {
  app.add_option("name", args.name, "The environment, such as production/eu")->required();
}

absl::StatusOr<Reply> ShowEnvironment(Context& context, const CreateArgs& args) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.name));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(EnvironmentRecord record, client->GetEnvironment(args.name));
  Reply reply;
  reply.document = {{"environment", ToJson(record)}};
  reply.text.Fields({{"environment", {record.name, Style::kStrong}},
                     {"created", FormatTime(record.created_time)},
                     {"description", record.description},
                     {"labels", JoinLabels(record.labels)}});
  return reply;
}

void DeclareShowNode(CLI::App& app, CreateArgs& args) {
  app.add_option("name", args.name, "The node")->required();
  app.add_option("--environment", args.environment, "Where it is")->required();
}

absl::StatusOr<Reply> ShowNode(Context& context, const CreateArgs& args) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_RETURN_IF_ERROR(ValidateNodeName(args.name));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(NodeRecord record, client->GetNode(args.environment, args.name));
  Reply reply;
  reply.document = {{"node", ToJson(record)}};
  reply.text.Fields({{"node", {record.name, Style::kStrong}},
                     {"environment", record.environment},
                     {"created", FormatTime(record.created_time)},
                     {"labels", JoinLabels(record.labels)}});
  return reply;
}

absl::StatusOr<Reply> ListEnvironments(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<EnvironmentRecord>(context, "", [&](const ListOptions& options) {
                         return client->ListEnvironments(options);
                       }));
  return ListReply(
      page, {"ENVIRONMENT", "CREATED", "DESCRIPTION", "LABELS"},
      [](const EnvironmentRecord& item) { return ToJson(item); },
      [](const EnvironmentRecord& item) {
        return std::vector<Cell>{item.name, FormatTime(item.created_time), item.description,
                                 JoinLabels(item.labels)};
      });
}

struct ListNodesArgs {
  std::string environment;
};

void DeclareListNodes(CLI::App& app, ListNodesArgs& args) {
  app.add_option("--environment", args.environment, "Where they are")->required();
}

absl::StatusOr<Reply> ListNodes(Context& context, const ListNodesArgs& args) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<NodeRecord>(context, "", [&](const ListOptions& options) {
                         return client->ListNodes(args.environment, options);
                       }));
  return ListReply(
      page, {"NODE", "CREATED", "LABELS"}, [](const NodeRecord& item) { return ToJson(item); },
      [](const NodeRecord& item) {
        return std::vector<Cell>{item.name, FormatTime(item.created_time), JoinLabels(item.labels)};
      });
}

}  // namespace

void AddEnvironmentCommands(CommandTree& tree) {
  CLI::App& environment = tree.AddNoun("environment", "Places where software is deployed");
  tree.Add<CreateArgs>(
      environment,
      {"create", "Create an environment", "dml environment create production/eu --label tier=1"},
      DeclareCreateEnvironment, CreateEnvironment);
  tree.Add(environment, {"list", "List environments", "dml environment list"}, ListEnvironments);
  tree.Add<CreateArgs>(environment,
                       {"show", "One environment's details", "dml environment show production/eu"},
                       DeclareShowEnvironment, ShowEnvironment);
  CLI::App& node = tree.AddNoun("node", "Machines in an environment");
  tree.Add<CreateArgs>(
      node,
      {"create", "Create a node", "dml node create web-1.example.com --environment production/eu"},
      DeclareCreateNode, CreateNode);
  tree.Add<CreateArgs>(
      node, {"show", "One node's details", "dml node show web-1 --environment production/eu"},
      DeclareShowNode, ShowNode);
  tree.Add<ListNodesArgs>(node,
                          {"list", "List the nodes of an environment",
                           "dml node list --environment production/eu --all"},
                          DeclareListNodes, ListNodes);
}

}  // namespace dml
