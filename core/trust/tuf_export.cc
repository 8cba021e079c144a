#include "core/trust/tuf_export.h"

#include <algorithm>
#include <bit>
#include <set>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/crypto/sha256.h"
#include "core/package/names.h"
#include "core/trust/json_members.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr std::string_view kSpecVersion = "1.0.34";
constexpr uint64_t kMaxVersion = (uint64_t{1} << 53) - 1;
constexpr size_t kMaxPartBytes = 255 - 65;  // Of a file's name: a digest and '.' come before it.
// One per bin, the top-level targets and slack; more would be no snapshot of ours.
constexpr size_t kMaxSnapshotNames = kMaxTufBins + 16;

json Head(std::string_view type, uint64_t version, Timestamp expires) {
  return {{"_type", type},
          {"spec_version", kSpecVersion},
          {"version", version},
          {"expires", FormatTime(expires)}};
}

json RoleJson(std::vector<std::string> key_ids, uint32_t threshold) {
  return {{"keyids", std::move(key_ids)}, {"threshold", threshold}};
}

// Windows' names for devices, in any folder and with any extension (Win32 naming conventions).
bool IsDeviceName(std::string_view part) {
  constexpr std::string_view kDevices[] = {"con", "prn", "aux", "nul", "conin$", "conout$"};
  std::string stem(part.substr(0, part.find('.')));
  std::ranges::transform(stem, stem.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  if (std::ranges::count(kDevices, stem) > 0) return true;
  return stem.size() == 4 && (stem.starts_with("com") || stem.starts_with("lpt")) &&
         stem[3] >= '0' && stem[3] <= '9';
}

// The root role's keys as TUF has them.
absl::StatusOr<std::vector<PublicKey>> RootKeys(const TrustRoot& root) {
  std::vector<PublicKey> out;
  std::set<std::string_view> holders;
  for (const Digest& id : root.roles.at(SigningRole::kRoot).key_ids) {
    const TrustKey& key = *FindTrustKey(root.keys, id);
    if (!holders.insert(key.holder).second) {
      return FailedPrecondition(ErrorReason("TUF_HOLDER_REPEATED"),
                                "{} holds two keys of the root role of root {}; TUF counts keys, "
                                "not holders: leave one key to each",
                                key.holder, root.version);
    }
    out.push_back(key.key);
  }
  return out;
}

absl::StatusOr<json> RootJson(const TrustRoot& root, const PublicKey& online) {
  DML_ASSIGN_OR_RETURN(std::vector<PublicKey> holders, RootKeys(root));
  json keys = json::object();
  std::vector<std::string> ids;
  for (const PublicKey& key : holders) {
    ids.push_back(TufKeyId(key));
    keys[ids.back()] = TufKeyJson(key);
  }
  keys[TufKeyId(online)] = TufKeyJson(online);
  json roles = {{"root", RoleJson(ids, root.roles.at(SigningRole::kRoot).threshold)}};
  for (const char* role : {"targets", "snapshot", "timestamp"}) {
    roles[role] = RoleJson(std::vector<std::string>(1, TufKeyId(online)), 1);
  }
  json out = Head("root", root.version, root.expires);
  out["consistent_snapshot"] = true;
  out["keys"] = std::move(keys);
  out["roles"] = std::move(roles);
  return out;
}

// Whether two roots differ in their online key at most.
bool SameButOnline(const json& a, const json& b) {
  for (const char* member : {"_type", "version", "expires", "spec_version"}) {
    if (a.value(member, json()) != b.value(member, json())) return false;
  }
  const json roles_a = a.value("roles", json::object());
  const json roles_b = b.value("roles", json::object());
  return roles_a.is_object() && roles_a.value("root", json()) == roles_b.value("root", json());
}

// Notes who of a root role must still sign.
void FindMissing(const TufMetadata& metadata, const TrustRoot& by, std::vector<std::string>& out) {
  const RoleKeys& role = by.roles.at(SigningRole::kRoot);
  uint32_t good = 0;
  std::string others;
  for (const Digest& id : role.key_ids) {
    const TrustKey& key = *FindTrustKey(by.keys, id);
    if (IsTufSignedBy(metadata, key.key)) {
      ++good;
    } else {
      others += (others.empty() ? "" : ", ") + key.holder;
    }
  }
  if (good >= role.threshold) return;
  out.push_back(
      fmt::format("holders of root {}: {} more of {}", by.version, role.threshold - good, others));
}

// Drops what is no good signature of a holder of these roots (the second may be nullptr).
void KeepGoodSignatures(TufMetadata& metadata, const TrustRoot& root, const TrustRoot* previous) {
  std::set<std::string> good;
  for (const TrustRoot* by : {&root, previous}) {
    if (by == nullptr) continue;
    for (const Digest& id : by->roles.at(SigningRole::kRoot).key_ids) {
      const PublicKey& key = FindTrustKey(by->keys, id)->key;
      if (IsTufSignedBy(metadata, key)) good.insert(TufKeyId(key));
    }
  }
  std::erase_if(metadata.signatures, [&](const auto& item) { return !good.contains(item.first); });
}

bool HoldsRoot(const TrustRoot& root, const PublicKey& key) {
  return std::ranges::binary_search(root.roles.at(SigningRole::kRoot).key_ids, key.id());
}

std::string BinName(uint32_t bin, uint32_t bins) {
  const int width = (std::bit_width(bins - 1) + 3) / 4;
  return fmt::format("bin-{:0{}x}", bin, width);
}

// The prefixes of path hashes that a bin has: hex digits, as many as tell all bins apart.
json BinPrefixes(uint32_t bin, uint32_t bins) {
  const int digits = (std::bit_width(bins - 1) + 3) / 4;
  const uint32_t per_bin = (uint32_t{1} << (4 * digits)) / bins;
  json out = json::array();
  for (uint32_t i = 0; i < per_bin; ++i) {
    out.push_back(fmt::format("{:0{}x}", bin * per_bin + i, digits));
  }
  return out;
}

uint32_t BinOf(std::string_view name, uint32_t bins) {
  const Digest hash = Sha256(name);
  const uint32_t top = (uint32_t{hash.bytes()[0]} << 8) | hash.bytes()[1];
  return top >> (16 - std::bit_width(bins - 1));
}

json BinDelegations(uint32_t bins, const PublicKey& online) {
  json roles = json::array();
  for (uint32_t bin = 0; bin < bins; ++bin) {
    json role = RoleJson(std::vector<std::string>(1, TufKeyId(online)), 1);
    role["name"] = BinName(bin, bins);
    role["terminating"] = true;
    role["path_hash_prefixes"] = BinPrefixes(bin, bins);
    roles.push_back(std::move(role));
  }
  json keys = json::object();
  keys[TufKeyId(online)] = TufKeyJson(online);
  return {{"keys", std::move(keys)}, {"roles", std::move(roles)}};
}

// Signs metadata one after another and remembers what the next level says about it.
class RepositoryWriter {
 public:
  RepositoryWriter(const TufRepository& repository, const Signer& online)
      : version_(repository.published.version + 1), expires_(repository.expires), online_(online) {}

  json Targets(json targets) const {
    json out = Head("targets", version_, expires_);
    out["targets"] = std::move(targets);
    return out;
  }

  // Adds "N.name.json"; the entry for it under "meta" in whatever names it.
  absl::Status Add(std::string_view name, json signed_part, size_t max_bytes) {
    TufMetadata metadata{std::move(signed_part), {}};
    DML_RETURN_IF_ERROR(SignTufMetadata(metadata, online_));
    DML_ASSIGN_OR_RETURN(std::string text, FormatTufMetadata(metadata, max_bytes));
    meta_[fmt::format("{}.json", name)] = {{"version", version_},
                                           {"length", text.size()},
                                           {"hashes", {{"sha256", Sha256(text).hex()}}}};
    files_.push_back({fmt::format("{}.{}.json", version_, name), std::move(text)});
    return absl::OkStatus();
  }

  // Adds the snapshot of all so far, then the timestamp that names it.
  absl::StatusOr<std::vector<TufFile>> Finish(const std::vector<std::string>& published) {
    for (const std::string& name : published) {
      if (meta_.contains(name)) continue;
      return FailedPrecondition(ErrorReason("TUF_ROLE_REMOVED"),
                                "clients have seen {} and would refuse a repository without it; "
                                "keep the number of --bins, or export into a new folder",
                                Excerpt(name));
    }
    json snapshot = Head("snapshot", version_, expires_);
    snapshot["meta"] = std::exchange(meta_, json::object());
    DML_RETURN_IF_ERROR(Add("snapshot", std::move(snapshot), kMaxTufSnapshotBytes));
    json timestamp = Head("timestamp", version_, expires_);
    timestamp["meta"] = std::exchange(meta_, json::object());
    DML_RETURN_IF_ERROR(Add("timestamp", std::move(timestamp), kMaxTufTimestampBytes));
    files_.back().name = "timestamp.json";
    return std::move(files_);
  }

 private:
  const uint64_t version_;
  const Timestamp expires_;
  const Signer& online_;
  json meta_ = json::object();
  std::vector<TufFile> files_;
};

// The targets by bin, one for all without bins.
absl::StatusOr<std::vector<json>> SortTargets(const TufRepository& repository) {
  if (repository.targets.size() > kMaxTufTargets) {
    return ResourceExhausted(ErrorReason("TUF_TOO_LARGE"), "{} targets are more than {}",
                             repository.targets.size(), kMaxTufTargets);
  }
  std::vector<json> out(std::max(1u, repository.bins), json::object());
  for (const TufTarget& target : repository.targets) {
    DML_RETURN_IF_ERROR(ValidateTufTargetName(target.name));
    json& into = out[repository.bins == 0 ? 0 : BinOf(target.name, repository.bins)];
    if (into.contains(target.name)) {
      return InvalidArgument(ErrorReason("TUF_TARGET_REPEATED"), "two targets are called '{}'",
                             target.name);
    }
    into[target.name] = {{"length", target.blob.size},
                         {"hashes", {{"sha256", target.blob.digest.hex()}}}};
  }
  return out;
}

// The signed part of online metadata that was written here.
absl::StatusOr<json> ReadOnline(std::string_view text, size_t max_bytes) {
  DML_ASSIGN_OR_RETURN(TufMetadata metadata, ParseTufMetadata(text, max_bytes));
  return std::move(metadata.signed_part);
}

}  // namespace

