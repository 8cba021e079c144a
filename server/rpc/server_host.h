// The gRPC server: one listening address, its limits, and the services on it.
//
// Owned by the daemon. Calls arrive on gRPC's threads from Start on, until Shutdown returns. Health
// (grpc.health.v1) and reflection are served besides; see server/auth/authorization_table.cc.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/impl/service_type.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>

#include "core/base/status.h"
#include "server/config/server_config.h"

namespace dml {

struct ServerHostOptions {
  ListenAddress listen;
  ServerLimits limits;
  /// From the accepted connection to the end of its TLS handshake: a peer that says nothing holds
  /// a descriptor no longer.
  std::chrono::milliseconds handshake_timeout{10'000};
  /// A connection is asked to go away then, so that clients come back and show a certificate that
  /// is still good, to the authorities of that time; calls under way are finished, however long
  /// they take.
  std::chrono::milliseconds max_connection_age{3'600'000};
};

class RunningCalls;

class ServerHost {
 public:
  /// Binds and serves. UNAVAILABLE (ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE) where the address cannot
  /// be bound; INVALID_ARGUMENT (TLS_FILES_INVALID) where gRPC does not accept the credentials.
  /// The credentials are kept as long as the server.
  static absl::StatusOr<std::unique_ptr<ServerHost>> Start(
      const ServerHostOptions& options, std::shared_ptr<grpc::ServerCredentials> credentials,
      std::vector<std::unique_ptr<grpc::Service>> services);
  /// Shutdown without grace.
  ~ServerHost();

  /// What was bound, with the port that was taken for port 0.
  const ListenAddress& address() const { return address_; }

  /// What grpc.health.v1 says of a service ("dml.v1.CatalogService"), or, of "", of the server.
  void SetServing(const std::string& service, bool serving);

  /// Calls under way, without health and reflection.
  int running_calls() const;

  /// Accepts nothing new at once; cancels what has not ended after `grace`, health and reflection
  /// at once. Blocks until all handlers have returned, and no longer: connections without calls are
  /// closed then, whether their clients have noticed or not. May be called again.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  ServerHost() = default;

  ListenAddress address_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::vector<std::unique_ptr<grpc::Service>> services_;  // Outlive server_.
  std::shared_ptr<RunningCalls> calls_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace dml
