#include "tools/dml/root_document.h"

#include <utility>

#include "core/os/file.h"

namespace dml {
namespace {

// Whether the text is an envelope and not a document; both parsers are strict about the rest.
bool IsEnvelope(std::string_view text) { return text.find("\"payloadType\"") != text.npos; }

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

absl::Status WriteDraft(const std::string& path, const TrustRoot& root) {
  DML_ASSIGN_OR_RETURN(std::string text, FormatTrustRoot(root));
  return WriteFileAtomically(path, AsBytes(text), 0644);
}

absl::Status WriteEnvelope(const std::string& path, const DsseEnvelope& envelope) {
  return WriteFileAtomically(path, AsBytes(FormatEnvelope(envelope) + "\n"), 0644);
}

}  // namespace dml
