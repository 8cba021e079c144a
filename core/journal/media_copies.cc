#include "core/journal/media_copies.h"

#include <algorithm>
#include <utility>

namespace dml {
namespace {

uint64_t CountOf(const CopyRange& range) { return uint64_t{range.last} - range.first + 1; }

// Where an action takes copies from.
CopyState TakenFrom(CustodyAction action) {
  return action == CustodyAction::kCheckedIn ? CopyState::kOut : CopyState::kIn;
}

std::string WhereIs(const CopiesHeld& held) {
  switch (held.state) {
    case CopyState::kOut:
      return fmt::format("checked out to {} by entry {}", held.custodian, held.index);
    case CopyState::kDestroyed:
      return fmt::format("destroyed by entry {}", held.index);
    case CopyState::kIn:
      break;
  }
  return fmt::format("in its place, with {}", held.custodian);
}

absl::Status Invalid(std::string what) {
  return AtField(InvalidArgument(ErrorReason("COPIES_INVALID"), "{}", what), "copies");
}

absl::Status CheckNamed(const MediaRecord& record, const CustodyRecorded& custody) {
  uint64_t count = 0;
  uint32_t before = 0;
  for (const CopyRange& range : custody.which) {
    if (range.first <= before || range.last < range.first) {
      return Invalid("numbers of copies ascend, each once, from 1 on");
    }
    if (range.last > record.item.copies) {
      return Invalid(fmt::format("{} has no copy {}: it has {}", custody.name, range.last,
                                 record.item.copies));
    }
    before = range.last;
    count += CountOf(range);
  }
  if (count == custody.copies) return absl::OkStatus();
  return Invalid(fmt::format("{} copies are named, and {} are spoken of", count, custody.copies));
}

// The parts of `held` that are of the range.
template <typename Fn>
void ForEachPart(const std::vector<CopiesHeld>& held, const CopyRange& range, Fn fn) {
  auto at = std::ranges::lower_bound(held, range.first, {},
                                     [](const CopiesHeld& item) { return item.copies.last; });
  for (; at != held.end() && at->copies.first <= range.last; ++at) {
    fn(*at,
       CopyRange{std::max(at->copies.first, range.first), std::min(at->copies.last, range.last)});
  }
}

absl::StatusOr<std::vector<CopyRange>> LowestNumbers(const MediaRecord& record,
                                                     const CustodyRecorded& custody) {
  const CopyState from = TakenFrom(custody.action);
  std::vector<CopyRange> out;
  uint64_t missing = custody.copies;
  uint64_t there = 0;
  for (const CopiesHeld& item : record.held) {
    if (item.state != from) continue;
    there += CountOf(item.copies);
    if (missing == 0) continue;
    const uint64_t taken = std::min(missing, CountOf(item.copies));
    out.push_back({item.copies.first, static_cast<uint32_t>(item.copies.first + taken - 1)});
    missing -= taken;
  }
  if (missing == 0 && !out.empty()) return out;
  if (there > 0) {
    return Invalid(fmt::format("{} copies; 1 to {} can be", custody.copies, there));
  }
  return FailedPrecondition(ErrorReason("COPIES_ELSEWHERE"),
                            "of the {} copies of {}, {} are checked out and {} destroyed: see dml "
                            "media show",
                            record.item.copies, custody.name, record.copies_out,
                            record.copies_destroyed);
}

}  // namespace

std::string_view CopyStateName(CopyState state) {
  switch (state) {
    case CopyState::kIn:
      return "in";
    case CopyState::kOut:
      return "out";
    case CopyState::kDestroyed:
      return "destroyed";
  }
  return "?";
}

std::string CopyNumbers(std::span<const CopyRange> ranges) {
  std::string out;
  for (const CopyRange& range : ranges) {
    if (!out.empty()) out += ", ";
    out += range.first == range.last ? fmt::format("{}", range.first)
                                     : fmt::format("{}-{}", range.first, range.last);
  }
  return out;
}

std::vector<CopiesHeld> HeldAtFirst(const MediaRegistered& item, uint64_t index) {
  return {{{1, item.copies}, CopyState::kIn, item.custodian, item.location, "", index}};
}

absl::StatusOr<std::vector<CopyRange>> CopiesMeant(const MediaRecord& record,
                                                   const CustodyRecorded& custody) {
  if (custody.which.empty()) return LowestNumbers(record, custody);
  DML_RETURN_IF_ERROR(CheckNamed(record, custody));
  const CopyState from = TakenFrom(custody.action);
  absl::Status status;
  for (const CopyRange& range : custody.which) {
    ForEachPart(record.held, range, [&](const CopiesHeld& item, const CopyRange& part) {
      if (item.state == from || !status.ok()) return;
      status = FailedPrecondition(ErrorReason("COPIES_ELSEWHERE"), "copy {} of {} is {}",
                                  part.first, custody.name, WhereIs(item));
    });
  }
  DML_RETURN_IF_ERROR(status);
  return custody.which;
}

absl::StatusOr<std::vector<CopiesHeld>> HeldAfter(const std::vector<CopiesHeld>& held,
                                                  const CustodyRecorded& custody,
                                                  std::span<const CopyRange> copies,
                                                  uint64_t index) {
  std::vector<CopiesHeld> out;
  auto add = [&](CopiesHeld item) {
    if (!out.empty()) {
      const CopyRange copies = std::exchange(item.copies, out.back().copies);
      if (item == out.back()) {  // Alike but for the numbers, which go on.
        out.back().copies.last = copies.last;
        return;
      }
      item.copies = copies;
    }
    out.push_back(std::move(item));
  };
  auto keep = [&](const CopiesHeld& item, uint32_t first, uint32_t last) {
    if (first > last) return;
    CopiesHeld part = item;
    part.copies = {first, last};
    add(std::move(part));
  };
  auto next = copies.begin();
  for (const CopiesHeld& item : held) {
    uint32_t first = item.copies.first;
    while (next != copies.end() && next->first <= item.copies.last) {
      const CopyRange part{std::max(next->first, first), std::min(next->last, item.copies.last)};
      if (part.first > first) keep(item, first, part.first - 1);
      CopiesHeld changed = item;
      changed.copies = part;
      changed.custodian = custody.custodian;
      changed.index = index;
      changed.away.clear();
      switch (custody.action) {
        case CustodyAction::kCheckedOut:
          changed.state = CopyState::kOut;
          changed.away = custody.location;
          break;
        case CustodyAction::kCheckedIn:
        case CustodyAction::kMoved:
          changed.state = CopyState::kIn;
          if (!custody.location.empty()) changed.location = custody.location;
          break;
        case CustodyAction::kDestroyed:
          changed.state = CopyState::kDestroyed;
          break;
      }
      add(std::move(changed));
      first = part.last + 1;
      if (next->last > item.copies.last) break;
      ++next;
    }
    keep(item, first, item.copies.last);
  }
  if (out.size() <= kMaxCopyGroups) return out;
  return FailedPrecondition(ErrorReason("COPIES_SCATTERED"),
                            "the copies of {} would be in {} groups with a place of their own, and "
                            "at most {} can be: bring some together, or register them as items of "
                            "their own",
                            custody.name, out.size(), kMaxCopyGroups);
}

}  // namespace dml
