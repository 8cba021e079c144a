// Metadata of The Update Framework (TUF 1.0.34): what is signed, by whom, and how it is written.
//
// A signature covers the OLPC canonical JSON of the member "signed"; files are ordinary JSON of the
// same value. Pure functions; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/crypto/keys.h"

namespace dml {

inline constexpr size_t kMaxTufRootBytes = 512'000;        // What clients read at most (tuf-js,
inline constexpr size_t kMaxTufTimestampBytes = 16'384;    // python-tuf): longer files would make
inline constexpr size_t kMaxTufSnapshotBytes = 2'000'000;  // a repository that nobody can use.
inline constexpr size_t kMaxTufTargetsBytes = 5'000'000;

/// The one OLPC canonical JSON of a value: members sorted, no white space, in strings only '"' and
/// '\' escaped. So that all readers agree, INVALID_ARGUMENT (TUF_INVALID) for what they differ in:
/// member names that are not printable ASCII, whole numbers of 2^53 and more (or as negative),
/// fractions, text that is not UTF-8.
absl::StatusOr<std::string> OlpcCanonicalJson(const nlohmann::json& value);

/// A key as TUF has it: {"keytype", "scheme", "keyval": {"public"}}. ECDSA signatures are DER there
/// whatever the trust root says of the key's.
nlohmann::json TufKeyJson(const PublicKey& key);
/// SHA-256 of its canonical JSON, in hex.
std::string TufKeyId(const PublicKey& key);

/// Metadata with its signatures, some of which may be bad.
struct TufMetadata {
  nlohmann::json signed_part;
  std::map<std::string, std::string> signatures;  // By key id; raw bytes.
};

/// Reads a file of at most `max_bytes`, strictly. INVALID_ARGUMENT (TUF_INVALID).
absl::StatusOr<TufMetadata> ParseTufMetadata(std::string_view json, size_t max_bytes);
/// The file, compact. RESOURCE_EXHAUSTED (TUF_TOO_LARGE) for more than `max_bytes`.
absl::StatusOr<std::string> FormatTufMetadata(const TufMetadata& metadata, size_t max_bytes);

/// Adds the signer's signature, in the place of one that it made before.
absl::Status SignTufMetadata(TufMetadata& metadata, const Signer& signer);
/// Whether it has a good signature by the key.
bool IsTufSignedBy(const TufMetadata& metadata, const PublicKey& key);

}  // namespace dml
