// Which copies of a medium or document are where, and what custody makes of that. Pure functions;
// any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/journal/trust_records.h"

namespace dml {

/// Groups of copies that one item may be scattered over; each has its place in the item's row.
inline constexpr size_t kMaxCopyGroups = 1024;

/// "1-3, 7".
std::string CopyNumbers(std::span<const CopyRange> ranges);

/// All copies of an item that the entry `index` registers.
std::vector<CopiesHeld> HeldAtFirst(const MediaRegistered& item, uint64_t index);

/// The copies that an entry means, ascending and apart: those that it names, or else the lowest
/// numbers that its action can be of. INVALID_ARGUMENT (COPIES_INVALID): they are not ascending, or
/// not as many as it says, or the item has no such copy; FAILED_PRECONDITION (COPIES_ELSEWHERE)
/// where one is not where the action takes it from, or there are too few.
absl::StatusOr<std::vector<CopyRange>> CopiesMeant(const MediaRecord& record,
                                                   const CustodyRecorded& custody);

/// Where all copies are after entry `index` did so with `copies`, which are of the item.
/// FAILED_PRECONDITION (COPIES_SCATTERED) for more than kMaxCopyGroups groups.
absl::StatusOr<std::vector<CopiesHeld>> HeldAfter(const std::vector<CopiesHeld>& held,
                                                  const CustodyRecorded& custody,
                                                  std::span<const CopyRange> copies,
                                                  uint64_t index);

}  // namespace dml
