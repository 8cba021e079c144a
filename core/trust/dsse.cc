#include "core/trust/dsse.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/trust/json_members.h"

namespace dml {
namespace {

constexpr size_t kMaxPayloadTypeBytes = 255;
constexpr size_t kMaxKeyIdBytes = 1024;
constexpr size_t kMaxSignatureBytes = 8192;  // Base64; the largest of any scheme in sight fits.

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(ErrorReason("ENVELOPE_INVALID"), format, std::forward<Args>(args)...);
}

bool IsPayloadType(std::string_view type) {
  return !type.empty() && type.size() <= kMaxPayloadTypeBytes &&
         std::all_of(type.begin(), type.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

absl::StatusOr<std::string> Base64Of(std::string_view text) {
  std::optional<std::string> bytes = Base64DecodeLenient(text);
  if (!bytes.has_value()) return Invalid("not base64; use the standard or the URL-safe alphabet");
  return *std::move(bytes);
}

absl::StatusOr<DsseSignature> ReadSignature(const nlohmann::json& value) {
  ObjectReader in(value, ErrorReason("ENVELOPE_INVALID"));
  DsseSignature out;
  out.key_id = in.StringOr("keyid", kMaxKeyIdBytes, "");
  absl::StatusOr<std::string> bytes = Base64Of(in.String("sig", kMaxSignatureBytes));
  if (bytes.ok() && bytes->empty()) bytes = Invalid("an empty signature");
  in.Check("sig", bytes.status());
  IgnoreOtherMembers(value, in);
  DML_RETURN_IF_ERROR(in.Finish());
  out.signature = *std::move(bytes);
  return out;
}

// Trusted keys, the hinted ones first.
std::vector<const PublicKey*> OrderToTry(std::span<const PublicKey> trusted,
                                         std::string_view key_id) {
  std::vector<const PublicKey*> order;
  for (const PublicKey& key : trusted) order.push_back(&key);
  std::stable_partition(order.begin(), order.end(),
                        [&](const PublicKey* key) { return key->id().hex() == key_id; });
  return order;
}

absl::Status NoSignature(std::string_view what) {
  return PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                          "{}; sign it with a key that is trusted for this", what);
}

}  // namespace

std::string PreAuthEncoding(std::string_view type, std::string_view body) {
  return fmt::format("DSSEv1 {} {} {} {}", type.size(), type, body.size(), body);
}

absl::StatusOr<DsseEnvelope> ParseEnvelope(std::string_view json) {
  ErrorReason reason("ENVELOPE_INVALID");
  DML_ASSIGN_OR_RETURN(nlohmann::json document, ParseStrictJson(json, kMaxEnvelopeBytes, reason));
  ObjectReader in(document, reason);
  DsseEnvelope out;
  out.payload_type = in.String("payloadType", kMaxPayloadTypeBytes);
  if (!IsPayloadType(out.payload_type)) {
    in.Check("payloadType", Invalid("not 1 to 255 printable ASCII characters"));
  }
  absl::StatusOr<std::string> payload = Base64Of(in.String("payload", kMaxEnvelopeBytes));
  in.Check("payload", payload.status());
  in.ForEach("signatures", kMaxEnvelopeSignatures, [&](const nlohmann::json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(DsseSignature signature, ReadSignature(item));
    out.signatures.push_back(std::move(signature));
    return absl::OkStatus();
  });
  IgnoreOtherMembers(document, in);
  if (absl::Status status = in.Finish(); !status.ok()) return LocateError(status, "DSSE envelope");
  if (out.signatures.empty()) return NoSignature("the envelope has no signature");
  out.payload = *std::move(payload);
  return out;
}

std::string FormatEnvelope(const DsseEnvelope& envelope) {
  nlohmann::json signatures = nlohmann::json::array();
  for (const DsseSignature& signature : envelope.signatures) {
    signatures.push_back(
        {{"keyid", signature.key_id}, {"sig", Base64Encode(AsBytes(signature.signature))}});
  }
  nlohmann::json document = {{"payloadType", envelope.payload_type},
                             {"payload", Base64Encode(AsBytes(envelope.payload))},
                             {"signatures", std::move(signatures)}};
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::StatusOr<DsseEnvelope> SignEnvelope(std::string_view payload_type, std::string_view payload,
                                          std::span<const Signer* const> keys) {
  if (!IsPayloadType(payload_type)) {
    return Invalid("payload type '{}' is not 1 to 255 printable ASCII characters",
                   Excerpt(payload_type));
  }
  if (keys.empty() || keys.size() > kMaxEnvelopeSignatures) {
    return Invalid("{} keys to sign with; give 1 to {}", keys.size(), kMaxEnvelopeSignatures);
  }
  if (payload.size() > kMaxEnvelopeBytes) {
    return Invalid("a payload of {} bytes is more than an envelope holds", payload.size());
  }
  DsseEnvelope envelope{std::string(payload_type), std::string(payload), {}};
  std::string message = PreAuthEncoding(payload_type, payload);
  std::set<Digest> seen;
  for (const Signer* key : keys) {
    const Digest& id = key->public_key().id();
    if (!seen.insert(id).second) return Invalid("key {} is given twice; give it once", id.hex());
    DML_ASSIGN_OR_RETURN(std::string signature, key->Sign(AsBytes(message)));
    envelope.signatures.push_back({id.hex(), std::move(signature)});
  }
  size_t size = FormatEnvelope(envelope).size();
  if (size > kMaxEnvelopeBytes) {
    return Invalid(
        "the envelope would have {} bytes, more than {}; refer to large content by its "
        "digest",
        size, kMaxEnvelopeBytes);
  }
  return envelope;
}

absl::StatusOr<std::vector<Digest>> VerifyEnvelope(const DsseEnvelope& envelope,
                                                   std::string_view payload_type,
                                                   std::span<const PublicKey> trusted) {
  if (envelope.payload_type != payload_type) {
    return PermissionDenied(ErrorReason("PAYLOAD_TYPE_UNEXPECTED"),
                            "the envelope holds '{}', not '{}'; send an envelope over the latter",
                            Excerpt(envelope.payload_type), payload_type);
  }
  if (envelope.signatures.size() > kMaxEnvelopeSignatures) {
    return Invalid("{} signatures are more than {}", envelope.signatures.size(),
                   kMaxEnvelopeSignatures);
  }
  std::string message = PreAuthEncoding(envelope.payload_type, envelope.payload);
  std::set<Digest> good;
  for (const DsseSignature& signature : envelope.signatures) {
    for (const PublicKey* key : OrderToTry(trusted, signature.key_id)) {
      if (good.contains(key->id())) continue;
      if (key->Verify(AsBytes(message), AsBytes(signature.signature)).ok()) {
        good.insert(key->id());
        break;
      }
    }
  }
  if (good.empty()) return NoSignature("no trusted key has signed the envelope");
  return std::vector<Digest>(good.begin(), good.end());
}

}  // namespace dml
