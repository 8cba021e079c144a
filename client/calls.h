// What the parts of Client share: reading answers, pages and receipts. Internal to client/.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "client/connection.h"
#include "core/crypto/random.h"
#include "core/crypto/sha256.h"
#include "core/wire/api.h"

namespace dml {

/// INTERNAL (SERVER_ANSWER_INVALID): the server's answer is not what its contract says.
absl::Status BadAnswer(std::string_view what);

/// The value of an answer; one that cannot be read is a BadAnswer.
template <typename T>
absl::StatusOr<T> Answered(absl::StatusOr<T> value) {
  if (!value.ok()) return BadAnswer(Message(value.status()));
  return value;
}

/// DATA_LOSS (BLOB_DIGEST_MISMATCH) unless these are the bytes of `ref`.
absl::Status CheckBytes(std::string_view what, std::string_view bytes, const BlobRef& ref);

/// Connection::Call for a method whose answer says at which journal size it was given; that is
/// checked (Connection::CheckLogSize).
template <typename Stub, typename Request, typename Response, typename SizeOf>
absl::StatusOr<Response> Ask(Connection& connection,
                             grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                          Response*),
                             const Request& request, const SizeOf& size_of) {
  DML_ASSIGN_OR_RETURN(uint64_t remembered, connection.RememberedSize());
  DML_ASSIGN_OR_RETURN(Response response, connection.Call(method, request));
  DML_RETURN_IF_ERROR(connection.CheckLogSize(remembered, size_of(response)));
  return response;
}

template <typename Request>
void SetPage(const ListOptions& options, Request& request) {
  request.set_page_size(options.page_size);
  request.set_page_token(options.page_token);
}

/// A page of an answer's items, each read by read(item).
template <typename T, typename Items, typename Read>
absl::StatusOr<ListPage<T>> ReadPageBy(const Items& items, const std::string& next_page_token,
                                       const Read& read) {
  ListPage<T> out;
  for (const auto& item : items) {
    DML_ASSIGN_OR_RETURN(T value, Answered(absl::StatusOr<T>(read(item))));
    out.items.push_back(std::move(value));
  }
  out.next_page_token = next_page_token;
  return out;
}

/// The same, each item read by wire::From of core/wire/api.h.
template <typename T, typename Items>
absl::StatusOr<ListPage<T>> ReadPage(const Items& items, const std::string& next_page_token) {
  return ReadPageBy<T>(items, next_page_token, [](const auto& item) { return wire::From(item); });
}

/// An answer to a mutation with what the log says of it; with validate_only only the answer.
template <typename Response, typename Payload>
struct Mutated {
  Response response;
  Commit commit;
  Payload payload;
};

/// Proves the entry of a mutation that was answered, which must have this kind of payload.
template <typename Payload, typename Response>
absl::StatusOr<Mutated<Response, Payload>> ProveMutation(Connection& connection, Response response,
                                                         const std::string& request_id,
                                                         const MutationOptions& options) {
  Mutated<Response, Payload> out;
  out.response = std::move(response);
  if (options.validate_only) return out;
  DML_ASSIGN_OR_RETURN(ProvenReceipt proven,
                       connection.ProveReceipt(out.response.receipt(), request_id));
  Payload* payload = std::get_if<Payload>(&proven.entry.payload);
  if (payload == nullptr) {
    return DataLoss(ErrorReason("RECEIPT_INVALID"),
                    "the receipt of request {} names entry {}, which is of kind {}; ask the "
                    "library's operator what happened to the request",
                    request_id, proven.commit.index, EntryKind(proven.entry.payload));
  }
  out.commit = std::move(proven.commit);
  out.payload = std::move(*payload);
  return out;
}

/// Carries out a mutation under one request id, however often it is tried, and proves its entry,
/// which must have this kind of payload. `timeout` of each attempt, 0: as of any unary call.
template <typename Payload, typename Stub, typename Request, typename Response>
absl::StatusOr<Mutated<Response, Payload>> Mutate(
    Connection& connection,
    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request,
    const MutationOptions& options, std::chrono::milliseconds timeout = {}) {
  request.set_request_id(options.request_id.empty() ? NewRequestId() : options.request_id);
  request.set_validate_only(options.validate_only);
  DML_ASSIGN_OR_RETURN(Response response, connection.Call(method, request, timeout));
  return ProveMutation<Payload>(connection, std::move(response), request.request_id(), options);
}

}  // namespace dml
