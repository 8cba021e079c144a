#include "client/log_pin.h"

#include <algorithm>

namespace dml {

absl::StatusOr<LogPin> PinOf(const ClientOptions& options, TrustMemory& trust) {
  const absl::StatusOr<PublicKey> pinned = PublicKey::FromSpkiPem(options.log_key_pem);
  if (!pinned.ok()) {
    return InvalidArgument(ErrorReason("LOG_KEY_INVALID"),
                           "the log key of {} is no public key in PEM: {}; take the one that the "
                           "library's operator gives out",
                           options.log_origin, Message(pinned.status()));
  }
  if (options.root_json.empty()) return LogPin{options.log_origin, {}, *pinned, std::nullopt};
  DML_ASSIGN_OR_RETURN(const RememberedRoot at, trust.Newest());
  const TrustRoot& root = at.trusted.root;
  // A log that has moved to a new origin is still the one that is pinned.
  DML_ASSIGN_OR_RETURN(const TrustedRoot first, OpenPinnedRoot(options.root_json));
  if (root.origin != options.log_origin && first.root.origin != options.log_origin) {
    return FailedPrecondition(
        ErrorReason("LOG_KEY_MISMATCH"),
        "the trust root is of log '{}', and the profile pins '{}'; choose the "
        "root of this library",
        root.origin, options.log_origin);
  }
  const std::vector<Digest>& ids = root.roles.at(SigningRole::kLog).key_ids;
  LogPin out{root.origin, {}, *pinned, root.log_start_size};
  for (const std::string& name : {options.log_origin, first.root.origin, root.previous_origin}) {
    if (!name.empty() && name != root.origin) out.former_origins.push_back(name);
  }
  if (std::ranges::find(ids, pinned->id()) == ids.end()) {
    out.key = FindTrustKey(root.keys, ids.front())->key;
  }
  return out;
}

absl::StatusOr<LogPin> PinOf(const ClientOptions& options) {
  DML_ASSIGN_OR_RETURN(std::unique_ptr<TrustMemory> trust, OpenTrustMemory(options));
  return PinOf(options, *trust);
}

absl::StatusOr<std::unique_ptr<TrustMemory>> OpenTrustMemory(const ClientOptions& options) {
  std::filesystem::path file = options.state_file;
  if (!file.empty()) file += ".root";
  return TrustMemory::Create(options.root_json, std::move(file));
}

}  // namespace dml
