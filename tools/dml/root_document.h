// A trust root on its way through a ceremony: files that people carry from one key to the next.
#pragma once

#include <optional>
#include <string>

#include "core/trust/root_edit.h"
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

/// Writes a draft, or an envelope. The errors of FormatTrustRoot and WriteFileAtomically.
absl::Status WriteDraft(const std::string& path, const TrustRoot& root);
absl::Status WriteEnvelope(const std::string& path, const DsseEnvelope& envelope);

}  // namespace dml
