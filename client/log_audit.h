// The rules of a journal that anybody can check who has its entries, and nothing else.
//
// Entries are handed over one after another from the first on. What breaks a rule becomes a
// finding: a signed checkpoint over such an entry shows that the library did what it must not.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/journal/entry.h"
#include "core/license/entitlement_ledger.h"
#include "core/merkle/merkle.h"

namespace dml {

/// An entry that breaks a rule.
struct LogFault {
  uint64_t index = 0;
  std::string rule;  // "TIME_DECREASES", ...; docs/cli.md, "dml log verify".
  std::string what;
  bool operator==(const LogFault&) const = default;
};

/// One thread. Remembers the names that entries have bound: memory grows with those.
class LogAudit {
 public:
  /// So long an author's request id stands for one request.
  static constexpr std::chrono::days kRequestTime{7};
  /// Faults that are kept; fault_count() counts all.
  static constexpr size_t kMaxFaults = 100;

  explicit LogAudit(std::string origin) : origin_(std::move(origin)) {}

  /// That the entries so far are of the log that is audited: begun as it, or moved to its origin
  /// since. To be asked where all entries of a checkpoint are there.
  void CheckOrigin();

  /// Takes the entry of index size(); what it is, nullopt where it cannot be read.
  std::optional<Entry> Add(std::string_view leaf);

  uint64_t size() const { return tree_.size(); }
  /// Of all entries so far.
  Digest Root() const { return tree_.Root(); }
  uint64_t fault_count() const { return fault_count_; }
  const std::vector<LogFault>& faults() const { return faults_; }

 private:
  struct Rules;

  void Fault(uint64_t index, std::string_view rule, std::string what);
  void CheckFrame(uint64_t index, const Entry& entry);
  void CheckRequest(uint64_t index, const Entry& entry);

  const std::string origin_;
  bool origin_told_ = false;           // That it is not the one at the end.
  std::optional<std::string> called_;  // As entries say; nullopt before the first.
  std::set<std::string> origins_;      // All that it was called.
  TreeAppender tree_;
  Timestamp time_{};  // Of the entry before.
  std::deque<std::pair<Timestamp, std::pair<std::string, std::string>>> recent_;
  std::set<std::pair<std::string, std::string>> requests_;  // Author and id, those in recent_.
  std::set<std::string> namespaces_;
  std::set<std::string> environments_;
  std::set<std::pair<std::string, std::string>> nodes_;  // Environment and name.
  std::map<std::string, bool> variants_;                 // By resource name: whether withdrawn.
  std::map<Digest, bool> keys_;                          // Whether revoked.
  uint64_t root_version_ = 0;
  std::map<std::vector<std::string>, uint64_t> delegations_;  // Versions, by chain.
  std::map<std::string, uint64_t> advisories_;                // Revisions by id.
  std::map<LicenseDataKind, uint64_t> license_data_;          // Revisions.
  std::map<std::string, bool> tokens_;                        // By id: whether revoked.
  std::set<std::string> media_;
  EntitlementLedger seats_;
  std::map<std::string, uint64_t> terms_;  // Revisions of entitlements, by id.
  std::set<std::string> permits_;
  std::set<std::pair<std::string, std::string>> permit_uses_;  // Permit and node.
  std::set<Digest> releases_;
  std::set<std::pair<std::string, std::string>> release_names_;
  uint64_t audit_lines_ = 0;  // Of the audit log, as the entry before recorded them.
  std::set<std::pair<std::string, Digest>> attestations_;
  std::vector<LogFault> faults_;
  uint64_t fault_count_ = 0;
};

}  // namespace dml