absl::Status ValidateTufTargetName(std::string_view name) {
  constexpr std::string_view kRefused = " %\"\\*?[]<>|:";
  DML_RETURN_IF_ERROR(ValidateFilePath(name));
  auto bad = [&](std::string_view why) {
    return InvalidArgument(ErrorReason("PATH_INVALID"), "target name '{}' {}", Excerpt(name, 256),
                           why);
  };
  for (char c : name) {
    if (c <= 0x20 || c >= 0x7f || kRefused.find(c) != kRefused.npos) {
      return bad(
          fmt::format("has a character that is not printable ASCII or one of '{}'", kRefused));
    }
  }
  for (size_t begin = 0; begin <= name.size();) {
    const std::string_view part = name.substr(begin, name.find('/', begin) - begin);
    if (part.size() > kMaxPartBytes) return bad("has a part too long to have a digest before it");
    if (part.ends_with('.')) return bad("has a part that ends in '.', which Windows cuts off");
    if (IsDeviceName(part)) return bad("has a part that is a device of Windows");
    begin += part.size() + 1;
  }
  return absl::OkStatus();
}

std::string TufTargetPath(const TufTarget& target) {
  const size_t base = target.name.rfind('/') + 1;  // npos + 1 is 0.
  return fmt::format("{}{}.{}", target.name.substr(0, base), target.blob.digest.hex(),
                     target.name.substr(base));
}

