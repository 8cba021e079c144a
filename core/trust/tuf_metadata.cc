#include "core/trust/tuf_metadata.h"

#include <algorithm>

#include "core/base/bytes.h"
#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

constexpr int64_t kMaxInteger = (int64_t{1} << 53) - 1;  // What JavaScript holds exactly.
constexpr size_t kMaxSignatures = 1024;
constexpr size_t kMaxSignatureHex = 1024;

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(ErrorReason("TUF_INVALID"), format, std::forward<Args>(args)...);
}

absl::Status AppendString(std::string_view text, std::string& out) {
  if (!IsValidUtf8(text)) return Invalid("text in TUF metadata is not UTF-8");
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
  return absl::OkStatus();
}

absl::Status AppendNumber(const nlohmann::json& value, std::string& out) {
  const bool whole = value.is_number_unsigned()
                         ? value.get<uint64_t>() <= static_cast<uint64_t>(kMaxInteger)
                         : value.is_number_integer() && value.get<int64_t>() >= -kMaxInteger &&
                               value.get<int64_t>() <= kMaxInteger;
  if (!whole) return Invalid("{} is not a whole number below 2^53", value.dump());
  out += value.dump();
  return absl::OkStatus();
}

bool IsPrintableAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// As deep as the value, which is built here or was read by ParseStrictJson.
absl::Status Append(const nlohmann::json& value, std::string& out) {
  if (value.is_string()) return AppendString(value.get_ref<const std::string&>(), out);
  if (value.is_number()) return AppendNumber(value, out);
  if (value.is_boolean() || value.is_null()) {
    out += value.dump();
    return absl::OkStatus();
  }
  out += value.is_object() ? '{' : '[';
  bool first = true;
  for (const auto& [key, item] : value.items()) {  // Of an object by key, ascending.
    if (!first) out += ',';
    first = false;
    if (value.is_object()) {
      if (!IsPrintableAscii(key)) return Invalid("a member name is not printable ASCII");
      DML_RETURN_IF_ERROR(AppendString(key, out));
      out += ':';
    }
    DML_RETURN_IF_ERROR(Append(item, out));
  }
  out += value.is_object() ? '}' : ']';
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> OlpcCanonicalJson(const nlohmann::json& value) {
  std::string out;
  DML_RETURN_IF_ERROR(Append(value, out));
  return out;
}

nlohmann::json TufKeyJson(const PublicKey& key) {
  if (key.algorithm() == KeyAlgorithm::kEd25519) {
    return {{"keytype", "ed25519"},
            {"scheme", "ed25519"},
            {"keyval", {{"public", HexEncode(AsBytes(key.raw_ed25519()))}}}};
  }
  return {{"keytype", "ecdsa"},
          {"scheme", "ecdsa-sha2-nistp256"},
          {"keyval", {{"public", key.ToPem()}}}};
}

std::string TufKeyId(const PublicKey& key) {
  return Sha256(OlpcCanonicalJson(TufKeyJson(key)).value()).hex();
}

absl::StatusOr<TufMetadata> ParseTufMetadata(std::string_view json, size_t max_bytes) {
  const ErrorReason reason("TUF_INVALID");
  DML_ASSIGN_OR_RETURN(nlohmann::json document, ParseStrictJson(json, max_bytes, reason));
  ObjectReader in(document, reason);
  TufMetadata out;
  in.ReadRequired("signed", [&](const nlohmann::json& value) -> absl::Status {
    if (!value.is_object()) return Invalid("is {}, not an object", JsonTypeName(value));
    out.signed_part = value;
    return absl::OkStatus();
  });
  in.ForEach("signatures", kMaxSignatures, [&](const nlohmann::json& value) -> absl::Status {
    ObjectReader item(value, reason);
    const std::string id = item.String("keyid", kMaxSignatureHex);
    std::optional<std::string> bytes = HexDecode(item.String("sig", kMaxSignatureHex));
    if (!bytes.has_value()) item.Check("sig", Invalid("is not hex"));
    DML_RETURN_IF_ERROR(item.Finish());
    if (out.signatures.emplace(id, *bytes).second) return absl::OkStatus();
    return Invalid("key {} signed twice", Excerpt(id));
  });
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::StatusOr<std::string> FormatTufMetadata(const TufMetadata& metadata, size_t max_bytes) {
  nlohmann::json signatures = nlohmann::json::array();
  for (const auto& [id, bytes] : metadata.signatures) {
    signatures.push_back({{"keyid", id}, {"sig", HexEncode(AsBytes(bytes))}});
  }
  const nlohmann::json document = {{"signed", metadata.signed_part},
                                   {"signatures", std::move(signatures)}};
  std::string out = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (out.size() <= max_bytes) return out;
  return ResourceExhausted(ErrorReason("TUF_TOO_LARGE"),
                           "{} metadata would have {} bytes, and clients read {} at most; spread "
                           "the targets over more --bins",
                           metadata.signed_part.value("_type", ""), out.size(), max_bytes);
}

absl::Status SignTufMetadata(TufMetadata& metadata, const Signer& signer) {
  DML_ASSIGN_OR_RETURN(std::string message, OlpcCanonicalJson(metadata.signed_part));
  DML_ASSIGN_OR_RETURN(std::string signature, signer.Sign(AsBytes(message)));
  metadata.signatures[TufKeyId(signer.public_key())] = std::move(signature);
  return absl::OkStatus();
}

bool IsTufSignedBy(const TufMetadata& metadata, const PublicKey& key) {
  const auto found = metadata.signatures.find(TufKeyId(key));
  if (found == metadata.signatures.end()) return false;
  absl::StatusOr<std::string> message = OlpcCanonicalJson(metadata.signed_part);
  return message.ok() && key.Verify(AsBytes(*message), AsBytes(found->second)).ok();
}

}  // namespace dml
