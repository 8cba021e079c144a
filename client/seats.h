// dml::SeatClient: entitlements and leases of a library, by its Client.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "client/client.h"

namespace dml {

/// An entitlement and where it stood when the library answered.
struct EntitlementStanding {
  EntitlementRecord record;
  SeatPosition position;
};

/// Whether seats are to be had; where not, why.
struct SeatsAnswer {
  bool available = false;
  std::string reason;
  std::string message;
};

/// What a holder that goes offline takes along: its lease, by which terms, and, in `commit`, where
/// the log says so.
struct BorrowedLease {
  LeaseRecord lease;
  EntitlementStanding entitlement;
};

struct LeaseFilter {
  std::string entitlement;  // "": of all, as in all that follow.
  std::string environment;
  std::string holder;
  bool show_ended = false;  // Those that ended within the last day, too.
};

/// Of the entitlements in force for a product by a metric.
struct ProductPosition {
  std::string product;
  SeatMetric metric = SeatMetric::kNode;
  uint32_t entitlements = 0;
  SeatPosition position;  // Sums; of high-water marks that each reached in its own time, too.
  Timestamp next_expiry;
  std::vector<std::string> expiring_soon;  // Ids, soonest first.
};

/// The envelope that enters terms; a key of the role entitlement over their product signs it.
/// `revision` is 1 to grant, and to amend higher than the record's. Errors of
/// FormatEntitlementClaim (core/evidence/entitlement_claim.h) and SignEnvelope.
absl::StatusOr<std::string> SignEntitlement(const Entitlement& terms, uint64_t revision,
                                            std::span<const Signer* const> keys);

/// Thread-safe, as its Client is.
class SeatClient {
 public:
  /// `client` must outlive it.
  explicit SeatClient(Client& client) : client_(client) {}

  /// By an envelope over a claim: SignEntitlement's, or one that was signed elsewhere.
  absl::StatusOr<Committed<EntitlementStanding>> Grant(const std::string& envelope,
                                                       const MutationOptions& options = {});
  /// Replaces the terms of that etag.
  absl::StatusOr<Committed<EntitlementStanding>> Amend(const std::string& envelope,
                                                       const std::string& etag,
                                                       const MutationOptions& options = {});
  absl::StatusOr<EntitlementStanding> Get(const std::string& id);
  absl::StatusOr<ListPage<EntitlementStanding>> List(const ListOptions& options);

  /// Whether Reserve would do it. Writes nothing.
  absl::StatusOr<SeatsAnswer> Check(const std::string& environment,
                                    const std::vector<SeatRequest>& items);
  /// All items or none; leases in the order of the items.
  absl::StatusOr<Committed<std::vector<LeaseRecord>>> Reserve(const std::string& environment,
                                                              const std::vector<SeatRequest>& items,
                                                              std::chrono::microseconds ttl,
                                                              const MutationOptions& options = {});
  absl::StatusOr<Committed<LeaseRecord>> CommitLease(const std::string& lease,
                                                     std::chrono::microseconds duration,
                                                     const MutationOptions& options = {});
  absl::StatusOr<Committed<LeaseRecord>> Extend(const std::string& lease,
                                                std::chrono::microseconds duration,
                                                const MutationOptions& options = {});
  absl::StatusOr<Committed<LeaseRecord>> Release(const std::string& lease,
                                                 const MutationOptions& options = {});
  /// Takes it from a holder that is lost.
  absl::StatusOr<Committed<LeaseRecord>> ForceRelease(const std::string& lease,
                                                      const std::string& reason,
                                                      const MutationOptions& options = {});
  absl::StatusOr<Committed<BorrowedLease>> Borrow(const std::string& environment,
                                                  const SeatRequest& item,
                                                  std::chrono::microseconds duration,
                                                  const MutationOptions& options = {});
  absl::StatusOr<ListPage<LeaseRecord>> ListLeases(const LeaseFilter& filter,
                                                   const ListOptions& options);

  /// `product` "": all.
  absl::StatusOr<ListPage<ProductPosition>> GetPosition(const std::string& product,
                                                        std::chrono::microseconds expiring_within,
                                                        const ListOptions& options);

 private:
  Client& client_;
};

}  // namespace dml
