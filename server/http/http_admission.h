// What the sites over HTTP have in common: who may see a resource, and what an error looks like.
#pragma once

#include "server/http/http_message.h"
#include "server/rpc/call_guard.h"

namespace dml {

/// Authenticates and authorizes as gRPC does, by the row of `resource` ("/http/...") in the
/// authorization table, logs and audits.
absl::Status AdmitHttp(CallGuard& guard, const HttpRequest& request, std::string_view resource);

/// The error as an answer: its message, with the status that fits its code.
HttpAnswer HttpFault(const absl::Status& status);

}  // namespace dml
