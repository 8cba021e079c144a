// Members that documents about releases share, and how such documents are written.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/base/digest.h"
#include "core/base/strict_json.h"
#include "core/base/time.h"
#include "core/package/names.h"

namespace dml::document {

inline constexpr size_t kMaxNameBytes = 1024;
/// As far as every reader of JSON counts exactly (RFC 8259, 6).
inline constexpr uint64_t kMaxNumber = (1ULL << 53) - 1;
/// A year and a day: the longest time that a revocation may stay unseen.
inline constexpr std::chrono::seconds kMaxRevocationAge = std::chrono::hours(24 * 366);

/// Each reads one required member, and tells `in` what is wrong with it.
Digest ReadDigest(ObjectReader& in, std::string_view key);
/// RFC 3339 in UTC with whole seconds: one way to write each time.
Timestamp ReadTime(ObjectReader& in, std::string_view key, ErrorReason reason);
std::string ReadEnvironment(ObjectReader& in, std::string_view key);
VariantName ReadVariant(ObjectReader& in, std::string_view key);
std::chrono::seconds ReadRevocationAge(ObjectReader& in, std::string_view key);
/// Text of 1 to `max_bytes` without control characters.
std::string ReadText(ObjectReader& in, std::string_view key, size_t max_bytes, ErrorReason reason);
bool ReadBool(ObjectReader& in, std::string_view key, ErrorReason reason);

/// {"digest": "sha256:...", "size": N}
absl::StatusOr<BlobRef> ReadBlobRef(const nlohmann::json& value, ErrorReason reason);
nlohmann::json BlobRefJson(const BlobRef& blob);

/// A document as it is written: indented by one, members in alphabetical order, last line ended.
std::string WriteDocument(const nlohmann::json& document);
/// A predicate as it is written: compact, members in alphabetical order.
std::string WritePredicate(const nlohmann::json& document);

}  // namespace dml::document
