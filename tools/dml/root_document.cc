#include "tools/dml/root_document.h"

#include <algorithm>
#include <utility>

#include "core/os/file.h"

namespace dml {
namespace {

// Whether the text is an envelope and not a document; both parsers are strict about the rest.
bool IsEnvelope(std::string_view text) { return text.find("\"payloadType\"") != text.npos; }

template <typename Change>
void ForEachRole(TrustRoot& root, Change change) {
  for (auto& [role, keys] : root.roles) change(keys);
  for (Delegation& delegation : root.delegations) change(delegation.keys);
}

bool Drop(RoleKeys& from, const Digest& key_id) { return std::erase(from.key_ids, key_id) > 0; }

}  // namespace

absl::StatusOr<RootFile> ReadRootFile(const std::string& path) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxEnvelopeBytes));
  RootFile out;
  absl::StatusOr<TrustRoot> root;
  if (IsEnvelope(text)) {
    absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(text);
    if (!envelope.ok()) return Annotate(envelope.status(), path);
    root = ParseTrustRoot(envelope->payload);
    out.envelope = *std::move(envelope);
  } else {
    root = ParseTrustRoot(text);
  }
  if (!root.ok()) return Annotate(root.status(), path);
  out.root = *std::move(root);
  return out;
}

absl::StatusOr<TrustedRoot> ReadPinnedRoot(const std::string& path) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxEnvelopeBytes));
  absl::StatusOr<TrustedRoot> root = OpenPinnedRoot(text);
  return root.ok() ? root : Annotate(root.status(), path);
}

absl::StatusOr<TrustRoot> BeginChange(const RootFile& file, const std::string& path,
                                      const std::string& out) {
  TrustRoot root = file.root;
  if (!file.envelope.has_value()) return root;
  if (out.empty() || out == path) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "{} is signed: it stays as it is, and what changes is root {}; say with "
                           "--out where that goes",
                           path, root.version + 1);
  }
  ++root.version;
  root.previous_origin.clear();
  return root;
}

absl::Status AddTrustKey(TrustRoot& root, const TrustKey& key) {
  const TrustKey* known = FindTrustKey(root.keys, key.key.id());
  if (known == nullptr) {
    auto at = std::ranges::lower_bound(root.keys, key.key.id(), {},
                                       [](const TrustKey& item) { return item.key.id(); });
    root.keys.insert(at, key);
    return absl::OkStatus();
  }
  if (*known == key) return absl::OkStatus();
  return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                         "key {} is there already, of the {} {}; a key has one holder and one "
                         "scheme",
                         key.key.id().ToString(), known->person ? "person" : "machine",
                         known->holder);
}

void GiveKey(RoleKeys& to, const Digest& key_id) {
  auto at = std::ranges::lower_bound(to.key_ids, key_id);
  if (at == to.key_ids.end() || *at != key_id) to.key_ids.insert(at, key_id);
}

absl::Status RemoveTrustKey(TrustRoot& root, const Digest& key_id) {
  if (std::erase_if(root.keys, [&](const TrustKey& key) { return key.key.id() == key_id; }) == 0) {
    return NotFound(ErrorReason("KEY_NOT_FOUND"), "root {} has no key {}; see: dml root show",
                    root.version, key_id.ToString());
  }
  ForEachRole(root, [&](RoleKeys& keys) { Drop(keys, key_id); });
  std::erase_if(root.roles, [](const auto& item) { return item.second.key_ids.empty(); });
  std::erase_if(root.delegations, [](const Delegation& item) { return item.keys.key_ids.empty(); });
  return absl::OkStatus();
}

absl::Status ReplaceTrustKey(TrustRoot& root, const Digest& key_id, TrustKey with) {
  const TrustKey* old = FindTrustKey(root.keys, key_id);
  if (old == nullptr) {
    return NotFound(ErrorReason("KEY_NOT_FOUND"), "root {} has no key {}; see: dml root show",
                    root.version, key_id.ToString());
  }
  with.holder = old->holder;
  with.person = old->person;
  std::erase_if(root.keys, [&](const TrustKey& key) { return key.key.id() == key_id; });
  ForEachRole(root, [&](RoleKeys& keys) {
    if (Drop(keys, key_id)) GiveKey(keys, with.key.id());
  });
  return AddTrustKey(root, with);
}

absl::Status WriteDraft(const std::string& path, const TrustRoot& root) {
  DML_ASSIGN_OR_RETURN(std::string text, FormatTrustRoot(root));
  return WriteFileAtomically(path, AsBytes(text), 0644);
}

absl::Status WriteEnvelope(const std::string& path, const DsseEnvelope& envelope) {
  return WriteFileAtomically(path, AsBytes(FormatEnvelope(envelope) + "\n"), 0644);
}

}  // namespace dml
