#include "server/rpc/journal_page.h"

#include <algorithm>

#include "core/wire/api.h"
#include "server/rpc/watch_slot.h"

namespace dml {
namespace {

constexpr int kEntriesPerMessage = 100;
constexpr size_t kMessageBytes = 1 << 20;
constexpr uint64_t kMaxScannedPerMessage = 10'000;

// What an entry is about, written like a scope; "" for what concerns the whole library.
struct ThingOf {
  static std::string Of(const VariantName& variant) { return "namespaces/" + variant.package.ns; }
  std::string operator()(const NamespaceCreated& p) const { return "namespaces/" + p.name; }
  std::string operator()(const NamespaceRetentionSet& p) const { return "namespaces/" + p.name; }
  std::string operator()(const VersionPublished& p) const { return Of(p.variant); }
  std::string operator()(const AttestationAttached& p) const { return Of(p.variant); }
  std::string operator()(const VersionWithdrawn& p) const { return Of(p.variant); }
  std::string operator()(const AdmissionDecided& p) const { return Of(p.variant); }
  std::string operator()(const VariantScanned& p) const { return Of(p.variant); }
  std::string operator()(const HoldPlaced& p) const { return Of(p.variant); }
  std::string operator()(const HoldReleased& p) const { return Of(p.variant); }
  std::string operator()(const ReferencesPublished& p) const { return "namespaces/" + p.ns; }
  std::string operator()(const EnvironmentCreated& p) const { return "environments/" + p.name; }
  std::string operator()(const NodeCreated& p) const { return "environments/" + p.environment; }
  std::string operator()(const PolicySet& p) const { return "environments/" + p.environment; }
  std::string operator()(const PermitDecided& p) const { return "environments/" + p.environment; }
  std::string operator()(const ReleaseApproved& p) const { return "environments/" + p.environment; }
  std::string operator()(const ReleaseMoved& p) const { return "environments/" + p.environment; }
  std::string operator()(const RolloutStarted& p) const { return "environments/" + p.environment; }
  std::string operator()(const NodeReported& p) const { return "environments/" + p.environment; }
  std::string operator()(const RolloutSteered& p) const { return "environments/" + p.environment; }
  std::string operator()(const ReleaseOverridden& p) const {
    return "environments/" + p.environment;
  }
  std::string operator()(const ReleaseReevaluated& p) const {
    return "environments/" + p.environment;
  }
  std::string operator()(const SeatsReserved& p) const { return "environments/" + p.environment; }
  std::string operator()(const LeaseBorrowed& p) const { return "environments/" + p.environment; }
  template <typename Payload>
  std::string operator()(const Payload&) const {
    return "";
  }
};

// The next entries of [next, size) that the caller may see and asked for; `next` moves on.
absl::Status ReadOn(const JournalView& journal, const Caller& caller, std::string_view kind,
                    uint64_t size, uint64_t& next, v1::WatchEntriesResponse& out) {
  size_t bytes = 0;
  for (uint64_t scanned = 0; next < size && scanned < kMaxScannedPerMessage &&
                             out.entries_size() < kEntriesPerMessage && bytes < kMessageBytes;
       ++scanned) {
    DML_ASSIGN_OR_RETURN(StoredEntry stored, journal.At(next++));
    if (!kind.empty() && kind != EntryKind(stored.entry.payload)) continue;
    if (!caller.SeesAll() && !MaySeeEntry(caller, stored.entry)) continue;
    bytes += stored.leaf.size();
    FillEntry(std::move(stored), *out.add_entries());
  }
  out.set_next_index(next);
  return absl::OkStatus();
}

}  // namespace

bool MaySeeEntry(const Caller& caller, const Entry& entry) {
  const EntryPayload& payload = entry.payload;
  if (std::holds_alternative<LibraryCreated>(payload) || std::holds_alternative<RootSet>(payload) ||
      std::holds_alternative<DelegationSet>(payload) ||
      std::holds_alternative<KeyRevoked>(payload) ||
      std::holds_alternative<LicenseDataSet>(payload) || entry.author == caller.principal()) {
    return true;
  }
  if (const auto* advisory = std::get_if<AdvisorySet>(&payload)) {
    return std::ranges::any_of(advisory->packages, [&](const std::string& package) {
      return caller.SeesNamespace(package.substr(0, package.find('/')));
    });
  }
  const std::string thing = std::visit(ThingOf(), payload);
  return !thing.empty() && caller.Sees(thing);
}

void FillEntry(StoredEntry&& stored, v1::JournalEntry& out) {
  out.set_index(stored.entry.index);
  wire::To(stored.entry.time, out.mutable_time());
  out.set_author(stored.entry.author);
  out.set_kind(std::string(EntryKind(stored.entry.payload)));
  out.set_summary(EntrySummary(stored.entry.payload));
  out.set_request_id(stored.entry.request_id);
  out.set_leaf(std::move(stored.leaf));
}

absl::Status WatchJournal(const ServiceContext& services, grpc::ServerContext& call,
                          const char* method, const v1::WatchEntriesRequest& request,
                          grpc::ServerWriter<v1::WatchEntriesResponse>& stream,
                          StallWatch::Stream& watched) {
  DML_ASSIGN_OR_RETURN(const WatchSlot slot, WatchSlot::Take(*services.watches));
  const uint64_t size_now = services.library.checkpoint()->checkpoint.size;
  uint64_t next = request.from_now() ? size_now : request.start_index();
  if (next > size_now) {
    return AtField(InvalidArgument(ErrorReason("INDEX_OUT_OF_RANGE"),
                                   "the journal has {} entries, and none of index {} can be next",
                                   size_now, next),
                   "start_index");
  }
  bool opened = false;  // The first message tells at once where the watch stands.
  auto spoken = std::chrono::steady_clock::now();
  while (!call.IsCancelled()) {
    watched.Progress();  // Only a message that is not taken is a stall.
    if (services.stopping->load()) {
      return Unavailable(ErrorReason("SERVER_STOPPING"), "the daemon stops; watch from {} on later",
                         next);
    }
    DML_ASSIGN_OR_RETURN(const Caller caller, services.guard.Admit(call, method));
    const auto checkpoint = services.library.checkpoint();
    v1::WatchEntriesResponse message;
    DML_RETURN_IF_ERROR(ReadOn(JournalView(*services.library.Read()), caller, request.kind(),
                               checkpoint->checkpoint.size, next, message));
    const auto now = std::chrono::steady_clock::now();
    if (!opened || message.entries_size() > 0 || now - spoken >= kWatchHeartbeat) {
      message.set_checkpoint(checkpoint->note);
      if (!stream.Write(message)) break;
      opened = true;
      spoken = now;
    }
    if (next == checkpoint->checkpoint.size) services.library.AwaitCheckpoint(next + 1, kWatchLook);
  }
  return watched.Broken();
}

}  // namespace dml
