// An error on its way out: absl::Status to grpc::Status with google.rpc details.
#pragma once

#include <cstddef>

#include <grpcpp/support/status.h>

#include "core/base/status.h"

namespace dml {

/// Both travel in the call's trailers, and above 8 KiB of them gRPC 1.51 turns the call into
/// RESOURCE_EXHAUSTED. The message is measured as it travels: percent-encoded (gRPC over HTTP/2,
/// "Status-Message").
inline constexpr size_t kMaxWireMessageBytes = 2048;
inline constexpr size_t kMaxWireDetailBytes = 4096;

/// The same code and message, with a serialized google.rpc.Status as error_details:
///   - ErrorInfo always: reason (INTERNAL_ERROR where the status has none, which is a bug of the
///     daemon) and domain "dml";
///   - BadRequest where there are field violations: the first that fit; ErrorInfo.metadata
///     "violations_total" says how many there were;
///   - RetryInfo where the status says when to try again.
/// Bytes that are not UTF-8 become '?'; what is too long ends in "...". OK gives OK.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace dml
