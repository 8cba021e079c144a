// dml status, and what dml version says of the program.
#include <algorithm>

#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/dml/server_status.h"

namespace dml {
absl::StatusOr<Reply> ShowProgramVersion(Context&) {
  Reply reply;
  Json schemes = Json::array();
  std::string words;
  for (VersionScheme scheme : AllVersionSchemes()) {
    std::string revision(VersionSchemeRevision(scheme));
    words += (words.empty() ? "" : ", ") + revision;
    schemes.push_back(std::move(revision));
  }
  const std::string& licenses = BundledLicenseList().version();
  reply.document = {{"version", DML_VERSION},
                    {"versionSchemes", std::move(schemes)},
                    {"licenseListVersion", licenses}};
  reply.text.Fields({{"dml", DML_VERSION}, {"version schemes", words}, {"license list", licenses}});
  return reply;
}

absl::StatusOr<Reply> ShowServerStatus(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(ServerStatus status, client->GetStatus());
  // To others the server does not tell figures of the whole library.
  const bool told = std::ranges::count(status.roles, "admin") > 0;
  auto figure = [told](uint64_t value) { return told ? Json(value) : Json(); };
  Reply reply;
  reply.document = {{"serverVersion", status.server_version},
                    {"origin", status.origin},
                    {"journalSize", status.journal_size},
                    {"startTime", FormatTime(status.start_time)},
                    {"storedBytes", figure(status.stored_bytes)},
                    {"framesSent", figure(status.frames_sent)},
                    {"chunksDecoded", figure(status.chunks_decoded)},
                    {"principal", status.principal},
                    {"roles", status.roles}};
  reply.text.Fields({{"library", status.origin},
                     {"server version", status.server_version},
                     {"running since", FormatTime(status.start_time)},
                     {"journal", fmt::format("{} entries", status.journal_size)},
                     {"stored", told ? FormatBytes(status.stored_bytes) : ""},
                     {"you are", status.principal},
                     {"your roles", JoinWords(status.roles)}});
  return reply;
}

void AddStatusCommands(CommandTree& tree) {
  tree.Add(tree.root(), {"status", "Is the library there, and who am I to it", "dml status"},
           ShowServerStatus);
}

}  // namespace dml
