// dml namespace create|show|list; retention is in retention_command.cc.
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct CreateArgs {
  std::string name;
  std::string description;
  std::vector<std::string> labels;
};

void DeclareCreate(CLI::App& app, CreateArgs& args) {
  app.add_option("name", args.name, "The namespace")->required();
  app.add_option("--description", args.description, "What it is for");
  AddRepeated(app, "--label", args.labels, "KEY=VALUE")->type_name("LABEL");
}

absl::StatusOr<Reply> Create(Context& context, const CreateArgs& args) {
  DML_RETURN_IF_ERROR(ValidateNamespace(args.name));
  DML_ASSIGN_OR_RETURN(Labels labels, ParseLabels(args.labels));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, client->CreateNamespace(args.name, args.description, labels));
  return CommittedReply("namespace", ToJson(done.value), done.commit,
                        "created namespace " + done.value.name);
}

void DeclareShow(CLI::App& app, CreateArgs& args) {
  app.add_option("name", args.name, "The namespace")->required();
}

absl::StatusOr<Reply> Show(Context& context, const CreateArgs& args) {
  DML_RETURN_IF_ERROR(ValidateNamespace(args.name));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(NamespaceRecord record, client->GetNamespace(args.name));
  Reply reply;
  reply.document = {{"namespace", ToJson(record)}};
  reply.text.Fields({{"namespace", {record.name, Style::kStrong}},
                     {"created", FormatTime(record.created_time)},
                     {"description", record.description},
                     {"labels", JoinLabels(record.labels)}});
  return reply;
}

absl::StatusOr<Reply> List(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<NamespaceRecord>(context, "", [&](const ListOptions& options) {
                         return client->ListNamespaces(options);
                       }));
  return ListReply(
      page, {"NAMESPACE", "CREATED", "DESCRIPTION", "LABELS"},
      [](const NamespaceRecord& item) { return ToJson(item); },
      [](const NamespaceRecord& item) {
        return std::vector<Cell>{item.name, FormatTime(item.created_time), item.description,
                                 JoinLabels(item.labels)};
      });
}

}  // namespace

void AddNamespaceCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("namespace", "Namespaces, which own packages");
  tree.Add<CreateArgs>(noun,
                       {"create", "Create a namespace",
                        "dml namespace create acme --description \"Acme's own software\""},
                       DeclareCreate, Create);
  tree.Add<CreateArgs>(noun, {"show", "One namespace's details", "dml namespace show acme"},
                       DeclareShow, Show);
  tree.Add(noun, {"list", "List namespaces", "dml namespace list --all"}, List);
  AddRetentionCommands(tree, noun);
}

}  // namespace dml
