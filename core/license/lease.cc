#include "core/license/lease.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace dml {
namespace {

constexpr uint64_t kMicrosPerMinute = 60'000'000;

}  // namespace

std::string_view LeaseStateName(LeaseState state) {
  constexpr std::array<std::string_view, 4> kNames = {"RESERVED", "ACTIVE", "BORROWED", "ENDED"};
  return kNames[static_cast<size_t>(state)];
}

std::string_view LeaseEndName(LeaseEnd end) {
  constexpr std::array<std::string_view, 4> kNames = {"", "EXPIRED", "RELEASED", "FORCED"};
  return kNames[static_cast<size_t>(end)];
}

Lease Lease::AsOf(Timestamp now) const {
  Lease lease = *this;
  if (state != LeaseState::kEnded && end <= now) {
    lease.state = LeaseState::kEnded;
    lease.ended_by = LeaseEnd::kExpired;
  }
  return lease;
}

std::string LeaseId(std::string_view request, uint64_t index) {
  return fmt::format("{}/{}", request, index);
}

std::optional<std::pair<std::string, uint64_t>> SplitLeaseId(std::string_view id) {
  const size_t slash = id.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  const std::string_view digits = id.substr(slash + 1);
  uint64_t index = 0;
  const char* end = digits.data() + digits.size();
  const auto [last, error] = std::from_chars(digits.data(), end, index);
  if (error != std::errc() || last != end) return std::nullopt;
  std::string request(id.substr(0, slash));
  if (LeaseId(request, index) != id) return std::nullopt;  // "07": another writing of it.
  return std::pair{std::move(request), index};
}

uint64_t& SeatUsage::Of(LeaseState state) {
  if (state == LeaseState::kReserved) return reserved;
  return state == LeaseState::kActive ? active : borrowed;
}

// Overage is seats in use beyond the quantity, times how long. Whole minutes are kept apart, so
// that a billion seats over a century stay within 64 bits.
void SeatUsage::Reckon(uint64_t quantity, Timestamp until) {
  const uint64_t in_use = active + borrowed;
  const uint64_t elapsed = static_cast<uint64_t>((until - since).count());
  since = until;
  if (in_use <= quantity) return;
  const uint64_t seats = in_use - quantity;
  const uint64_t rest = (elapsed % kMicrosPerMinute) * seats + overage_micros;
  overage_minutes += elapsed / kMicrosPerMinute * seats + rest / kMicrosPerMinute;
  overage_micros = rest % kMicrosPerMinute;
}

}  // namespace dml
