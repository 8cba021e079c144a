#include "server/rpc/license_position.h"

#include <algorithm>
#include <map>

#include "core/wire/api_seats.h"
#include "server/rpc/service_util.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

constexpr std::chrono::hours kSoon{30 * 24};

void Add(const SeatPosition& more, SeatPosition& sum) {
  sum.entitled += more.entitled;
  sum.limit += more.limit;
  sum.reserved += more.reserved;
  sum.in_use += more.in_use;
  sum.borrowed += more.borrowed;
  sum.unused += more.unused;
  sum.high_water += more.high_water;
  sum.never_used += more.never_used;
  sum.overage_minutes += more.overage_minutes;
}

struct ProductSum {
  uint32_t entitlements = 0;
  SeatPosition position;
  Timestamp next_expiry = Timestamp::max();
  std::vector<std::pair<Timestamp, std::string>> expiring;
};

using Sums = std::map<std::pair<std::string, SeatMetric>, ProductSum>;

absl::StatusOr<Sums> SumUp(const Reader& state, Timestamp now, std::chrono::microseconds soon,
                           const Caller& caller, const std::string& product) {
  LibraryView view(state);
  Sums sums;
  PageRequest all{static_cast<size_t>(kMaxPageSize), ""};
  do {
    DML_ASSIGN_OR_RETURN(auto page, ListView(state).Entitlements(all));
    for (const EntitlementRecord& record : page.items) {
      const Entitlement& terms = record.terms;
      if (!product.empty() && terms.product != product) continue;
      if (!terms.InForce(now) || !SeesEntitlement(caller, terms)) continue;
      DML_ASSIGN_OR_RETURN(SeatPosition position, PositionAt(terms.id, view, now));
      ProductSum& sum = sums[{terms.product, terms.metric}];
      ++sum.entitlements;
      Add(position, sum.position);
      sum.next_expiry = std::min(sum.next_expiry, terms.expiry);
      if (terms.expiry - now <= soon) sum.expiring.emplace_back(terms.expiry, terms.id);
    }
    all.after_key = page.next_key;
  } while (!all.after_key.empty());
  return sums;
}

}  // namespace

bool SeesEntitlement(const Caller& caller, const Entitlement& terms) {
  return terms.environments.empty() ||
         std::ranges::any_of(terms.environments, [&](const std::string& environment) {
           return caller.Sees(fmt::format("environments/{}", environment));
         });
}

absl::Status FillLicensePosition(const Reader& state, Timestamp now, const Caller& caller,
                                 const v1::GetLicensePositionRequest& request,
                                 v1::GetLicensePositionResponse& response) {
  std::chrono::microseconds soon = kSoon;
  if (request.has_expiring_within()) {
    DML_ASSIGN_OR_RETURN(soon, wire::From(request.expiring_within(), "expiring_within"));
  }
  caller.WillSeeEach();
  DML_ASSIGN_OR_RETURN(Sums sums, SumUp(state, now, soon, caller, request.product()));
  DML_ASSIGN_OR_RETURN(Slice slice,
                       ReadSlice(request.page_size(), request.page_token(), sums.size()));
  auto it = std::next(sums.begin(), static_cast<std::ptrdiff_t>(slice.begin));
  for (size_t i = slice.begin; i < slice.end; ++i, ++it) {
    v1::ProductPosition* out = response.add_positions();
    out->set_product(it->first.first);
    out->set_metric(wire::ToApi(it->first.second));
    out->set_entitlements(it->second.entitlements);
    wire::To(it->second.position, out->mutable_position());
    wire::To(it->second.next_expiry, out->mutable_next_expire_time());
    std::ranges::sort(it->second.expiring);
    for (const auto& [time, id] : it->second.expiring) {
      out->add_expiring_soon(wire::EntitlementResource(id));
    }
  }
  response.set_next_page_token(slice.next_page_token);
  wire::To(now, response.mutable_time());
  return absl::OkStatus();
}

}  // namespace dml
