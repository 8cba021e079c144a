// What the handlers share: receipts, paging, names in requests.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "core/wire/api.h"
#include "server/rpc/services.h"
#include "storage/views/list_view.h"

namespace dml {

inline constexpr int kDefaultPageSize = 100;
inline constexpr int kMaxPageSize = 1000;

/// The page that a request asks for: 0 is the default size, too many the largest; negative sizes
/// and tokens that no page gave out are INVALID_ARGUMENT (PAGE_SIZE_INVALID, PAGE_TOKEN_INVALID).
absl::StatusOr<PageRequest> ReadPage(int page_size, const std::string& page_token);
std::string PageToken(const std::string& next_key);

/// For lists that are computed whole: the part that a request asks for.
struct Slice {
  size_t begin = 0;
  size_t end = 0;
  std::string next_page_token;
};
absl::StatusOr<Slice> ReadSlice(int page_size, const std::string& page_token, size_t total,
                                int max_page_size = kMaxPageSize);

void To(const Receipt& receipt, v1::Receipt* out);

/// Commits a payload in the caller's name. Request ids are at most 64 printable ASCII characters.
absl::StatusOr<Receipt> CommitAs(const ServiceContext& context, const Caller& caller,
                                 const std::string& request_id, bool validate_only,
                                 Command command);

/// Commits a payload that needs no metadata as a request asks, and puts the receipt into the
/// answer.
template <typename Request, typename Response>
absl::Status Answer(const ServiceContext& context, const Caller& caller, const Request& request,
                    Response& response, EntryPayload payload) {
  Command command;
  command.payload = std::move(payload);
  DML_ASSIGN_OR_RETURN(Receipt receipt, CommitAs(context, caller, request.request_id(),
                                                 request.validate_only(), std::move(command)));
  To(receipt, response.mutable_receipt());
  return absl::OkStatus();
}

/// Tries again, a few times, where what a command was decided on has changed meanwhile.
absl::Status RetryWhereStale(const std::function<absl::Status()>& attempt);

/// The full text of a request's variant name, with the field in the error.
absl::StatusOr<VariantName> ReadVariant(const std::string& name, std::string_view field = "name");

/// All names of a request's field, at most kMaxSetSize. INVALID_ARGUMENT (SET_TOO_LARGE,
/// NAME_INVALID) with the field.
absl::StatusOr<std::vector<VariantName>> ReadVariants(
    const google::protobuf::RepeatedPtrField<std::string>& names,
    std::string_view field = "variants");

/// A page of a variant's attestations with their envelopes; answers the next page token. The page
/// ends early rather than exceed `max_bytes` by more than one envelope.
absl::StatusOr<std::string> FillAttestations(
    const Reader& state, const VariantName& name, PageRequest page, size_t max_bytes,
    google::protobuf::RepeatedPtrField<v1::Attestation>* out);

/// Fills `out` (a repeated field) from a page's items with wire::To.
template <typename Record, typename Repeated>
void FillItems(const Page<Record>& page, Repeated* out) {
  for (const Record& record : page.items) wire::To(record, out->Add());
}

}  // namespace dml
