// Entries as they come.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "client/client.h"

namespace dml {

/// Hands over entries as they are signed, from `start_index` on (nullopt: only what comes), until
/// `visit` answers false. A stream that breaks is opened anew where it stood. Each message's
/// checkpoint is checked; that the entries are in it, Client::ProveEntry shows. Blocks.
absl::Status WatchEntries(Client& client, std::optional<uint64_t> start_index,
                          const std::string& kind,
                          const std::function<bool(const JournalLine&)>& visit);

}  // namespace dml
