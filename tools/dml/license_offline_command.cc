// dml license parse|compare: questions on license expressions that no library is asked for.
#include "client/licenses.h"
#include "core/crypto/sha256.h"
#include "core/license/compatibility.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/batch.h"
#include "tools/dml/command.h"
#include "tools/dml/license_offline.h"

namespace dml {
namespace {

constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");

struct ParseArgs {
  std::string expression;
  std::string list;
  bool batch = false;
};

void DeclareParse(CLI::App& app, ParseArgs& args) {
  CLI::Option_group& subject = *app.add_option_group("Subject", "Exactly one of them");
  subject.add_option("expression", args.expression, "An SPDX license expression");
  AddBatchFlag(subject, args.batch);
  subject.require_option(1);
  AddLicenseListOption(app, args.list);
}

absl::StatusOr<Reply> Parse(Context& context, const ParseArgs& args) {
  DML_ASSIGN_OR_RETURN(const LicenseList list, ReadLicenseList(args.list));
  if (args.batch) {
    return AnswerLines(context, kBatchLineTooLong, [&list](std::string_view line) {
      const auto expression = LicenseExpression::Parse(line, list);
      return expression.ok() ? expression->ToString() : InvalidLine(expression.status());
    });
  }
  DML_ASSIGN_OR_RETURN(const LicenseExpression expression,
                       LicenseExpression::Parse(args.expression, list));
  Reply reply;
  Json licenses = Json::array();
  TextTable table{{"LICENSE", "KNOWN", "INSTEAD"}, {}};
  for (const LicenseLeaf& leaf : expression.leaves()) {
    const std::string instead = leaf.listed ? ReplacementOfLicense(leaf.id, list) : "";
    licenses.push_back(
        {{"license", leaf.ToString()}, {"known", leaf.known()}, {"replacement", instead}});
    table.rows.push_back({leaf.ToString(), leaf.known() ? "yes" : "no", instead});
  }
  reply.document = {{"expression", expression.ToString()},
                    {"licenses", std::move(licenses)},
                    {"licenseListVersion", list.version()}};
  reply.text.Fields({{"expression", expression.ToString()}, {"license list", list.version()}});
  reply.text.Line("");
  reply.text.Add(std::move(table));
  return reply;
}

struct CompareArgs {
  std::string outbound;
  std::string inbound;
  std::string matrix;
  std::string provision = "DISTRIBUTED";
  std::string combination = "MERGED";
  std::string list;
  bool batch = false;
};

void DeclareCompare(CLI::App& app, CompareArgs& args) {
  app.add_option("outbound", args.outbound, "The license of the whole");
  app.add_option("inbound", args.inbound, "The license of what becomes part of it");
  AddBatchFlag(app, args.batch);
  app.add_option("--matrix", args.matrix,
                 "A compatibility matrix in OSADL's JSON form; default: the library's")
      ->type_name("FILE");
  app.add_option("--provision", args.provision, "How the whole is provided")
      ->check(OneOf({"INTERNAL", "SERVICE", "DISTRIBUTED"}));
  app.add_option("--combination", args.combination, "How the part is combined with it")
      ->check(OneOf({"SEPARATE", "LINKED_DYNAMIC", "LINKED_STATIC", "MERGED"}));
  AddLicenseListOption(app, args.list);
}

// The answer to "OUTBOUND<TAB>INBOUND"; both parts of it are separated by a tab, too.
std::string AnswerComparison(std::string_view line, const LicenseContext& context,
                             const CompatibilityMatrix& matrix, const LicenseList& list) {
  const size_t tab = line.find('\t');
  if (tab == line.npos) {
    return fmt::format("invalid\tcolumn {}: expected a tab and the inbound license, found the end",
                       line.size() + 1);
  }
  const auto outbound = LicenseExpression::Parse(line.substr(0, tab), list);
  if (!outbound.ok()) return fmt::format("invalid\toutbound: {}", Message(outbound.status()));
  const auto inbound = LicenseExpression::Parse(line.substr(tab + 1), list);
  if (!inbound.ok()) return fmt::format("invalid\tinbound: {}", Message(inbound.status()));
  const LicenseComparison verdict = CompareLicenses(*outbound, *inbound, context, matrix, list);
  return fmt::format("{}\t{}", LicenseOutcomeName(verdict.outcome),
                     EscapeForTerminal(verdict.explanation));
}

// A matrix of a file, with the list that its licenses are of.
struct OfflineMatrix {
  LicenseList list;
  CompatibilityMatrix matrix;
};

absl::StatusOr<OfflineMatrix> ReadMatrix(const CompareArgs& args) {
  OfflineMatrix out;
  DML_ASSIGN_OR_RETURN(out.list, ReadLicenseList(args.list));
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.matrix, kMaxMatrixBytes));
  DML_ASSIGN_OR_RETURN(out.matrix, CompatibilityMatrix::Parse(text, "matrix", out.list));
  return out;
}

