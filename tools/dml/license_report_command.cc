// dml license report: notices with the texts of licenses.
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/license_set_arguments.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct ReportArgs {
  LicenseSetArgs set;
  std::string format = "text";
  std::string title = "Third-party software";
  std::string out;
};

void DeclareReport(CLI::App& app, ReportArgs& args) {
  DeclareLicenseSet(app, args.set);
  app.add_option("--format", args.format, "What to write; default: text")
      ->check(OneOf({"text", "html", "spdx"}));
  app.add_option("--title", args.title, "The document's title");
  app.add_option("--out", args.out, "The file to write; default: standard output")
      ->type_name("FILE");
}

NoticeFormat FormatOf(const std::string& word) {
  if (word == "html") return NoticeFormat::kHtml;
  return word == "spdx" ? NoticeFormat::kSpdx : NoticeFormat::kText;
}

Json ToJson(const SetObligation& obligation) {
  return {{"word", obligation.word},
          {"text", obligation.text},
          {"licenses", obligation.licenses},
          {"components", obligation.components}};
}

// What is written without the texts would fulfil nothing.
Reply MissingReply(Json document, const std::vector<std::string>& missing) {
  Reply reply;
  reply.document = std::move(document);
  reply.text.Line(
      {fmt::format("NOT WRITTEN: the library has no text of {} license(s)", missing.size()),
       Style::kBad});
  for (const std::string& id : missing) reply.text.Line("  " + id);
  reply.text.Line("load them with: dml license data set --kind texts");
  reply.code = ExitCode::kNegative;
  return reply;
}

absl::StatusOr<Reply> Report(Context& context, const ReportArgs& args) {
  DML_ASSIGN_OR_RETURN(const LicenseSetQuestion question, ReadLicenseSet(context, args.set));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(LicenseReportAnswer answer, LicenseClient(*client).Report(question));
  answer.notice.title = args.title;
  Json obligations = Json::array();
  for (const SetObligation& item : answer.notice.obligations) obligations.push_back(ToJson(item));
  Json document = {{"index", answer.index},
                   {"format", args.format},
                   {"components", answer.notice.components.size()},
                   {"context", dml::ToJson(answer.notice.context)},
                   {"obligations", std::move(obligations)},
                   {"missingTexts", answer.missing},
                   {"licenseListVersion", answer.notice.list_version},
                   {"licensePropertiesVersion", answer.notice.properties_version},
                   {"licenseTextsVersion", answer.license_texts_version},
                   {"policyRevision", answer.policy_revision},
                   {"file", nullptr},
                   {"document", nullptr}};
  if (!answer.missing.empty()) return MissingReply(std::move(document), answer.missing);
  DML_ASSIGN_OR_RETURN(std::string notice, WriteNotice(FormatOf(args.format), answer.notice));
  Reply reply;
  if (args.out.empty()) {
    document["document"] = notice;
    reply.text.Block(std::move(notice));
  } else {
    DML_RETURN_IF_ERROR(WriteFileAtomically(args.out, AsBytes(notice), 0644));
    document["file"] = args.out;
    reply.text.Line(fmt::format("wrote {}: {} component(s), {} license text(s)", args.out,
                                answer.notice.components.size(), answer.notice.texts.size()));
  }
  reply.document = std::move(document);
  return reply;
}

}  // namespace

void AddLicenseReportCommand(CommandTree& tree, CLI::App& license) {
  tree.Add<ReportArgs>(license,
                       {"report",
                        "Write a notice of variants, a release or what an environment has, with "
                        "the texts of their licenses",
                        "dml license report --release shop@1.2.0 --environment production "
                        "--format html --out NOTICE.html"},
                       DeclareReport, Report);
}

}  // namespace dml
