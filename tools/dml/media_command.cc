// dml media: things on shelves, and who has which copy of them.
#include <algorithm>
#include <charconv>

#include "core/journal/media_copies.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct MediaArgs {
  MediaRegistered item;
  std::string kind = "medium";
  std::string digest;
  std::vector<std::string> labels;
};

void DeclareRegister(CLI::App& app, MediaArgs& args) {
  app.add_option("name", args.item.name, "NAMESPACE/NAME")->required();
  app.add_option("--kind", args.kind, "What it is: medium or document")
      ->check(OneOf({"medium", "document"}));
  app.add_option("--title", args.item.title, "What it is called")->required();
  app.add_option("--location", args.item.location, "Where it lies")->required();
  app.add_option("--custodian", args.item.custodian, "The principal who answers for it")
      ->required();
  app.add_option("--copies", args.item.copies, "How many there are")
      ->check(WholeNumber("a number of copies", 1, 1'000'000));
  app.add_option("--content", args.digest, "sha256:HEX of what is on it");
  AddRepeated(app, "--label", args.labels, "KEY=VALUE");
}

std::string WhereIs(const CopiesHeld& held) {
  if (held.state == CopyState::kDestroyed) return "";
  if (held.state == CopyState::kIn) return held.location;
  return held.away.empty() ? "not said" : held.away;
}

Json HeldJson(const MediaRecord& record) {
  Json out = Json::array();
  for (const CopiesHeld& held : record.held) {
    out.push_back({{"first", held.copies.first},
                   {"last", held.copies.last},
                   {"state", CopyStateName(held.state)},
                   {"custodian", held.custodian},
                   {"location", held.location},
                   {"away", held.away},
                   {"index", held.index}});
  }
  return out;
}

Json MediaJson(const MediaRecord& record) {
  const MediaRegistered& item = record.item;
  return {{"name", item.name},
          {"kind", item.kind == MediaKind::kMedia ? "MEDIUM" : "DOCUMENT"},
          {"title", item.title},
          {"location", item.location},
          {"custodian", item.custodian},
          {"copies", item.copies},
          {"copiesOut", record.copies_out},
          {"copiesDestroyed", record.copies_destroyed},
          {"held", HeldJson(record)},
          {"content", item.content.has_value() ? item.content->ToString() : ""},
          {"labels", LabelsJson(item.labels)},
          {"custodyEntries", record.custody_count},
          {"index", record.index},
          {"time", FormatTime(record.time)}};
}

absl::StatusOr<Reply> RegisterMedia(Context& context, const MediaArgs& args) {
  MediaRegistered item = args.item;
  item.kind = args.kind == "medium" ? MediaKind::kMedia : MediaKind::kDocument;
  if (!args.digest.empty()) {
    DML_ASSIGN_OR_RETURN(item.content, Digest::Parse(args.digest));
  }
  DML_ASSIGN_OR_RETURN(item.labels, ParseLabels(args.labels));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, client->RegisterMedia(item));
  return CommittedReply("media", MediaJson(done.value), done.commit, "registered " + item.name);
}

absl::StatusOr<Reply> ListMedia(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<MediaRecord>(context, "", [&](const ListOptions& options) {
                         return client->ListMedia(options);
                       }));
  return ListReply(page, {"NAME", "TITLE", "LOCATION", "CUSTODIAN", "COPIES", "OUT"}, MediaJson,
                   [](const MediaRecord& record) {
                     return std::vector<Cell>{record.item.name,
                                              record.item.title,
                                              record.item.location,
                                              record.item.custodian,
                                              std::to_string(record.item.copies),
                                              std::to_string(record.copies_out)};
                   });
}

struct ShowMediaArgs {
  std::string name;
};

void DeclareMediaName(CLI::App& app, ShowMediaArgs& args) {
  app.add_option("name", args.name, "NAMESPACE/NAME")->required();
}

absl::StatusOr<Reply> ShowMedia(Context& context, const ShowMediaArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const MediaRecord record, client->GetMedia(args.name));
  const MediaRegistered& item = record.item;
  Reply reply;
  reply.document = {{"media", MediaJson(record)}};
  reply.text.Fields({{"name", {item.name, Style::kStrong}},
                     {"title", item.title},
                     {"copies", fmt::format("{}, {} out, {} destroyed", item.copies,
                                            record.copies_out, record.copies_destroyed)},
                     {"content", item.content.has_value() ? item.content->ToString() : ""},
                     {"labels", JoinLabels(item.labels)}});
  TextTable table{{"COPIES", "STATE", "CUSTODIAN", "WHERE", "SINCE ENTRY"}, {}};
  for (const CopiesHeld& held : record.held) {
    const Style style = held.state == CopyState::kIn ? Style::kGood : Style::kWarning;
    table.rows.push_back({CopyNumbers(std::span(&held.copies, 1)),
                          {std::string(CopyStateName(held.state)), style},
                          held.custodian,
                          WhereIs(held),
                          std::to_string(held.index)});
  }
  reply.text.Line("");
  reply.text.Add(std::move(table));
  return reply;
}

struct CustodyArgs {
  CustodyRecorded custody;
  std::vector<std::string> which;
};

// "3" or "2-5", several in any order.
absl::StatusOr<std::vector<CopyRange>> ParseCopies(const std::vector<std::string>& texts) {
  std::vector<CopyRange> out;
  for (const std::string& text : texts) {
    CopyRange range;
    const char* const end = text.data() + text.size();
    std::from_chars_result read = std::from_chars(text.data(), end, range.first);
    range.last = range.first;
    if (read.ec == std::errc() && read.ptr != end && *read.ptr == '-') {
      read = std::from_chars(read.ptr + 1, end, range.last);
    }
    if (read.ec != std::errc() || read.ptr != end || range.first == 0 || range.last < range.first) {
      return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                             "\"{}\" names no copies; write a number from 1 on, or two such as 2-5",
                             text);
    }
    out.push_back(range);
  }
  std::ranges::sort(out);
  return out;
}

