#include "storage/library/trust.h"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "core/crypto/sha256.h"
#include "storage/journal/journal.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

absl::StatusOr<std::vector<DsseEnvelope>> ReadDelegations(
    const Reader& state, const std::vector<DelegationRecord>& records) {
  std::vector<DsseEnvelope> out;
  for (const DelegationRecord& record : records) {
    DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(state, record.envelope));
    DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ParseEnvelope(bytes));
    out.push_back(std::move(envelope));
  }
  return out;
}

absl::StatusOr<std::set<Digest>> RevokedKeys(const Reader& state) {
  std::set<Digest> out;
  DML_RETURN_IF_ERROR(LibraryView(state).ScanKeys([&](const KeyRecord& key) {
    if (key.revoked) out.insert(Sha256(key.spki));
    return true;
  }));
  return out;
}

absl::Status NoRoot() {
  return FailedPrecondition(ErrorReason("ROOT_MISSING"),
                            "the library has no trust root, so nobody may vouch for anything: set "
                            "one with dml root set");
}

BlobRef RefOf(const std::string& bytes) { return {Sha256(bytes), bytes.size()}; }

Command RootCommand(uint64_t version, std::string envelope) {
  Command command;
  command.payload = RootSet{version, RefOf(envelope)};
  command.metadata = {std::move(envelope)};
  return command;
}

// Of a root that the next entry sets.
absl::Status CheckOfThisLog(const Reader& state, const TrustRoot& root, std::string_view origin,
                            const PublicKey& log_key) {
  DML_ASSIGN_OR_RETURN(const uint64_t size, JournalView(state).Size());
  return CheckRootOfLog(root, origin, log_key, size + 1);
}

}  // namespace

absl::Status CheckRootOfLog(const TrustRoot& root, std::string_view origin,
                            const PublicKey& log_key, uint64_t size) {
  if (root.origin != origin) {
    return PermissionDenied(ErrorReason("ROOT_ORIGIN_UNEXPECTED"),
                            "the root is of the journal {}, and this one is {}{}", root.origin,
                            origin,
                            root.previous_origin == origin
                                ? ": to move it there, stop the daemon, and use dmld set-root"
                                : "");
  }
  if (root.log_start_size > size) {
    return InvalidArgument(ErrorReason("ROOT_LOG_START_BEYOND"),
                           "the root believes the journal from {} entries on, and it has {} with "
                           "this root: no client could believe it any more; say logStartSize {} or "
                           "less",
                           root.log_start_size, size, size);
  }
  const auto log = root.roles.find(SigningRole::kLog);
  if (log != root.roles.end() && std::ranges::count(log->second.key_ids, log_key.id()) > 0) {
    return absl::OkStatus();
  }
  return InvalidArgument(
      ErrorReason("ROOT_LOG_KEY_MISSING"),
      "the root does not name the key {} in the role log, with which this "
      "journal is signed: nobody could believe it any more; to change that key, see "
      "docs/operations.md, \"Recovery\"",
      log_key.id().ToString());
}

absl::Status CheckOriginIsNew(const Reader& state, std::string_view origin) {
  PageRequest page;
  do {
    DML_ASSIGN_OR_RETURN(auto found, ListView(state).Roots(page));
    for (const RootRecord& record : found.items) {
      DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(state, record.envelope));
      DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ParseEnvelope(bytes));
      DML_ASSIGN_OR_RETURN(TrustRoot root, ParseTrustRoot(envelope.payload));
      if (root.origin != origin) continue;
      return PermissionDenied(ErrorReason("ROOT_ORIGIN_USED"),
                              "the journal was called {} before, with root {}: two histories would "
                              "have one name; choose one that was never used (dmld new-origin "
                              "makes one)",
                              origin, root.version);
    }
    page.after_key = found.next_key;
  } while (!page.after_key.empty());
  return absl::OkStatus();
}

absl::StatusOr<std::optional<TrustedRoot>> LoadRoot(const Reader& state) {
  DML_ASSIGN_OR_RETURN(auto record, LibraryView(state).FindRoot());
  if (!record.has_value()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(state, record->envelope));
  DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ParseEnvelope(bytes));
  TrustedRoot out;
  DML_ASSIGN_OR_RETURN(out.root, ParseTrustRoot(envelope.payload));
  out.digest = Sha256(envelope.payload);
  return out;
}

absl::StatusOr<std::shared_ptr<const TrustDomain>> LoadTrust(const Reader& state, Timestamp now) {
  DML_ASSIGN_OR_RETURN(auto root, LoadRoot(state));
  if (!root.has_value()) return NoRoot();
  DML_ASSIGN_OR_RETURN(auto records, LibraryView(state).AllDelegations());
  DML_ASSIGN_OR_RETURN(auto delegations, ReadDelegations(state, records));
  DML_ASSIGN_OR_RETURN(std::set<Digest> revoked, RevokedKeys(state));
  return std::make_shared<const TrustDomain>(
      TrustDomain::Assemble(std::move(root->root), delegations, now, revoked));
}

