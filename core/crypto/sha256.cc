#include "core/crypto/sha256.h"

#include <cstdlib>

#include <openssl/evp.h>

namespace dml {
namespace {

// Fetched once: EVP_sha256() looks its implementation up at every use in OpenSSL 3.
const EVP_MD* Algorithm() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  return md;
}

void Check(int result) {
  if (result != 1) std::abort();  // Only out of memory or a broken OpenSSL leads here.
}

}  // namespace

struct Sha256Hasher::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  Context() { Check(EVP_DigestInit_ex(evp, Algorithm(), nullptr)); }
  ~Context() { EVP_MD_CTX_free(evp); }
};

Sha256Hasher::Sha256Hasher() : context_(std::make_unique<Context>()) {}
Sha256Hasher::~Sha256Hasher() = default;
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;

void Sha256Hasher::Update(ByteSpan bytes) {
  Check(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()));
}

Digest Sha256Hasher::Finish() {
  std::array<uint8_t, Digest::kSize> out;
  unsigned length = 0;
  Check(EVP_DigestFinal_ex(context_->evp, out.data(), &length));
  Check(EVP_DigestInit_ex(context_->evp, Algorithm(), nullptr));
  return Digest(out);
}

Digest Sha256(std::initializer_list<ByteSpan> parts) {
  static thread_local Sha256Hasher hasher;
  for (ByteSpan part : parts) hasher.Update(part);
  return hasher.Finish();
}

Digest Sha256(ByteSpan bytes) { return Sha256({bytes}); }

}  // namespace dml
