// dml import osv|csaf|openvex: what others know of packages, as advisories.
#include <map>

#include "client/advisories.h"
#include "client/signing_keys.h"
#include "core/compat/advisory_envelope.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/namespace_map.h"
#include "tools/dml/records.h"
#include "tools/import/advisory_import.h"

namespace dml {
namespace {

using Reader = absl::StatusOr<AdvisoryImport> (*)(std::string_view, const AdvisoryImportOptions&);

struct AdvisoryArgs {
  std::vector<std::string> files;
  NamespaceMapArgs where;
  std::string authority;
  bool deny = false;
  std::vector<std::string> keys;
  std::string passphrase_file;
  bool dry_run = false;
};

void Declare(CLI::App& app, AdvisoryArgs& args) {
  app.add_option("file", args.files, "Documents, one in each file")->required()->type_name("FILE");
  DeclareNamespaceMap(app, args.where);
  app.add_option("--authority", args.authority, "Who says so, instead of what the document says");
  app.add_flag("--deny", args.deny,
               "Deny what is affected at once, rather than leave it to the policy");
  AddRepeated(app, "--key", args.keys,
              "A private key of the role advisory for the packages, to sign them with")
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
  app.add_flag("--dry-run", args.dry_run, "Print the advisories and set none");
}

absl::StatusOr<AdvisoryImportOptions> ReadOptions(const AdvisoryArgs& args) {
  AdvisoryImportOptions out;
  DML_ASSIGN_OR_RETURN(out.map, ReadNamespaceMap(args.where));
  out.authority = args.authority;
  if (args.deny) out.effect = AdvisoryEffect::kDeny;
  return out;
}

// What became of one advisory: "set", "withdrawn", "present", "read" (--dry-run) or "failed".
struct Outcome {
  std::string result = "failed";
  absl::Status error;
};

Outcome SetOne(AdvisoryClient& client, const Advisory& advisory, const SchemedSigners& signers) {
  Outcome out;
  const bool withdraws = !advisory.withdrawn.empty();
  const auto current = client.Get(advisory.id);
  const bool is_there = current.ok();
  if (!is_there && Reason(current.status()) != "ADVISORY_NOT_FOUND") {
    out.error = current.status();
    return out;
  }
  // What was withdrawn before it came here is nothing.
  if (is_there ? current->advisory.revision >= advisory.revision : withdraws) {
    out.result = "present";
    return out;
  }
  const auto envelope = SignEnvelope(kAdvisoryPayloadType, FormatAdvisory(advisory), signers.get());
  if (!envelope.ok()) {
    out.error = envelope.status();
    return out;
  }
  const std::string bytes = FormatEnvelope(*envelope);
  const auto done = withdraws ? client.Withdraw(bytes) : client.Set(bytes);
  out.error = done.status();
  if (done.ok()) out.result = withdraws ? "withdrawn" : "set";
  return out;
}

struct Totals {
  std::map<std::string, int> counts;
  Json items = Json::array();
};

void Add(const std::string& file, const Advisory& advisory, const Outcome& outcome, bool dry_run,
         Totals& totals, Reply& reply) {
  ++totals.counts[outcome.result];
  Json item = {{"file", file},
               {"result", outcome.result},
               {"id", advisory.id},
               {"revision", advisory.revision},
               {"effect", std::string(AdvisoryEffectName(advisory.effect))}};
  if (dry_run) {
    const std::string document = FormatAdvisory(advisory);
    item["document"] = Json::parse(document, nullptr, false);
    reply.text.Block(document);
  } else {
    reply.text.Line({fmt::format("{}: {} {}", file, outcome.result, advisory.id),
                     outcome.error.ok() ? Style::kGood : Style::kBad});
  }
  if (!outcome.error.ok()) {
    item["error"] = ErrorJson(outcome.error)["error"];
    reply.text.Line("  " + std::string(Message(outcome.error)));
  }
  totals.items.push_back(std::move(item));
}

absl::StatusOr<Reply> Run(Context& context, const AdvisoryArgs& args, Reader read) {
  DML_ASSIGN_OR_RETURN(const AdvisoryImportOptions options, ReadOptions(args));
  Signers keys;
  SchemedSigners signers = SchemedSigners::AllRaw({}, false);
  std::optional<AdvisoryClient> client;
  if (!args.dry_run) {
    if (args.keys.empty()) {
      return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                             "--key is needed, to sign the advisories with; or --dry-run");
    }
    DML_ASSIGN_OR_RETURN(keys, Signers::Read(args.keys, args.passphrase_file));
    DML_ASSIGN_OR_RETURN(Client * connected, context.client());
    DML_ASSIGN_OR_RETURN(signers, SignersFor(*connected, keys.get()));
    client.emplace(*connected);
  }
  Reply reply;
  Totals totals;
  Json unmapped = Json::array();
  for (const std::string& file : args.files) {
    const absl::StatusOr<std::string> text = ReadFile(file, kMaxAdvisoryImportBytes);
    const absl::StatusOr<AdvisoryImport> import =
        text.ok() ? read(*text, options) : absl::StatusOr<AdvisoryImport>(text.status());
    if (!import.ok()) {
      ++totals.counts["failed"];
      totals.items.push_back(
          {{"file", file}, {"result", "failed"}, {"error", ErrorJson(import.status())["error"]}});
      reply.text.Line({fmt::format("{}: {}", file, Message(import.status())), Style::kBad});
      continue;
    }
    for (const Advisory& advisory : import->advisories) {
      const Outcome outcome =
          args.dry_run ? Outcome{"read", {}} : SetOne(*client, advisory, signers);
      Add(file, advisory, outcome, args.dry_run, totals, reply);
    }
    for (const std::string& line : import->unmapped) {
      unmapped.push_back({{"file", file}, {"what", line}});
      reply.notes.push_back(fmt::format("{}: not mapped: {}", file, line));
    }
  }
  reply.document = {{"items", std::move(totals.items)}, {"unmapped", std::move(unmapped)}};
  std::string summary;
  for (const char* result : {"set", "withdrawn", "present", "read", "failed"}) {
    reply.document[result] = totals.counts[result];
    summary += fmt::format("{}{} {}", summary.empty() ? "" : ", ", totals.counts[result], result);
  }
  reply.notes.push_back(summary);
  if (totals.counts["failed"] > 0) reply.code = ExitCode::kFailed;
  return reply;
}

template <Reader kRead>
absl::StatusOr<Reply> RunAs(Context& context, const AdvisoryArgs& args) {
  return Run(context, args, kRead);
}

}  // namespace

void AddImportAdvisoryCommands(CommandTree& tree, CLI::App& noun) {
  tree.Add<AdvisoryArgs>(noun,
                         {"osv", "Set advisories of OSV documents",
                          "dml import osv DSA-5678-1.json --map Debian:12=debian --key sec.key"},
                         Declare, RunAs<ReadOsv>);
  tree.Add<AdvisoryArgs>(noun,
                         {"csaf", "Set advisories of CSAF 2.0 documents, VEX too",
                          "dml import csaf rhsa-2026_1234.json --map rpm=fedora --key sec.key"},
                         Declare, RunAs<ReadCsaf>);
  tree.Add<AdvisoryArgs>(noun,
                         {"openvex", "Set advisories of OpenVEX documents",
                          "dml import openvex payments.vex.json --namespace acme --key sec.key"},
                         Declare, RunAs<ReadOpenVex>);
}

}  // namespace dml
