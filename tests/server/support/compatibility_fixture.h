// A library with its compatibility service, called in its own process.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "client/status_codec.h"
#include "dml/v1/compatibility.grpc.pb.h"
#include "storage/journal/journal.h"
#include "tests/server/support/service_parts.h"
#include "tests/support/spec_builder.h"

namespace dml::testing {

class CompatibilityServiceFixture : public ::testing::Test {
 protected:
  using Stub = v1::CompatibilityService::Stub;

  CompatibilityServiceFixture() {
    EXPECT_TRUE(library_.Commit(NamespaceCreated{"other", "", {}}).ok());
    service_ = MakeCompatibilityService(context_);
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::CompatibilityService::NewStub(server_->InProcessChannel({}));
  }

  void Be(std::vector<AccessGrant> grants) { bearer_ = parts_.bearers.Add(std::move(grants)); }

  void Publish(const PackageSpec& spec) {
    const auto receipt = library_.Publish(spec);
    ASSERT_TRUE(receipt.ok()) << receipt.status();
  }

  void Prepare(grpc::ClientContext& call) const {
    call.AddMetadata("authorization", "Bearer " + FormatAccessToken(bearer_));
    call.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(2));
  }
  /// The reason of the error, "" for success; then `fields()` are where it lies.
  template <typename Request, typename Response>
  std::string Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request, Response& response) {
    grpc::ClientContext call;
    Prepare(call);
    response.Clear();
    const absl::Status status = FromGrpcStatus((stub_.get()->*method)(&call, request, &response));
    fields_.clear();
    for (const FieldViolation& violation : FieldViolations(status)) fields_ += violation.field;
    return Reason(status);
  }
  const std::string& fields() const { return fields_; }
  uint64_t JournalSize() { return JournalView(*library_->Read()).Size().value(); }

  ServiceParts parts_;
  TestLibrary& library_ = parts_.library;
  ServiceContext context_ = parts_.context();
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Stub> stub_;
  AccessToken bearer_ = parts_.bearers.Add({{"admin", ""}});
  std::string fields_;
};

/// More packages that exclude each other than there is room for: no short proof that they have no
/// place together exists (Haken 1985), so that a search over them does not end.
inline std::vector<PackageSpec> Pigeons(int holes) {
  std::vector<PackageSpec> out;
  for (int pigeon = 0; pigeon <= holes; ++pigeon) {
    for (int hole = 1; hole <= holes; ++hole) {
      SpecBuilder spec("acme/pigeon-" + std::to_string(pigeon), std::to_string(hole));
      for (int other = 0; other < pigeon; ++other) {
        spec.Conflicts(
            Target("acme/pigeon-" + std::to_string(other), "vers:deb/" + std::to_string(hole)));
      }
      out.push_back(spec.Build());
    }
  }
  return out;
}

}  // namespace dml::testing
