// dml namespace retention set|show.
#include "core/rules/retention.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct SetArgs {
  std::string name;
  std::string keep;
  uint32_t versions = 0;
  std::string age;
  bool collect_withdrawn = false;
  std::string grace;
  std::string etag;
};

void DeclareSet(CLI::App& app, SetArgs& args) {
  app.add_option("name", args.name, "The namespace")->required();
  app.add_option("--keep", args.keep,
                 "everything, matching (what --keep-versions or --keep-age names) or only-held "
                 "(nothing but what something else names); default: matching where one of these "
                 "is given")
      ->check(OneOf({"everything", "matching", "only-held"}))
      ->type_name("WHAT");
  app.add_option("--keep-versions", args.versions,
                 "Keep the payload of the N highest live versions of each package")
      ->check(WholeNumber("a number of versions", 1, kMaxKeepVersions))
      ->type_name("N");
  app.add_option("--keep-age", args.age, "Keep what was published within this time, such as 90d")
      ->type_name("TIME");
  app.add_flag("--collect-withdrawn", args.collect_withdrawn,
               "Let the payload of withdrawn versions go");
  app.add_option("--withdrawn-grace", args.grace, "So long after their withdrawal, such as 30d")
      ->type_name("TIME");
  app.add_option("--etag", args.etag,
                 "Of the policy that it replaces, as dml namespace retention show prints it; none "
                 "for the first");
}

absl::StatusOr<RetentionPolicy> PolicyOf(const SetArgs& args) {
  RetentionPolicy policy;
  policy.keep_versions = args.versions;
  if (!args.age.empty()) {
    DML_ASSIGN_OR_RETURN(policy.keep_age, ParseDurationArgument(args.age));
  }
  policy.collect_withdrawn = args.collect_withdrawn;
  if (!args.grace.empty()) {
    DML_ASSIGN_OR_RETURN(policy.withdrawn_grace, ParseDurationArgument(args.grace));
  }
  const bool matches = args.versions > 0 || !args.age.empty();
  if (args.keep == "matching" || (args.keep.empty() && matches)) {
    policy.keep = RetentionKeep::kMatching;
  } else if (args.keep == "only-held") {
    policy.keep = RetentionKeep::kOnlyHeld;
  } else if (args.keep.empty() && !args.collect_withdrawn) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "say what is kept: --keep-versions, --keep-age or --keep");
  }
  const absl::Status valid = ValidateRetention(policy);
  if (valid.ok()) return policy;
  return InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "{}", Message(valid));
}

std::string LiveWords(const RetentionPolicy& policy) {
  if (policy.keep == RetentionKeep::kEverything) return "all of them";
  if (policy.keep == RetentionKeep::kOnlyHeld) return "only what something else names";
  std::string out;
  if (policy.keep_versions > 0) {
    out = fmt::format("the {} highest of each package", policy.keep_versions);
  }
  if (policy.keep_age.count() > 0) {
    out += fmt::format("{}those published within {}", out.empty() ? "" : ", and ",
                       FormatRetentionTime(policy.keep_age));
  }
  return out;
}

std::string WithdrawnWords(const RetentionPolicy& policy) {
  if (!policy.collect_withdrawn) return "all of them";
  if (policy.withdrawn_grace.count() == 0) return "none";
  return fmt::format("for {} after the withdrawal", FormatRetentionTime(policy.withdrawn_grace));
}

absl::StatusOr<Reply> Set(Context& context, const SetArgs& args) {
  DML_RETURN_IF_ERROR(ValidateNamespace(args.name));
  DML_ASSIGN_OR_RETURN(RetentionPolicy policy, PolicyOf(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, client->SetRetention(args.name, policy, args.etag));
  Reply reply = CommittedReply("retention", ToJson(done.value), done.commit,
                               "set the retention of namespace " + args.name);
  reply.notes.push_back("see what a collection would let go: dml admin collect --dry-run");
  return reply;
}

struct ShowArgs {
  std::string name;
};

void DeclareShow(CLI::App& app, ShowArgs& args) {
  app.add_option("name", args.name, "The namespace")->required();
}

absl::StatusOr<Reply> Show(Context& context, const ShowArgs& args) {
  DML_RETURN_IF_ERROR(ValidateNamespace(args.name));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(RetentionRecord record, client->GetRetention(args.name));
  Reply reply;
  reply.document = {{"retention", ToJson(record)}};
  reply.text.Fields(
      {{"namespace", record.ns},
       {"live versions kept", LiveWords(record.policy)},
       {"withdrawn versions kept", WithdrawnWords(record.policy)},
       {"etag", record.Etag()},
       {"set", record.index == 0 ? "never: this is the default"
                                 : fmt::format("{} by {}, entry {}", FormatTime(record.time),
                                               record.author, record.index)}});
  return reply;
}

}  // namespace

void AddRetentionCommands(CommandTree& tree, CLI::App& ns) {
  CLI::App& noun = tree.AddNoun(ns, "retention", "Which payload of a namespace is kept");
  tree.Add<SetArgs>(noun,
                    {"set", "Set what is kept beside what something else names",
                     "dml namespace retention set acme --keep-versions 5 --keep-age 90d"},
                    DeclareSet, Set);
  tree.Add<ShowArgs>(noun, {"show", "What a namespace keeps", "dml namespace retention show acme"},
                     DeclareShow, Show);
}

}  // namespace dml
