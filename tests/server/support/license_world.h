// LicenseService over a library with license data, for tests of its questions.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "client/status_codec.h"
#include "core/access/access_token.h"
#include "core/evidence/claims.h"
#include "dml/v1/license.grpc.pb.h"
#include "tests/server/support/service_parts.h"
#include "tests/support/spec_builder.h"

namespace dml::testing {

/// The caller is a reader of everything until a test says who else.
class LicenseWorld : public ::testing::Test {
 protected:
  using Stub = v1::LicenseService::Stub;

  LicenseWorld() {
    library().Register(lawyer_, "lea", "license-data", "*");
    service_ = MakeLicenseService(parts_.context());
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::LicenseService::NewStub(server_->InProcessChannel({}));
  }

  TestLibrary& library() { return parts_.library; }
  void Be(std::vector<AccessGrant> grants) { bearer_ = parts_.bearers.Add(std::move(grants)); }

  /// Publishes, and answers the resource name.
  std::string Publish(PackageSpec spec, const std::string& license) {
    spec.declared_license = license;
    const auto receipt = library().Publish(spec);
    EXPECT_TRUE(receipt.ok()) << receipt.status();
    return NameOf(spec).ResourceName();
  }
  std::string Publish(const std::string& package, const std::string& license) {
    return Publish(SpecBuilder(package, "1.0").Build(), license);
  }

  /// The next revision of license data of a kind.
  void Load(LicenseDataKind kind, const std::string& content) {
    const uint64_t revision = ++revisions_[kind];
    const std::string envelope = Envelope(lawyer_, Sha256(content), kLicenseDataPredicate,
                                          FormatLicenseDataClaim({kind, "data", revision}));
    const auto receipt = library().Commit(LicenseDataSet{kind,
                                                         revision,
                                                         "data",
                                                         {Sha256(envelope), envelope.size()},
                                                         {Sha256(content), content.size()}},
                                          {envelope, content});
    ASSERT_TRUE(receipt.ok()) << receipt.status();
  }
  void SetPolicy(const std::string& environment, const std::string& document) {
    ASSERT_TRUE(library().Commit(EnvironmentCreated{environment, "", {}}).ok());
    const auto set = library().Commit(
        PolicySet{environment, {Sha256(document), document.size()}, ""}, {document});
    ASSERT_TRUE(set.ok()) << set.status();
  }

  /// The reason of the error, "" for success.
  template <typename Request, typename Response>
  std::string Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request, Response& response) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + FormatAccessToken(bearer_));
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    response.Clear();
    return std::string(
        Reason(FromGrpcStatus((stub_.get()->*method)(&context, request, &response))));
  }

 private:
  ServiceParts parts_;
  PrivateKey lawyer_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  std::map<LicenseDataKind, uint64_t> revisions_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Stub> stub_;
  AccessToken bearer_ = parts_.bearers.Add({{"reader", ""}});
};

/// A matrix of licenses: `cell` answers "Yes", "No", ... for outbound and inbound off the diagonal.
template <typename Cell>
std::string MatrixOf(const std::vector<std::string>& licenses, const Cell& cell) {
  std::string rows;
  for (const std::string& outbound : licenses) {
    std::string cells;
    for (const std::string& inbound : licenses) {
      cells += fmt::format(
          R"({}{{"name":"{}","compatibility":"{}","explanation":"{} in {}"}})",
          cells.empty() ? "" : ",", inbound,
          inbound == outbound ? std::string("Same") : std::string(cell(outbound, inbound)), inbound,
          outbound);
    }
    rows += fmt::format(R"({}{{"name":"{}","compatibilities":[{}]}})", rows.empty() ? "" : ",",
                        outbound, cells);
  }
  return fmt::format(R"({{"timeformat":"t","timestamp":"T","licenses":[{}]}})", rows);
}

}  // namespace dml::testing
