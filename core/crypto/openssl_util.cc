#include "core/crypto/openssl_util.h"

#include <cstdlib>

#include <openssl/err.h>
#include <openssl/pem.h>

namespace dml {
namespace {

// What PEM_read_bio_ex allocates.
struct RawPem {
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  ~RawPem() {
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<size_t>(size));
  }
};

bool OnlyWhiteSpaceLeft(BIO* bio) {
  char c;
  while (BIO_read(bio, &c, 1) == 1) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') return false;
  }
  return true;
}

}  // namespace

std::string TakeOpenSslError() {
  unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "no further detail";
  const char* text = ERR_reason_error_string(code);
  return text != nullptr ? text : "unknown error";
}

absl::StatusOr<PemBlock> ReadPem(std::string_view pem, size_t max_bytes, ErrorReason reason) {
  if (pem.size() > max_bytes) {
    return InvalidArgument(reason, "PEM text of {} bytes is longer than {}; give one block only",
                           pem.size(), max_bytes);
  }
  OpenSslPtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  RawPem raw;
  if (bio == nullptr ||
      PEM_read_bio(bio.get(), &raw.label, &raw.header, &raw.data, &raw.size) != 1) {
    return InvalidArgument(reason, "no PEM block (-----BEGIN ...-----) can be read: {}",
                           TakeOpenSslError());
  }
  if (raw.header[0] != '\0') {
    return InvalidArgument(reason,
                           "PEM block '{}' has headers (the old encrypted form); convert it with "
                           "'openssl pkcs8 -topk8'",
                           raw.label);
  }
  if (!OnlyWhiteSpaceLeft(bio.get())) {
    return InvalidArgument(reason, "text follows the PEM block '{}'; give one block only",
                           raw.label);
  }
  return PemBlock{raw.label,
                  std::string(reinterpret_cast<char*>(raw.data), static_cast<size_t>(raw.size))};
}

std::string WritePem(const char* label, std::string_view der) {
  OpenSslPtr<BIO> bio(BIO_new(BIO_s_secmem()));
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  if (bio == nullptr ||
      PEM_write_bio(bio.get(), label, "", data, static_cast<long>(der.size())) <= 0) {
    std::abort();  // Only out of memory leads here.
  }
  char* text = nullptr;
  long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

}  // namespace dml
