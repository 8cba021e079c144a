// DSSE 1.0 (Dead Simple Signing Envelope, secure-systems-lab/dsse): some bytes, their type, and
// signatures over both.
//
// A signature covers PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body, the
// payload's bytes as they were sent; whoever verifies an envelope uses these same bytes. Pure
// functions; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/crypto/keys.h"

namespace dml {

/// The payload type of in-toto statements (core/trust/statement.h).
inline constexpr std::string_view kInTotoPayloadType = "application/vnd.in-toto+json";

inline constexpr size_t kMaxEnvelopeBytes = 1 << 20;
inline constexpr size_t kMaxEnvelopeSignatures = 16;

struct DsseSignature {
  std::string key_id;     // A hint that nobody signed; may be empty or a lie.
  std::string signature;  // Raw bytes.
  bool operator==(const DsseSignature&) const = default;
};

/// An envelope as it was read: nothing in it may be believed before VerifyEnvelope.
struct DsseEnvelope {
  std::string payload_type;
  std::string payload;  // Raw bytes.
  std::vector<DsseSignature> signatures;
  bool operator==(const DsseEnvelope&) const = default;
};

/// The bytes that a signature covers.
std::string PreAuthEncoding(std::string_view type, std::string_view body);

/// Reads the JSON envelope: at most kMaxEnvelopeBytes, 1 to kMaxEnvelopeSignatures signatures,
/// standard or URL-safe base64; no member twice; unknown members are ignored, as the DSSE
/// specification demands. INVALID_ARGUMENT (ENVELOPE_INVALID) otherwise; PERMISSION_DENIED
/// (SIGNATURE_MISSING) where the signatures are absent or empty.
absl::StatusOr<DsseEnvelope> ParseEnvelope(std::string_view json);

/// The JSON envelope in standard base64, members in alphabetical order, no white space.
std::string FormatEnvelope(const DsseEnvelope& envelope);

/// Signs with each key, key id = hex of PublicKey::id(). INVALID_ARGUMENT (ENVELOPE_INVALID) for no
/// key, a key twice, more than kMaxEnvelopeSignatures, a type that is not 1 to 255 printable ASCII
/// characters, or a payload that makes the envelope longer than kMaxEnvelopeBytes.
absl::StatusOr<DsseEnvelope> SignEnvelope(std::string_view payload_type, std::string_view payload,
                                          std::span<const Signer* const> keys);

/// The ids of the trusted keys with a good signature, each once however often it signed or is
/// listed, in ascending order; never empty. Signatures of unknown keys and bad signatures count as
/// absent; the key id only decides which key is tried first. What threshold is enough, and
/// which persons the keys belong to, is the caller's to judge.
/// PERMISSION_DENIED: PAYLOAD_TYPE_UNEXPECTED where the envelope's type is not `payload_type`
/// (a signature over one type never vouches for another); SIGNATURE_MISSING where no trusted key
/// signed, or there is none.
absl::StatusOr<std::vector<Digest>> VerifyEnvelope(const DsseEnvelope& envelope,
                                                   std::string_view payload_type,
                                                   std::span<const PublicKey> trusted);

}  // namespace dml