absl::StatusOr<LicenseComparison> CompareOnce(Context& context, const CompareArgs& args,
                                              const LicenseContext& use) {
  if (args.matrix.empty()) {
    DML_ASSIGN_OR_RETURN(Client * client, context.client());
    return LicenseClient(*client).Compare(args.outbound, args.inbound, use);
  }
  DML_ASSIGN_OR_RETURN(const OfflineMatrix data, ReadMatrix(args));
  DML_ASSIGN_OR_RETURN(const LicenseExpression outbound,
                       LicenseExpression::Parse(args.outbound, data.list));
  DML_ASSIGN_OR_RETURN(const LicenseExpression inbound,
                       LicenseExpression::Parse(args.inbound, data.list));
  return CompareLicenses(outbound, inbound, use, data.matrix, data.list);
}

absl::Status CheckCompare(const CompareArgs& args) {
  const bool both = !args.outbound.empty() && !args.inbound.empty();
  const bool none = args.outbound.empty() && args.inbound.empty();
  if (args.batch ? !none : !both) {
    return InvalidArgument(kArgumentInvalid,
                           "give OUTBOUND and INBOUND, or --batch and pairs on standard input");
  }
  if (args.matrix.empty() && (args.batch || !args.list.empty())) {
    return InvalidArgument(kArgumentInvalid,
                           "--batch and --license-list are offline; give --matrix FILE");
  }
  return absl::OkStatus();
}

absl::StatusOr<Reply> Compare(Context& context, const CompareArgs& args) {
  DML_RETURN_IF_ERROR(CheckCompare(args));
  LicenseContext use;
  use.provision = *ParseLicenseProvision(args.provision);
  use.combination = *ParseLicenseCombination(args.combination);
  if (args.batch) {
    DML_ASSIGN_OR_RETURN(const OfflineMatrix data, ReadMatrix(args));
    return AnswerLines(
        context, fmt::format("invalid\t{}", kTooLongLine),
        [&](std::string_view line) { return AnswerComparison(line, use, data.matrix, data.list); });
  }
  DML_ASSIGN_OR_RETURN(const LicenseComparison verdict, CompareOnce(context, args, use));
  Reply reply;
  reply.document = {{"outcome", std::string(LicenseOutcomeName(verdict.outcome))},
                    {"outbound", verdict.outbound},
                    {"inbound", verdict.inbound},
                    {"provision", args.provision},
                    {"combination", args.combination},
                    {"explanation", verdict.explanation},
                    {"matrix", verdict.source},
                    {"licenseListVersion", verdict.list_version}};
  reply.text.Fields({{"outcome", OutcomeCell(verdict.outcome)},
                     {"outbound", verdict.outbound},
                     {"inbound", verdict.inbound},
                     {"context", fmt::format("{}, {}", args.provision, args.combination)},
                     {"explanation", verdict.explanation},
                     {"matrix", verdict.source}});
  if (verdict.outcome != LicenseOutcome::kAllow) reply.code = ExitCode::kNegative;
  return reply;
}

}  // namespace

void AddBatchFlag(CLI::App& app, bool& batch) {
  app.add_flag("--batch", batch, "One answer a line for one question a line of standard input");
}

void AddLicenseListOption(CLI::App& app, std::string& file) {
  app.add_option("--license-list", file, "A license list to go by instead of the built-in one")
      ->type_name("FILE");
}

absl::StatusOr<LicenseList> ReadLicenseList(const std::string& file) {
  if (file.empty()) return BundledLicenseList();
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxLicenseListBytes));
  return LicenseList::Parse(text);
}

void AddLicensePropertiesOption(CLI::App& app, std::string& file) {
  app.add_option("--license-properties", file,
                 "License classifications (YAML or JSON) that the policy's categories are of")
      ->type_name("FILE");
}

absl::StatusOr<std::optional<LicenseProperties>> ReadLicenseProperties(const std::string& file,
                                                                       const LicenseList& list) {
  if (file.empty()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxLicensePropertiesBytes));
  return LicenseProperties::Parse(text, Sha256(text).ToString(), list);
}

std::string InvalidLine(const absl::Status& status) {
  return fmt::format("invalid: {}", Message(status));
}

Cell OutcomeCell(LicenseOutcome outcome) {
  Style style = Style::kGood;
  if (outcome == LicenseOutcome::kReview) style = Style::kWarning;
  if (outcome == LicenseOutcome::kDeny) style = Style::kBad;
  return {std::string(LicenseOutcomeName(outcome)), style};
}

void AddLicenseOfflineCommands(CommandTree& tree, CLI::App& license) {
  tree.Add<ParseArgs>(license,
                      {"parse", "Read a license expression and print it canonically, offline",
                       "dml license parse 'mit or (gpl-2.0+ with Bison-exception-2.2)'"},
                      DeclareParse, Parse);
  tree.Add<CompareArgs>(license,
                        {"compare", "May code under a license be part of a whole, offline",
                         "dml license compare Apache-2.0 MIT --matrix matrixseqexpl.json"},
                        DeclareCompare, Compare);
}

}  // namespace dml
