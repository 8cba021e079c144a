#include "server/rpc/status_codec.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include "core/base/bytes.h"

namespace dml {
namespace {

constexpr size_t kMaxFieldBytes = 256;
constexpr size_t kMaxDescriptionBytes = 512;
constexpr size_t kMaxReasonBytes = 63;  // ErrorInfo's own limit.
// Type name and lengths of the Any around BadRequest, with room.
constexpr size_t kBadRequestOverhead = 64;
constexpr std::string_view kCut = "...";

// The length of the UTF-8 character at the start of `text`; 0 where the bytes are not UTF-8.
size_t CharacterLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return length <= text.size() && IsValidUtf8(text.substr(0, length)) ? length : 0;
}

// How many bytes a character takes when percent-encoded: 0x20 to 0x7E travel as they are, but '%'.
size_t EncodedLength(std::string_view character) {
  const bool plain = character.size() == 1 && character[0] >= 0x20 && character[0] < 0x7f;
  return plain && character[0] != '%' ? 1 : 3 * character.size();
}

// `text` as UTF-8 that takes at most `max_encoded` bytes when percent-encoded.
std::string WireText(std::string_view text, size_t max_encoded) {
  std::string out;
  size_t encoded = 0;
  size_t cut_at = 0;  // The longest beginning that leaves room for the mark of a cut.
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    const std::string_view character = length == 0 ? "?" : text.substr(0, length);
    encoded += EncodedLength(character);
    if (encoded > max_encoded) return out.substr(0, cut_at).append(kCut);
    out.append(character);
    if (encoded + kCut.size() <= max_encoded) cut_at = out.size();
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

google::rpc::BadRequest FirstViolations(const std::vector<FieldViolation>& violations,
                                        size_t budget) {
  google::rpc::BadRequest bad_request;
  for (const FieldViolation& violation : violations) {
    auto* added = bad_request.add_field_violations();
    added->set_field(WireText(violation.field, kMaxFieldBytes));
    added->set_description(WireText(violation.description, kMaxDescriptionBytes));
    const size_t cost = added->ByteSizeLong() + 4;  // Tag and length.
    if (cost > budget) {
      bad_request.mutable_field_violations()->RemoveLast();
      break;
    }
    budget -= cost;
  }
  return bad_request;
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status out;
  out.set_code(static_cast<int>(status.code()));
  out.set_message(WireText(Message(status), kMaxWireMessageBytes));

  const std::vector<FieldViolation> violations = FieldViolations(status);
  google::rpc::ErrorInfo info;
  std::string reason = Reason(status);
  info.set_reason(reason.empty() ? "INTERNAL_ERROR" : WireText(reason, kMaxReasonBytes));
  info.set_domain("dml");
  if (!violations.empty()) {
    (*info.mutable_metadata())["violations_total"] = fmt::format("{}", violations.size());
  }
  out.add_details()->PackFrom(info);

  if (auto delay = RetryAfter(status)) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(delay->count() / 1000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int>(delay->count() % 1000) * 1'000'000);
    out.add_details()->PackFrom(retry);
  }
  if (!violations.empty()) {
    const size_t used = out.ByteSizeLong() + kBadRequestOverhead;
    google::rpc::BadRequest bad_request = FirstViolations(violations, kMaxWireDetailBytes - used);
    if (bad_request.field_violations_size() > 0) out.add_details()->PackFrom(bad_request);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), out.message(),
                      out.SerializeAsString());
}

}  // namespace dml
