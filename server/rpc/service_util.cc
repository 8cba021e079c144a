#include "server/rpc/service_util.h"

#include <algorithm>
#include <charconv>

#include "storage/library/decision.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr size_t kMaxRequestId = 64;

absl::StatusOr<size_t> ReadPageSize(int page_size, int most) {
  if (page_size < 0) {
    return AtField(
        InvalidArgument(ErrorReason("PAGE_SIZE_INVALID"), "a page cannot have {} items", page_size),
        "page_size");
  }
  return static_cast<size_t>(page_size == 0 ? kDefaultPageSize : std::min(page_size, most));
}

absl::Status BadToken() {
  return AtField(InvalidArgument(ErrorReason("PAGE_TOKEN_INVALID"),
                                 "the page token is damaged: start again without one"),
                 "page_token");
}

}  // namespace

absl::StatusOr<PageRequest> ReadPage(int page_size, const std::string& page_token) {
  PageRequest request;
  DML_ASSIGN_OR_RETURN(request.size, ReadPageSize(page_size, kMaxPageSize));
  if (!page_token.empty()) {
    std::optional<std::string> key = Base64DecodeLenient(page_token);
    if (!key.has_value() || key->empty()) return BadToken();
    request.after_key = *std::move(key);
  }
  return request;
}

std::string PageToken(const std::string& next_key) {
  return next_key.empty() ? "" : Base64Encode(AsBytes(next_key));
}

absl::StatusOr<Slice> ReadSlice(int page_size, const std::string& page_token, size_t total,
                                int max_page_size) {
  DML_ASSIGN_OR_RETURN(size_t size, ReadPageSize(page_size, max_page_size));
  Slice slice;
  if (!page_token.empty()) {
    auto [end, error] =
        std::from_chars(page_token.data(), page_token.data() + page_token.size(), slice.begin);
    if (error != std::errc() || end != page_token.data() + page_token.size() ||
        slice.begin > total) {
      return BadToken();
    }
  }
  slice.end = std::min(total, slice.begin + size);
  if (slice.end < total) slice.next_page_token = std::to_string(slice.end);
  return slice;
}

void To(const Receipt& receipt, v1::Receipt* out) {
  out->set_index(receipt.index);
  wire::To(receipt.time, out->mutable_time());
  if (receipt.checkpoint != nullptr) out->set_checkpoint(receipt.checkpoint->note);
  out->set_replayed(receipt.replayed);
}

absl::StatusOr<Receipt> CommitAs(const ServiceContext& context, const Caller& caller,
                                 const std::string& request_id, bool validate_only,
                                 Command command) {
  bool printable =
      std::all_of(request_id.begin(), request_id.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (request_id.size() > kMaxRequestId || !printable) {
    return AtField(
        InvalidArgument(ErrorReason("REQUEST_ID_INVALID"),
                        "a request id is a UUID (at most {} printable characters)", kMaxRequestId),
        "request_id");
  }
  command.author = caller.principal();
  command.request_id = request_id;
  command.validate_only = validate_only;
  return context.library.Commit(std::move(command));
}

absl::StatusOr<std::string> FillAttestations(
    const Reader& state, const VariantName& name, PageRequest page, size_t max_bytes,
    google::protobuf::RepeatedPtrField<v1::Attestation>* out) {
  size_t left = max_bytes;
  const size_t wanted = page.size;
  page.size = 1;
  for (size_t count = 0; count < wanted; ++count) {
    DML_ASSIGN_OR_RETURN(auto found, ListView(state).Attestations(name, page));
    for (const AttestationRecord& record : found.items) {
      if (record.ref.envelope.size > left && count > 0) return PageToken(page.after_key);
      left -= std::min<size_t>(left, record.ref.envelope.size);
      v1::Attestation* item = out->Add();
      wire::To(record, item);
      DML_ASSIGN_OR_RETURN(*item->mutable_envelope_data(),
                           ReadMetadata(state, record.ref.envelope));
    }
    page.after_key = found.next_key;
    if (page.after_key.empty()) return std::string();
  }
  return PageToken(page.after_key);
}

absl::Status RetryWhereStale(const std::function<absl::Status()>& attempt) {
  constexpr int kAttempts = 5;
  for (int i = 1;; ++i) {
    absl::Status status = attempt();
    if (i == kAttempts || Reason(status) != "STATE_CHANGED") return status;
  }
}

absl::StatusOr<VariantName> ReadVariant(const std::string& name, std::string_view field) {
  absl::StatusOr<VariantName> variant = VariantName::Parse(name);
  if (!variant.ok()) return AtField(variant.status(), field);
  return variant;
}

absl::StatusOr<std::vector<VariantName>> ReadVariants(
    const google::protobuf::RepeatedPtrField<std::string>& names, std::string_view field) {
  if (names.size() > static_cast<int>(kMaxSetSize)) {
    return AtField(InvalidArgument(ErrorReason("SET_TOO_LARGE"), "{} variants; at most {}",
                                   names.size(), kMaxSetSize),
                   field);
  }
  std::vector<VariantName> out;
  for (int i = 0; i < names.size(); ++i) {
    DML_ASSIGN_OR_RETURN(VariantName name, ReadVariant(names[i], fmt::format("{}[{}]", field, i)));
    out.push_back(std::move(name));
  }
  return out;
}

}  // namespace dml
