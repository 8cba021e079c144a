// dml version: of this program, and questions about versions and ranges of any scheme, offline.
#include <algorithm>

#include "core/base/text.h"
#include "core/version/range.h"
#include "tools/dml/batch.h"
#include "tools/dml/command.h"

namespace dml {
namespace {

constexpr std::string_view kInvalidAnswer = "invalid";

struct SchemeArgs {
  std::string scheme;
  bool batch = false;
  bool prereleases = false;
  std::vector<std::string> operands;

  PrereleaseRule rule() const {
    return prereleases ? PrereleaseRule::kAdmitAll : PrereleaseRule::kOfTool;
  }
};

absl::Status Refuse(std::string_view what) {
  return InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "{}", what);
}

template <typename Answer>
absl::StatusOr<Reply> RunBatch(Context& context, Answer answer) {
  return AnswerLines(context, kInvalidAnswer,
                     [&answer](std::string_view line) { return std::string(answer(line)); });
}

/// The two parts around a tab; none where there is not exactly one, or, where the second part can
/// hold none, at least one.
std::optional<std::pair<std::string_view, std::string_view>> SplitPair(std::string_view line,
                                                                       bool at_last) {
  const size_t tab = at_last ? line.rfind('\t') : line.find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  if (!at_last && line.find('\t', tab + 1) != std::string_view::npos) return std::nullopt;
  return std::pair(line.substr(0, tab), line.substr(tab + 1));
}

/// Ranges by their texts: batches ask for one again and again.
class RangeReader {
 public:
  RangeReader(VersionScheme scheme, PrereleaseRule rule) : scheme_(scheme), rule_(rule) {}

  /// Null where the text is no range. Valid until the next call.
  const VersionRange* Read(std::string_view text) {
    if (!read_ || text != text_) {
      text_ = text;
      absl::StatusOr<VersionRange> range = VersionRange::ParseNative(scheme_, text, rule_);
      valid_ = range.ok();
      if (valid_) range_ = *std::move(range);
      read_ = true;
    }
    return valid_ ? &range_ : nullptr;
  }

