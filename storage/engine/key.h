// Composite keys: order-preserving and injective, so that lists come in the order of their parts
// and no two tuples share a key (names joined by a separator would: "a" + "b-1", "a-b" + "1").
//
// Grammar (docs/formats.md):
//   key    = *part
//   U8     = 1 byte
//   U64    = 8 bytes, big-endian
//   String = *( %x01-FF / %x00 %xFF ) %x00 %x01      ; each NUL of the text becomes 00 FF
// For tuples of the same part types, comparing keys as unsigned bytes gives the same result as
// comparing the tuples part by part, and no key is a prefix of another. The types are not in the
// key: whoever reads one must know what was written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

/// The keys from `lower` (included) to `upper` (left out), compared as unsigned bytes. An empty
/// `upper` is no bound: no key lies below it anyway.
struct KeyRange {
  std::string lower;
  std::string upper;
  bool operator==(const KeyRange&) const = default;
};

/// All keys that start with `prefix`; the empty prefix gives all keys.
KeyRange PrefixRange(std::string_view prefix);

/// Writes a key part by part: KeyBuilder().U8(kind).String(name).U64(index).Build().
/// What was built so far is the prefix of every key that goes on from there.
class KeyBuilder {
 public:
  KeyBuilder& U8(uint8_t value);
  KeyBuilder& U64(uint64_t value);
  /// Any bytes, NUL included; no limit on the length.
  KeyBuilder& String(std::string_view text);

  std::string Build() const { return key_; }

 private:
  std::string key_;
};

/// Reads the parts back in the order in which they were written. Every error is DATA_LOSS
/// (KEY_MALFORMED): a key that the builder cannot have written. After an error the reader is not
/// used any more. The bytes must outlive the reader.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : rest_(key) {}

  absl::StatusOr<uint8_t> U8();
  absl::StatusOr<uint64_t> U64();
  absl::StatusOr<std::string> String();
  /// An error where parts are left.
  absl::Status End() const;

 private:
  std::string_view rest_;
};

}  // namespace dml
