#include "core/trust/root_walk.h"

#include <set>
#include <utility>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

struct OpenedRoot {
  DsseEnvelope envelope;
  TrustedRoot trusted;  // Not yet.
};

absl::StatusOr<OpenedRoot> Open(std::string_view envelope_json) {
  OpenedRoot out;
  DML_ASSIGN_OR_RETURN(out.envelope, ParseEnvelope(envelope_json));
  if (out.envelope.payload_type != kTrustRootPayloadType) {
    return PermissionDenied(ErrorReason("PAYLOAD_TYPE_UNEXPECTED"),
                            "the envelope does not hold a trust root ('{}')",
                            kTrustRootPayloadType);
  }
  DML_ASSIGN_OR_RETURN(out.trusted.root, ParseTrustRoot(out.envelope.payload));
  out.trusted.digest = Sha256(out.envelope.payload);
  return out;
}

absl::Status CheckSignedBy(const OpenedRoot& opened, const TrustRoot& root) {
  DML_ASSIGN_OR_RETURN(Authority authority, RootAuthority(root, SigningRole::kRoot));
  absl::Status status = VerifyThreshold(opened.envelope, kTrustRootPayloadType, authority).status();
  return status.ok() ? status
                     : Annotate(status, fmt::format("root {} judged by root {}",
                                                    opened.trusted.root.version, root.version));
}

// Under a name that was left another history was signed.
absl::Status OriginUsed(uint64_t version, std::string_view origin) {
  return PermissionDenied(ErrorReason("ROOT_ORIGIN_USED"),
                          "root {} moves the journal back to {}, which it left before: two "
                          "histories would have one name; sign a root with a name that was never "
                          "used",
                          version, origin);
}

absl::StatusOr<TrustedRoot> Step(const TrustRoot& current, OpenedRoot opened) {
  const TrustRoot& next = opened.trusted.root;
  if (next.version != current.version + 1) {
    return PermissionDenied(ErrorReason("ROOT_VERSION_UNEXPECTED"),
                            "after root {} comes root {}, not root {}: get the missing ones",
                            current.version, current.version + 1, next.version);
  }
  if (next.origin != current.origin && next.previous_origin != current.origin) {
    return PermissionDenied(ErrorReason("ROOT_ORIGIN_UNEXPECTED"),
                            "root {} is of the journal {}, and root {} of {}", current.version,
                            current.origin, next.version, next.origin);
  }
  if (next.origin != current.origin && next.origin == current.previous_origin) {
    return OriginUsed(next.version, next.origin);
  }
  DML_RETURN_IF_ERROR(CheckSignedBy(opened, current));
  DML_RETURN_IF_ERROR(CheckSignedBy(opened, next));
  return std::move(opened.trusted);
}

}  // namespace

absl::StatusOr<TrustedRoot> OpenPinnedRoot(std::string_view envelope_json) {
  DML_ASSIGN_OR_RETURN(OpenedRoot opened, Open(envelope_json));
  DML_RETURN_IF_ERROR(CheckSignedBy(opened, opened.trusted.root));
  return std::move(opened.trusted);
}

absl::StatusOr<TrustedRoot> OpenNextRoot(const TrustRoot& current, std::string_view envelope_json) {
  DML_ASSIGN_OR_RETURN(OpenedRoot opened, Open(envelope_json));
  return Step(current, std::move(opened));
}

absl::StatusOr<TrustedRoot> WalkRoots(const TrustedRoot& trusted,
                                      std::span<const std::string> envelopes, Timestamp now) {
  if (envelopes.size() > kMaxRootSteps) {
    return ResourceExhausted(ErrorReason("ROOT_CHAIN_TOO_LONG"),
                             "{} roots are more than the {} that are walked at once; pin a newer "
                             "root",
                             envelopes.size(), kMaxRootSteps);
  }
  TrustedRoot at = trusted;
  std::set<std::string> left;  // Names that the journal had.
  for (const std::string& envelope : envelopes) {
    DML_ASSIGN_OR_RETURN(OpenedRoot opened, Open(envelope));
    const uint64_t version = opened.trusted.root.version;
    if (version < at.root.version) continue;
    if (version == at.root.version) {
      if (opened.trusted.digest == at.digest) continue;
      return DataLoss(ErrorReason("ROOT_FORKED"),
                      "there are two trust roots of version {}: {} was trusted, and {} came; keep "
                      "both, and ask the holders of the root keys",
                      version, at.digest.ToString(), opened.trusted.digest.ToString());
    }
    if (left.contains(opened.trusted.root.origin)) {
      return OriginUsed(version, opened.trusted.root.origin);
    }
    if (opened.trusted.root.origin != at.root.origin) left.insert(at.root.origin);
    DML_ASSIGN_OR_RETURN(at, Step(at.root, std::move(opened)));
  }
  DML_RETURN_IF_ERROR(CheckRootExpiry(at.root, now));
  return at;
}

absl::Status CheckRootExpiry(const TrustRoot& root, Timestamp now) {
  if (now < root.expires) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("ROOT_EXPIRED"),
                            "trust root {} of {} expired on {}: what runs goes on, and nothing new "
                            "is trusted; let the holders of the root keys sign a new version (dml "
                            "root fetch, renew, sign, set)",
                            root.version, root.origin, FormatTime(root.expires));
}

}  // namespace dml