 private:
  const VersionScheme scheme_;
  const PrereleaseRule rule_;
  bool read_ = false;
  bool valid_ = false;
  std::string text_;
  VersionRange range_;
};

std::string_view OrderSign(std::weak_ordering order) {
  return order < 0 ? "<" : order > 0 ? ">" : "=";
}

absl::StatusOr<Reply> CompareBatch(Context& context, VersionScheme scheme) {
  return RunBatch(context, [scheme](std::string_view line) -> std::string_view {
    const auto pair = SplitPair(line, false);
    if (!pair) return kInvalidAnswer;
    const auto a = Version::Parse(scheme, pair->first);
    if (!a.ok()) return kInvalidAnswer;
    const auto b = Version::Parse(scheme, pair->second);
    return b.ok() ? OrderSign(Compare(*a, *b)) : kInvalidAnswer;
  });
}

absl::StatusOr<Reply> ContainsBatch(Context& context, VersionScheme scheme, PrereleaseRule rule) {
  RangeReader ranges(scheme, rule);
  return RunBatch(context, [&](std::string_view line) -> std::string_view {
    const auto pair = SplitPair(line, true);
    if (!pair) return kInvalidAnswer;
    const VersionRange* range = ranges.Read(pair->first);
    if (range == nullptr) return kInvalidAnswer;
    const auto version = Version::Parse(scheme, pair->second);
    if (!version.ok()) return kInvalidAnswer;
    return range->Contains(*version) ? "yes" : "no";
  });
}

std::string_view RelationText(const VersionRange& a, const VersionRange& b) {
  const bool subset = a.IsSubsetOf(b);
  if (Intersect(a, b).IsEmpty()) {
    return subset ? "subset=yes\tintersects=no" : "subset=no\tintersects=no";
  }
  return subset ? "subset=yes\tintersects=yes" : "subset=no\tintersects=yes";
}

absl::StatusOr<Reply> RelationBatch(Context& context, VersionScheme scheme, PrereleaseRule rule) {
  RangeReader first(scheme, rule);
  RangeReader second(scheme, rule);
  return RunBatch(context, [&](std::string_view line) -> std::string_view {
    const auto pair = SplitPair(line, false);
    if (!pair) return kInvalidAnswer;
    const VersionRange* a = first.Read(pair->first);
    const VersionRange* b = a == nullptr ? nullptr : second.Read(pair->second);
    return b == nullptr ? kInvalidAnswer : RelationText(*a, *b);
  });
}

void DeclareScheme(CLI::App& app, SchemeArgs& args) {
  std::vector<std::string> names(VersionSchemeNames().begin(), VersionSchemeNames().end());
  app.add_option("--scheme", args.scheme, "How versions are written and ordered")
      ->check(OneOf(std::move(names)))
      ->type_name("SCHEME")
      ->required();
}

void DeclareBatch(CLI::App& app, SchemeArgs& args, const char* first, const char* second) {
  DeclareScheme(app, args);
  app.add_option("operands", args.operands, fmt::format("{}, then {}", first, second))
      ->expected(0, 2);
  app.add_flag("--batch", args.batch, "Read pairs, one a line with a tab between; answer each");
}

void DeclareCompare(CLI::App& app, SchemeArgs& args) {
  DeclareBatch(app, args, "A version", "another");
}

void DeclareRanges(CLI::App& app, SchemeArgs& args, const char* second) {
  DeclareBatch(app, args, "A range", second);
  app.add_flag("--prereleases", args.prereleases,
               "Take prereleases for ordinary versions, whatever the scheme's tools do");
}
void DeclareContains(CLI::App& app, SchemeArgs& args) { DeclareRanges(app, args, "a version"); }
void DeclareRelation(CLI::App& app, SchemeArgs& args) { DeclareRanges(app, args, "another"); }

/// Two operands, or none with --batch.
absl::Status CheckOperands(const SchemeArgs& args) {
  if (args.batch && !args.operands.empty()) {
    return Refuse("with --batch, pairs come from the standard input");
  }
  if (!args.batch && args.operands.size() != 2) {
    return Refuse("give two operands, or --batch to read pairs from the standard input");
  }
  return absl::OkStatus();
}

absl::StatusOr<Reply> RunCompare(Context& context, const SchemeArgs& args) {
  DML_RETURN_IF_ERROR(CheckOperands(args));
  DML_ASSIGN_OR_RETURN(VersionScheme scheme, ParseVersionScheme(args.scheme));
  if (args.batch) return CompareBatch(context, scheme);
  DML_ASSIGN_OR_RETURN(Version a, Version::Parse(scheme, args.operands[0]));
  DML_ASSIGN_OR_RETURN(Version b, Version::Parse(scheme, args.operands[1]));
  const std::weak_ordering order = Compare(a, b);
  Reply reply;
  reply.document = {{"scheme", std::string(VersionSchemeRevision(scheme))},
                    {"a", a.text()},
                    {"b", b.text()},
                    {"order", order < 0   ? "LESS"
                              : order > 0 ? "GREATER"
                                          : "EQUAL"}};
  reply.text.Line(fmt::format("{} {} {}", a.text(), OrderSign(order), b.text()));
  return reply;
}

absl::StatusOr<Reply> RunContains(Context& context, const SchemeArgs& args) {
  DML_RETURN_IF_ERROR(CheckOperands(args));
  DML_ASSIGN_OR_RETURN(VersionScheme scheme, ParseVersionScheme(args.scheme));
  if (args.batch) return ContainsBatch(context, scheme, args.rule());
  DML_ASSIGN_OR_RETURN(VersionRange range,
                       VersionRange::ParseNative(scheme, args.operands[0], args.rule()));
  DML_ASSIGN_OR_RETURN(Version version, Version::Parse(scheme, args.operands[1]));
  const bool contains = range.Contains(version);
  Reply reply;
  reply.code = contains ? ExitCode::kOk : ExitCode::kNegative;
  reply.document = {{"scheme", std::string(VersionSchemeRevision(scheme))},
                    {"range", range.ToVers()},
                    {"version", version.text()},
                    {"contains", contains}};
  reply.text.Line(fmt::format("{}: {} is {}in {}", contains ? "yes" : "no", version.text(),
                              contains ? "" : "not ", range.ToWords()));
  return reply;
}

absl::StatusOr<Reply> RunRelation(Context& context, const SchemeArgs& args) {
  DML_RETURN_IF_ERROR(CheckOperands(args));
  DML_ASSIGN_OR_RETURN(VersionScheme scheme, ParseVersionScheme(args.scheme));
  if (args.batch) return RelationBatch(context, scheme, args.rule());
  DML_ASSIGN_OR_RETURN(VersionRange a,
                       VersionRange::ParseNative(scheme, args.operands[0], args.rule()));
  DML_ASSIGN_OR_RETURN(VersionRange b,
                       VersionRange::ParseNative(scheme, args.operands[1], args.rule()));
  const bool subset = a.IsSubsetOf(b);
  const VersionRange both = Intersect(a, b);
  Reply reply;
  reply.document = {{"scheme", std::string(VersionSchemeRevision(scheme))},
                    {"subset", subset},
                    {"intersects", !both.IsEmpty()},
                    {"intersection", both.ToVers()}};
  reply.text.Fields({{"first", a.ToWords()},
                     {"second", b.ToWords()},
                     {"first within second", subset ? "yes" : "no"},
                     {"in both", both.ToWords()}});
  return reply;
}

void DeclareParse(CLI::App& app, SchemeArgs& args) {
  DeclareScheme(app, args);
  app.add_option("version", args.operands, "A version")->expected(1)->required();
}

absl::StatusOr<Reply> RunParse(Context&, const SchemeArgs& args) {
  DML_ASSIGN_OR_RETURN(VersionScheme scheme, ParseVersionScheme(args.scheme));
  DML_ASSIGN_OR_RETURN(Version version, Version::Parse(scheme, args.operands[0]));
  const std::string key = HexEncode(AsBytes(version.key()));
  Reply reply;
  reply.document = {{"scheme", std::string(VersionSchemeRevision(scheme))},
                    {"version", version.text()},
                    {"prerelease", version.is_prerelease()},
                    {"key", key}};
  reply.text.Fields({{"version", version.text()},
                     {"scheme", std::string(VersionSchemeRevision(scheme))},
                     {"prerelease", version.is_prerelease() ? "yes" : "no"},
                     {"key", key}});
  return reply;
}

/// Versions from the standard input, one a line; blank lines are passed over.
absl::StatusOr<Reply> RunSort(Context& context, const SchemeArgs& args) {
  DML_ASSIGN_OR_RETURN(VersionScheme scheme, ParseVersionScheme(args.scheme));
  LineReader lines(context.in(), context.out());
  std::vector<Version> versions;
  std::string line;
  size_t number = 0;
  for (bool fits = true; lines.Next(line, fits);) {
    ++number;
    if (fits && line.empty()) continue;
    absl::StatusOr<Version> version = Version::Parse(scheme, line);
    if (!version.ok()) return Annotate(version.status(), fmt::format("line {}", number));
    versions.push_back(*std::move(version));
  }
  std::ranges::stable_sort(versions, {}, &Version::key);
  Reply reply;
  Json items = Json::array();
  for (const Version& version : versions) {
    items.push_back(version.text());
    reply.text.Line(version.text());
  }
  reply.document = {{"scheme", std::string(VersionSchemeRevision(scheme))},
                    {"items", std::move(items)}};
  return reply;
}

}  // namespace

void AddVersionCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun(
      "version", "Versions of any scheme, offline; without a verb: of this program and its rules");
  tree.SetDefault(noun, ShowProgramVersion);
  tree.Add<SchemeArgs>(
      noun,
      {"compare", "Which of two versions is later", "dml version compare --scheme deb 1.0~rc1 1.0"},
      DeclareCompare, RunCompare);
  tree.Add<SchemeArgs>(noun,
                       {"contains", "Is a version in a range, as the scheme's tools write it",
                        "dml version contains --scheme npm '^1.2 || 2.x' 1.4.0"},
                       DeclareContains, RunContains);
  tree.Add<SchemeArgs>(noun,
                       {"relation", "Does a range lie in another one, and have they any in common",
                        "dml version relation --scheme pep440 '~=1.4' '>=1,<3'"},
                       DeclareRelation, RunRelation);
  tree.Add<SchemeArgs>(noun,
                       {"parse", "Is this a version, and what is its key",
                        "dml version parse --scheme rpm 1:2.0~rc1-3.el9"},
                       DeclareParse, RunParse);
  tree.Add<SchemeArgs>(noun,
                       {"sort", "Versions from the standard input, the lowest first",
                        "dml version sort --scheme maven < versions.txt"},
                       DeclareScheme, RunSort);
}

}  // namespace dml
