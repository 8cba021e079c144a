// Errors that arrive over the wire: grpc::Status with google.rpc details -> absl::Status.
#pragma once

#include <grpcpp/support/status.h>

#include "core/base/status.h"

namespace dml {

/// The server's error with code, message, reason (ErrorInfo of domain "dml"), field violations and
/// retry delay. An error without such a reason was made by the transport or by a stranger; it gets
/// SERVER_UNAVAILABLE, SERVER_TIMEOUT, METHOD_UNKNOWN, or RPC_FAILED for every other code. Details
/// that cannot be read are left out; a code that is not known becomes UNKNOWN.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace dml