absl::StatusOr<std::shared_ptr<const TrustDomain>> TrustCache::Get(const Reader& state,
                                                                   Timestamp now) {
  DML_ASSIGN_OR_RETURN(const uint64_t stamp, LibraryView(state).Stamp(kKeysStamp));
  {
    absl::MutexLock lock(&mutex_);
    if (domain_ != nullptr && stamp_ == stamp && from_ <= now && now < to_) return domain_;
  }
  DML_ASSIGN_OR_RETURN(std::shared_ptr<const TrustDomain> domain, LoadTrust(state, now));
  Timestamp to = Timestamp::max();
  DML_ASSIGN_OR_RETURN(auto records, LibraryView(state).AllDelegations());
  for (const DelegationRecord& record : records) {
    if (record.expires > now) to = std::min(to, record.expires);
  }
  absl::MutexLock lock(&mutex_);
  domain_ = domain;
  stamp_ = stamp;
  from_ = now;
  to_ = to;
  return domain;
}

absl::StatusOr<StampSeen> SeenTrust(const Reader& state) {
  DML_ASSIGN_OR_RETURN(uint64_t index, LibraryView(state).Stamp(kKeysStamp));
  return StampSeen{std::string(kKeysStamp), index};
}

absl::StatusOr<Command> PrepareSetRoot(const Reader& state, std::string envelope,
                                       std::string_view origin, const PublicKey& log_key,
                                       Timestamp now) {
  DML_ASSIGN_OR_RETURN(auto current, LoadRoot(state));
  absl::StatusOr<TrustedRoot> next =
      current.has_value() ? OpenNextRoot(current->root, envelope) : OpenPinnedRoot(envelope);
  if (!next.ok()) {
    // The very same root again may be a retry, which the sequencer tells by its request id.
    DML_ASSIGN_OR_RETURN(auto record, LibraryView(state).FindRoot());
    if (!record.has_value() || record->envelope != RefOf(envelope)) return next.status();
    next = *current;
  }
  DML_RETURN_IF_ERROR(CheckOfThisLog(state, next->root, origin, log_key));
  DML_RETURN_IF_ERROR(CheckRootExpiry(next->root, now));
  return RootCommand(next->root.version, std::move(envelope));
}

absl::StatusOr<Command> PreparePastRoot(const Reader& state, std::string envelope) {
  DML_ASSIGN_OR_RETURN(auto current, LoadRoot(state));
  if (!current.has_value()) return NoRoot();
  DML_ASSIGN_OR_RETURN(TrustedRoot next, OpenNextRoot(current->root, envelope));
  return RootCommand(next.root.version, std::move(envelope));
}

absl::StatusOr<Command> PrepareReplaceRoot(const Reader& state, std::string envelope,
                                           std::string_view origin, const PublicKey& log_key,
                                           Timestamp now) {
  DML_ASSIGN_OR_RETURN(auto current, LoadRoot(state));
  if (!current.has_value()) return NoRoot();
  DML_ASSIGN_OR_RETURN(TrustedRoot next, OpenPinnedRoot(envelope));
  if (next.root.version != current->root.version + 1) {
    return FailedPrecondition(ErrorReason("ROOT_VERSION_UNEXPECTED"),
                              "the root has version {}, and the next one is {}", next.root.version,
                              current->root.version + 1);
  }
  DML_RETURN_IF_ERROR(CheckOfThisLog(state, next.root, origin, log_key));
  DML_RETURN_IF_ERROR(CheckRootExpiry(next.root, now));
  return RootCommand(next.root.version, std::move(envelope));
}

absl::StatusOr<Command> PrepareSetDelegation(const Reader& state, std::string envelope,
                                             Timestamp now) {
  DML_ASSIGN_OR_RETURN(DsseEnvelope parsed, ParseEnvelope(envelope));
  DML_ASSIGN_OR_RETURN(DelegationDocument document, ParseDelegationDocument(parsed.payload));
  if (document.expires <= now) {
    return FailedPrecondition(ErrorReason("DELEGATION_EXPIRED"),
                              "the document of {} expired on {}: make its next version (dml "
                              "delegation renew), and let its holders sign that",
                              fmt::join(document.chain, " > "), FormatTime(document.expires));
  }
  DML_ASSIGN_OR_RETURN(auto root, LoadRoot(state));
  if (!root.has_value()) return NoRoot();
  DML_ASSIGN_OR_RETURN(auto records, LibraryView(state).AllDelegations());
  // Those above it, as they are; whatever else has lapsed is not this one's fault.
  std::erase_if(records, [&](const DelegationRecord& record) {
    return record.chain.size() >= document.chain.size();
  });
  DML_ASSIGN_OR_RETURN(auto delegations, ReadDelegations(state, records));
  DML_ASSIGN_OR_RETURN(std::set<Digest> revoked, RevokedKeys(state));
  const TrustDomain above = TrustDomain::Assemble(std::move(root->root), delegations, now, revoked);
  DML_RETURN_IF_ERROR(above.Judge(parsed, document));
  Command command;
  DML_ASSIGN_OR_RETURN(StampSeen seen, SeenTrust(state));
  command.decided_on.push_back(std::move(seen));
  command.payload = DelegationSet{document.chain, document.version, RefOf(envelope)};
  command.metadata = {std::move(envelope)};
  return command;
}

}  // namespace dml