void DeclareCustody(CLI::App& app, CustodyArgs& args) {
  app.add_option("name", args.custody.name, "NAMESPACE/NAME")->required();
  app.add_option("--custodian", args.custody.custodian, "Who answers for them from now on")
      ->required();
  app.add_option("--location", args.custody.location, "Where they go; default: where they were");
  CLI::Option* which =
      AddRepeated(app, "--copy", args.which, "Which ones, as dml media show numbers them")
          ->type_name("N|N-M");
  app.add_option("--copies", args.custody.copies,
                 "How many, of the lowest numbers that can be meant (default 1)")
      ->check(WholeNumber("a number of copies", 1, 1'000'000))
      ->excludes(which);
  app.add_option("--note", args.custody.note, "For everyone who asks later");
}

absl::StatusOr<Reply> Record(Context& context, const CustodyArgs& args, CustodyAction action) {
  CustodyRecorded custody = args.custody;
  custody.action = action;
  DML_ASSIGN_OR_RETURN(custody.which, ParseCopies(args.which));
  if (!custody.which.empty()) custody.copies = 0;
  for (const CopyRange& range : custody.which) custody.copies += range.last - range.first + 1;
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, client->RecordCustody(custody));
  std::vector<CopyRange> moved;
  for (const CopiesHeld& held : done.value.held) {
    if (held.index == done.commit.index) moved.push_back(held.copies);
  }
  return CommittedReply("media", MediaJson(done.value), done.commit,
                        fmt::format("{}: copy {} of {}", CustodyActionName(action),
                                    CopyNumbers(moved), custody.name));
}

absl::StatusOr<Reply> CheckOut(Context& context, const CustodyArgs& args) {
  return Record(context, args, CustodyAction::kCheckedOut);
}
absl::StatusOr<Reply> CheckIn(Context& context, const CustodyArgs& args) {
  return Record(context, args, CustodyAction::kCheckedIn);
}
absl::StatusOr<Reply> Move(Context& context, const CustodyArgs& args) {
  return Record(context, args, CustodyAction::kMoved);
}
absl::StatusOr<Reply> Destroy(Context& context, const CustodyArgs& args) {
  return Record(context, args, CustodyAction::kDestroyed);
}

absl::StatusOr<Reply> History(Context& context, const ShowMediaArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<CustodyRecord>(context, "", [&](const ListOptions& options) {
                         return client->ListCustody(args.name, options);
                       }));
  return ListReply(
      page, {"ENTRY", "TIME", "ACTION", "COPIES", "WHICH", "CUSTODIAN", "LOCATION", "NOTE"},
      [](const CustodyRecord& item) {
        return Json{{"index", item.index},
                    {"time", FormatTime(item.time)},
                    {"author", item.author},
                    {"action", CustodyActionName(item.recorded.action)},
                    {"copies", item.recorded.copies},
                    {"which", CopyNumbers(item.recorded.which)},
                    {"custodian", item.recorded.custodian},
                    {"location", item.recorded.location},
                    {"note", item.recorded.note}};
      },
      [](const CustodyRecord& item) {
        return std::vector<Cell>{std::to_string(item.index),
                                 FormatTime(item.time),
                                 std::string(CustodyActionName(item.recorded.action)),
                                 std::to_string(item.recorded.copies),
                                 CopyNumbers(item.recorded.which),
                                 item.recorded.custodian,
                                 item.recorded.location,
                                 item.recorded.note};
      });
}

}  // namespace

void AddMediaCommands(CommandTree& tree) {
  CLI::App& media = tree.AddNoun("media", "Physical media and documents, and who has them");
  tree.Add<MediaArgs>(media,
                      {"register", "Register a medium or document",
                       "dml media register acme/os-dvd-7 --title 'OS 7, DVD' --location 'vault 2' "
                       "--custodian spiffe://library.example/principals/pat --copies 2"},
                      DeclareRegister, RegisterMedia);
  tree.Add(media, {"list", "List them", "dml media list --all"}, ListMedia);
  tree.Add<ShowMediaArgs>(media,
                          {"show", "Who has which copy of one", "dml media show acme/os-dvd-7"},
                          DeclareMediaName, ShowMedia);
  tree.Add<CustodyArgs>(media,
                        {"check-out", "Copies leave their place",
                         "dml media check-out acme/os-dvd-7 --copy 2 --custodian ann --location "
                         "'site B'"},
                        DeclareCustody, CheckOut);
  tree.Add<CustodyArgs>(
      media, {"check-in", "Copies come back", "dml media check-in acme/os-dvd-7 --custodian pat"},
      DeclareCustody, CheckIn);
  tree.Add<CustodyArgs>(media,
                        {"move", "Copies get another place or custodian",
                         "dml media move acme/os-dvd-7 --custodian pat --location 'vault 3'"},
                        DeclareCustody, Move);
  tree.Add<CustodyArgs>(media,
                        {"destroy", "Copies are no more",
                         "dml media destroy acme/os-dvd-7 --custodian pat --note 'shredded'"},
                        DeclareCustody, Destroy);
  tree.Add<ShowMediaArgs>(
      media, {"history", "Who had which copies, and when", "dml media history acme/os-dvd-7"},
      DeclareMediaName, History);
}

}  // namespace dml