absl::StatusOr<TufRootFile> ExportTufRoot(const TrustRoot& root, const TrustRoot* previous,
                                          const PublicKey& online,
                                          std::span<const Signer* const> signers,
                                          std::string_view existing, bool keep_online) {
  TufMetadata metadata;
  DML_ASSIGN_OR_RETURN(metadata.signed_part, RootJson(root, online));
  if (!existing.empty()) {
    DML_ASSIGN_OR_RETURN(TufMetadata before, ParseTufMetadata(existing, kMaxTufRootBytes));
    const bool same = before.signed_part == metadata.signed_part ||
                      (keep_online && SameButOnline(before.signed_part, metadata.signed_part));
    if (!same) {
      return FailedPrecondition(ErrorReason("TUF_ROOT_DIFFERS"),
                                "root {} was exported with another --key or content, and clients "
                                "take no second one of its version; make the next root (dml root "
                                "renew) and export that too",
                                root.version);
    }
    metadata = std::move(before);
    KeepGoodSignatures(metadata, root, previous);
  }
  for (const Signer* signer : signers) {
    const PublicKey& key = signer->public_key();
    if (!HoldsRoot(root, key) && (previous == nullptr || !HoldsRoot(*previous, key))) continue;
    DML_RETURN_IF_ERROR(SignTufMetadata(metadata, *signer));
  }
  TufRootFile out;
  FindMissing(metadata, root, out.missing);
  if (previous != nullptr) FindMissing(metadata, *previous, out.missing);
  out.complete = out.missing.empty();
  DML_ASSIGN_OR_RETURN(out.file.json, FormatTufMetadata(metadata, kMaxTufRootBytes));
  out.file.name = fmt::format("{}.root.json", root.version);
  return out;
}

