// Certificates and channels for tests of the daemon: friends, strangers and the expired.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include "core/crypto/x509.h"

namespace dml::testing {

inline std::chrono::sys_seconds WallClock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

inline CertificateWithKey NewAuthority() {
  auto authority = MakeCertificateAuthority("test authority", {WallClock(), 30});
  EXPECT_TRUE(authority.ok()) << authority.status();
  return *std::move(authority);
}

inline CertificateWithKey NewClient(const CertificateWithKey& authority,
                                    const std::vector<std::string>& roles,
                                    Validity validity = {WallClock(), 10}) {
  auto client = IssueClientCertificate(authority, {"test.example", "alice", roles}, validity);
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

inline std::string KeyPem(const PrivateKey& key) { return *key.ToPkcs8Pem(); }

/// A channel to `address` that trusts `ca_pem` and shows `client`, where there is one.
inline std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address,
                                                  const std::string& ca_pem,
                                                  const CertificateWithKey* client) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ca_pem;
  if (client != nullptr) {
    options.pem_cert_chain = client->certificate_pem;
    options.pem_private_key = KeyPem(client->key);
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // Never another test's connection.
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

/// Sends one message to a method and waits for its end; `response`: the one message that came.
inline grpc::Status CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                            const std::string& method, grpc::ClientContext& context,
                            const std::string& request, std::string* response = nullptr) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const grpc::Slice slice(request);
  const grpc::ByteBuffer message(&slice, 1);
  grpc::ByteBuffer answer;
  grpc::Status status;
  auto call = stub.PrepareUnaryCall(&context, method, message, &queue);
  call->StartCall();
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  std::vector<grpc::Slice> parts;
  if (response != nullptr && status.ok() && answer.Dump(&parts).ok()) {
    for (const grpc::Slice& part : parts) response->append(part.begin(), part.end());
  }
  return status;
}

/// Calls a unary method with an empty request.
inline grpc::Status CallEmpty(const std::shared_ptr<grpc::Channel>& channel,
                              const std::string& method) {
  grpc::ClientContext context;
  return CallRaw(channel, method, context, "");
}

inline constexpr char kHealthCheck[] = "/grpc.health.v1.Health/Check";

}  // namespace dml::testing
