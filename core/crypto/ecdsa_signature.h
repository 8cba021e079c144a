// The two ways to write an ECDSA signature over P-256: ASN.1 DER (RFC 3279 section 2.2.3), as
// OpenSSL and X.509 do, and r || s (IEEE P1363), as hardware tokens and JOSE do. Pure functions.
#pragma once

#include <string>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace dml {

/// The DER form of 64 bytes r || s, big-endian. INVALID_ARGUMENT (SIGNATURE_FORM_INVALID) for
/// another length.
absl::StatusOr<std::string> EcdsaDerOfP1363(ByteSpan signature);

/// The reverse. SIGNATURE_FORM_INVALID for what is not the one DER form of two positive integers of
/// at most 32 bytes.
absl::StatusOr<std::string> EcdsaP1363OfDer(ByteSpan der);

}  // namespace dml
