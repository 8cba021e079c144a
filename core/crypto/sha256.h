// SHA-256 through OpenSSL (FIPS 180-4).
#pragma once

#include <initializer_list>
#include <memory>

#include "core/base/digest.h"

namespace dml {

/// The digest of some bytes.
Digest Sha256(ByteSpan bytes);
inline Digest Sha256(std::string_view bytes) { return Sha256(AsBytes(bytes)); }
/// The digest of several parts one after another, without joining them.
Digest Sha256(std::initializer_list<ByteSpan> parts);

/// A running digest: Update any number of times, then Finish once. One thread at a time.
class Sha256Hasher {
 public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  Sha256Hasher& operator=(Sha256Hasher&&) noexcept;

  void Update(ByteSpan bytes);
  void Update(std::string_view bytes) { Update(AsBytes(bytes)); }
  /// The digest of all bytes so far; afterwards the hasher starts anew.
  Digest Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace dml
