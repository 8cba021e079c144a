// A package bundle: one variant with all that proves it, in one document, so that its files can be
// verified where there is no library (docs/formats.md, "Package bundle").
//
// Nothing in a bundle is believed because it is there: whoever verifies brings what they trust. A
// bundle says what was true when it was made; that the variant was withdrawn or a key revoked
// afterwards, it cannot say. Thread-compatible.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/transfer.h"
#include "core/trust/authority.h"

namespace dml {

inline constexpr size_t kMaxPackageBundleBytes = 64 << 20;

/// The exact bytes of each document.
struct PackageBundle {
  std::string manifest;
  std::string spec;
  std::vector<std::string> attestations;  // DSSE envelopes.
  std::string log_proof;                  // c2sp.org/tlog-proof of the publish entry.
  bool operator==(const PackageBundle&) const = default;
};

/// INVALID_ARGUMENT (PACKAGE_BUNDLE_INVALID) with the place; nothing is verified.
absl::StatusOr<PackageBundle> ParsePackageBundle(std::string_view json);
/// RESOURCE_EXHAUSTED (PACKAGE_BUNDLE_TOO_LARGE) for what ParsePackageBundle would refuse.
absl::StatusOr<std::string> FormatPackageBundle(const PackageBundle& bundle);

/// Asks a library for a variant's documents, verified as by VerifyVariant: DATA_LOSS
/// (VARIANT_NOT_VERIFIED) where they are not what they should be.
absl::StatusOr<PackageBundle> FetchPackageBundle(Client& client, const VariantName& name);

/// What a verifier trusts: a trust root with its delegations, or single keys.
struct BundleTrust {
  std::optional<TrustDomain> domain;  // Judges publishers, and names the log's keys. Else:
  std::optional<PublicKey> log_key;   // of the log that the variant comes from,
  std::vector<PublicKey> publishers;  // and keys of which one must have published it.
};

/// What a bundle proves, as a report; the rest means something only where report.passed.
struct BundleVerdict {
  VerificationReport report;
  VariantName variant;
  Manifest manifest;
  std::string log_origin;
  uint64_t log_index = 0;
  Timestamp published;
};

/// Checks all documents against each other and against what is trusted, then the files: each path
/// is a file that must be one of the variant's by its content, or a folder that must hold exactly
/// its files. Without paths none is looked at (report.files_checked). The errors of reading paths;
/// INVALID_ARGUMENT (TRUST_REQUIRED) where `trust` is empty, which would prove nothing.
absl::StatusOr<BundleVerdict> VerifyPackageBundle(const PackageBundle& bundle,
                                                  const BundleTrust& trust,
                                                  std::span<const std::filesystem::path> paths);

}  // namespace dml
