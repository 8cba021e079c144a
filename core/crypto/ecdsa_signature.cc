#include "core/crypto/ecdsa_signature.h"

#include <algorithm>

namespace dml {
namespace {

constexpr size_t kHalf = 32;
constexpr char kSequence = 0x30;
constexpr char kInteger = 0x02;

absl::Status Invalid(std::string_view what) {
  return InvalidArgument(ErrorReason("SIGNATURE_FORM_INVALID"), "an ECDSA signature {}", what);
}

// A positive INTEGER without needless zeros.
std::string DerInteger(std::string_view bytes) {
  const size_t zeros = std::min(bytes.find_first_not_of('\0'), bytes.size() - 1);
  std::string value(bytes.substr(zeros));
  if (static_cast<uint8_t>(value.front()) >= 0x80) value.insert(0, 1, '\0');
  return std::string{kInteger, static_cast<char>(value.size())} + value;
}

// Takes an INTEGER off the front, as 32 bytes.
absl::StatusOr<std::string> TakeInteger(std::string_view& der) {
  if (der.size() < 3 || der[0] != kInteger) return Invalid("lacks an integer");
  const auto size = static_cast<uint8_t>(der[1]);
  if (size == 0 || size > kHalf + 1 || der.size() < 2u + size) {
    return Invalid("has an integer of no such length");
  }
  std::string_view value = der.substr(2, size);
  der.remove_prefix(2u + size);
  if (static_cast<uint8_t>(value[0]) >= 0x80) return Invalid("has a negative integer");
  if (value[0] == '\0' && size > 1) {
    if (static_cast<uint8_t>(value[1]) < 0x80) return Invalid("has an integer with needless zeros");
    value.remove_prefix(1);
  }
  if (value.size() > kHalf) return Invalid("has an integer that is too large");
  return std::string(kHalf - value.size(), '\0') + std::string(value);
}

}  // namespace

absl::StatusOr<std::string> EcdsaDerOfP1363(ByteSpan signature) {
  if (signature.size() != 2 * kHalf) return Invalid("of r and s does not have 64 bytes");
  const std::string body =
      DerInteger(AsText(signature.first(kHalf))) + DerInteger(AsText(signature.subspan(kHalf)));
  return std::string{kSequence, static_cast<char>(body.size())} + body;
}

absl::StatusOr<std::string> EcdsaP1363OfDer(ByteSpan der) {
  std::string_view rest = AsText(der);
  if (rest.size() < 2 || rest[0] != kSequence || rest.size() > 127 ||
      static_cast<uint8_t>(rest[1]) != rest.size() - 2) {
    return Invalid("is no DER sequence");
  }
  rest.remove_prefix(2);
  DML_ASSIGN_OR_RETURN(const std::string r, TakeInteger(rest));
  DML_ASSIGN_OR_RETURN(const std::string s, TakeInteger(rest));
  if (!rest.empty()) return Invalid("has something behind its integers");
  return r + s;
}

}  // namespace dml
