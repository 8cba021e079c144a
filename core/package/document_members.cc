#include "core/package/document_members.h"

#include <utility>

#include "core/base/text.h"

namespace dml::document {

Digest ReadDigest(ObjectReader& in, std::string_view key) {
  absl::StatusOr<Digest> digest = Digest::Parse(in.String(key, kMaxNameBytes));
  in.Check(key, digest.status());
  return digest.value_or(Digest());
}

Timestamp ReadTime(ObjectReader& in, std::string_view key, ErrorReason reason) {
  const std::string text = in.String(key, kMaxNameBytes);
  const std::optional<Timestamp> time = ParseTime(text);
  if (!time.has_value() || FormatTime(*time) != text) {
    in.Check(key, InvalidArgument(reason,
                                  "'{}' is not a time in UTC with whole seconds, such as "
                                  "2027-01-01T00:00:00Z",
                                  Excerpt(text)));
  }
  return time.value_or(Timestamp());
}

std::string ReadEnvironment(ObjectReader& in, std::string_view key) {
  std::string name = in.String(key, kMaxNameBytes);
  in.Check(key, ValidateEnvironmentName(name));
  return name;
}

VariantName ReadVariant(ObjectReader& in, std::string_view key) {
  absl::StatusOr<VariantName> name = VariantName::Parse(in.String(key, kMaxNameBytes));
  in.Check(key, name.status());
  return name.ok() ? *std::move(name) : VariantName{};
}

std::chrono::seconds ReadRevocationAge(ObjectReader& in, std::string_view key) {
  return std::chrono::seconds(in.Unsigned(key, 1, kMaxRevocationAge.count()));
}

std::string ReadText(ObjectReader& in, std::string_view key, size_t max_bytes, ErrorReason reason) {
  std::string text = in.String(key, max_bytes);
  if (text.empty() || HasControlCharacters(text)) {
    in.Check(key, InvalidArgument(reason, "is empty, or holds a control character"));
  }
  return text;
}

bool ReadBool(ObjectReader& in, std::string_view key, ErrorReason reason) {
  bool out = false;
  in.ReadRequired(key, [&](const nlohmann::json& value) {
    if (!value.is_boolean()) {
      return InvalidArgument(reason, "must be true or false, not {}", JsonTypeName(value));
    }
    out = value.get<bool>();
    return absl::OkStatus();
  });
  return out;
}

absl::StatusOr<BlobRef> ReadBlobRef(const nlohmann::json& value, ErrorReason reason) {
  ObjectReader in(value, reason);
  BlobRef out;
  out.digest = ReadDigest(in, "digest");
  out.size = in.Unsigned("size", 0, kMaxNumber);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

nlohmann::json BlobRefJson(const BlobRef& blob) {
  return {{"digest", blob.digest.ToString()}, {"size", blob.size}};
}

std::string WriteDocument(const nlohmann::json& document) {
  return document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string WritePredicate(const nlohmann::json& document) {
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace dml::document
