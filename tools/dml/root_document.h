// A trust root on its way through a ceremony: files that people carry from one key to the next.
#pragma once

#include <optional>
#include <string>

#include "core/trust/root_walk.h"

namespace dml {

/// A draft is the document itself; with the first signature it becomes the envelope over it.
struct RootFile {
  TrustRoot root;
  std::optional<DsseEnvelope> envelope;  // Empty: a draft.
};

/// Reads a draft or an envelope; no signature is checked. The errors of ReadFile, ParseEnvelope and
/// ParseTrustRoot, naming the file.
absl::StatusOr<RootFile> ReadRootFile(const std::string& path);

/// Reads a file whose envelope its own holders have signed: a root to start from.
absl::StatusOr<TrustedRoot> ReadPinnedRoot(const std::string& path);

/// What a change starts from: a draft as it is, the version after an envelope's. `out` is where the
/// draft goes, "" for the file that it came from. INVALID_ARGUMENT (ARGUMENT_INVALID) where that
/// would overwrite a root that was signed.
absl::StatusOr<TrustRoot> BeginChange(const RootFile& file, const std::string& path,
                                      const std::string& out);

/// Adds a key where it is not there; one that is there must be told alike (ARGUMENT_INVALID), as
/// holder, kind and scheme are the key's.
absl::Status AddTrustKey(TrustRoot& root, const TrustKey& key);

/// Puts a key into a role's, making it with threshold 1 where it is new.
void GiveKey(RoleKeys& to, const Digest& key_id);

/// Takes a key out of all roles and delegations, and of the list. NOT_FOUND (KEY_NOT_FOUND) where
/// it is not in it. What is left without keys goes too, but for root and log, which the format then
/// refuses.
absl::Status RemoveTrustKey(TrustRoot& root, const Digest& key_id);

/// Puts `with` in the place of a key, in every role; the holder stays.
absl::Status ReplaceTrustKey(TrustRoot& root, const Digest& key_id, TrustKey with);

/// Writes a draft, or an envelope. The errors of FormatTrustRoot and WriteFileAtomically.
absl::Status WriteDraft(const std::string& path, const TrustRoot& root);
absl::Status WriteEnvelope(const std::string& path, const DsseEnvelope& envelope);

}  // namespace dml