absl::StatusOr<uint64_t> ReadTufTimestamp(std::string_view text) {
  DML_ASSIGN_OR_RETURN(json document, ReadOnline(text, kMaxTufTimestampBytes));
  ObjectReader in(document, ErrorReason("TUF_INVALID"));
  const uint64_t version = in.Unsigned("version", 1, kMaxVersion - 1);
  IgnoreOtherMembers(document, in);
  DML_RETURN_IF_ERROR(in.Finish());
  return version;
}

absl::StatusOr<std::vector<std::string>> ReadTufSnapshot(std::string_view text) {
  const ErrorReason reason("TUF_INVALID");
  DML_ASSIGN_OR_RETURN(json document, ReadOnline(text, kMaxTufSnapshotBytes));
  const auto meta = document.find("meta");
  if (meta == document.end() || !meta->is_object() || meta->size() > kMaxSnapshotNames) {
    return InvalidArgument(reason, "the snapshot has no member 'meta' as is written here");
  }
  std::vector<std::string> out;
  for (const auto& [name, value] : meta->items()) out.push_back(name);
  return out;
}

absl::StatusOr<std::vector<TufFile>> ExportTufRepository(const TufRepository& repository,
                                                         const Signer& online) {
  const uint32_t bins = repository.bins;
  if (bins != 0 && (bins < 2 || bins > kMaxTufBins || !std::has_single_bit(bins))) {
    return InvalidArgument(ErrorReason("TUF_BINS_INVALID"),
                           "{} bins are not a power of two of 2 to {}", bins, kMaxTufBins);
  }
  DML_ASSIGN_OR_RETURN(std::vector<json> targets, SortTargets(repository));
  RepositoryWriter writer(repository, online);
  for (uint32_t bin = 0; bin < bins; ++bin) {
    DML_RETURN_IF_ERROR(writer.Add(BinName(bin, bins), writer.Targets(std::move(targets[bin])),
                                   kMaxTufTargetsBytes));
  }
  json top = writer.Targets(bins == 0 ? std::move(targets[0]) : json::object());
  if (bins != 0) top["delegations"] = BinDelegations(bins, online.public_key());
  DML_RETURN_IF_ERROR(writer.Add("targets", std::move(top), kMaxTufTargetsBytes));
  return writer.Finish(repository.published.roles);
}

}  // namespace dml
