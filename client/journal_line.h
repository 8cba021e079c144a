// Entries as the API tells them, as values. Internal to client/.
#pragma once

#include "client/answers.h"
#include "core/wire/api.h"
#include "dml/v1/journal.pb.h"

namespace dml {

inline JournalLine JournalLineOf(const v1::JournalEntry& entry) {
  return {entry.index(),   wire::From(entry.time()), entry.author(), entry.kind(),
          entry.summary(), entry.request_id(),       entry.leaf()};
}

}  // namespace dml
