// Errors as dmld sends them.
#pragma once

#include <chrono>
#include <string>

#include <grpcpp/grpcpp.h>

namespace dml::testing {

/// An error as dmld sends it.
grpc::Status ServerError(grpc::StatusCode code, const std::string& reason,
                         std::chrono::milliseconds retry_after = std::chrono::milliseconds(0));

}  // namespace dml::testing
