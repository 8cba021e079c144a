// Resolve, WhyNot and CompatibleVersions over gRPC.
#include <thread>

#include <gmock/gmock.h>

#include "tests/server/support/compatibility_fixture.h"

namespace dml {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NameOf;
using testing::Pigeons;
using testing::SpecBuilder;
using testing::Target;

class ResolveServiceTest : public testing::CompatibilityServiceFixture {
 protected:
  /// app 2 needs lib >= 2, app 1 any; lib 3 needs tls, which is in another namespace.
  void FillShop() {
    Publish(SpecBuilder("acme/app", "1").Requires({Target("acme/lib")}).Build());
    Publish(SpecBuilder("acme/app", "2").Requires({Target("acme/lib", "vers:deb/>=2")}).Build());
    Publish(SpecBuilder("acme/lib", "1").Build());
    Publish(SpecBuilder("acme/lib", "2").Build());
    Publish(SpecBuilder("acme/lib", "3").Requires({Target("other/tls")}).Build());
    Publish(SpecBuilder("other/tls", "1").Build());
  }
  static v1::ResolveProblem Wants(const std::string& name, const std::string& range = "") {
    v1::ResolveProblem problem;
    v1::WantedPackage* wanted = problem.add_wanted();
    wanted->set_name(name);
    wanted->set_range(range);
    return problem;
  }
  static void Pin(const std::string& package, const std::string& range,
                  v1::ResolveProblem& problem) {
    v1::VersionPin* pin = problem.add_pins();
    pin->set_package("packages/" + package);
    pin->set_range(range);
    pin->set_source("ticket 42");
  }
  std::string Resolve(const v1::ResolveProblem& problem, int page_size = 0,
                      const std::string& page_token = "") {
    v1::ResolveRequest request;
    *request.mutable_problem() = problem;
    request.set_page_size(page_size);
    request.set_page_token(page_token);
    return Call(&Stub::Resolve, request, resolved_);
  }
  std::vector<std::string> Packages() const {
    std::vector<std::string> out;
    for (const v1::ResolvedPackage& package : resolved_.packages()) {
      const VariantName name = VariantName::Parse(package.variant()).value();
      out.push_back(name.package.ToString() + " " + name.version);
    }
    return out;
  }
  std::string WhyNot(const v1::ResolveProblem& problem, const std::string& name,
                     const std::string& range) {
    v1::WhyNotRequest request;
    *request.mutable_problem() = problem;
    request.mutable_target()->set_name(name);
    request.mutable_target()->set_range(range);
    return Call(&Stub::WhyNot, request, why_not_);
  }
  std::string Versions(const v1::ResolveProblem& problem, const std::string& package,
                       int page_size = 0, const std::string& page_token = "") {
    v1::CompatibleVersionsRequest request;
    *request.mutable_problem() = problem;
    request.set_package(package);
    request.set_page_size(page_size);
    request.set_page_token(page_token);
    return Call(&Stub::CompatibleVersions, request, versions_);
  }

  v1::ResolveResponse resolved_;
  v1::WhyNotResponse why_not_;
  v1::CompatibleVersionsResponse versions_;
};

TEST_F(ResolveServiceTest, FindsASetByModeAndPins) {
  FillShop();
  v1::ResolveProblem problem = Wants("acme/app");
  ASSERT_EQ(Resolve(problem), "");
  EXPECT_EQ(resolved_.outcome(), v1::RESOLVE_OUTCOME_SOLVED);
  EXPECT_THAT(Packages(), ElementsAre("acme/app 2", "acme/lib 3", "other/tls 1"));
  EXPECT_EQ(resolved_.packages(0).version_scheme(), "deb");
  EXPECT_TRUE(Digest::Parse(resolved_.packages(0).manifest()).ok());
  EXPECT_THAT(resolved_.scheme_revisions(), ElementsAre("deb@1"));
  EXPECT_EQ(resolved_.package_count(), 3u);
  EXPECT_EQ(resolved_.index(), JournalSize());
  EXPECT_GT(resolved_.steps(), 0u);
  const std::string at_first = resolved_.SerializeAsString();
  ASSERT_EQ(Resolve(problem), "");
  EXPECT_EQ(resolved_.SerializeAsString(), at_first) << "deterministic";

  problem.set_mode(v1::RESOLVE_MODE_OLDEST);
  ASSERT_EQ(Resolve(problem), "");
  EXPECT_THAT(Packages(), ElementsAre("acme/app 1", "acme/lib 1"));

  problem.set_mode(v1::RESOLVE_MODE_MINIMAL_CHANGE);
  problem.add_in_use("packages/acme/lib/versions/2/variants/any");
  problem.add_in_use("packages/acme/app/versions/1/variants/any");
  ASSERT_EQ(Resolve(problem), "");
  EXPECT_THAT(Packages(), ElementsAre("acme/app 1", "acme/lib 2"));

  problem = Wants("acme/app");
  Pin("acme/lib", "vers:deb/<3", problem);
  ASSERT_EQ(Resolve(problem), "");
  EXPECT_THAT(Packages(), ElementsAre("acme/app 2", "acme/lib 2"));
}

TEST_F(ResolveServiceTest, SaysWhoImposesWhatWhereThereIsNone) {
  FillShop();
  v1::ResolveProblem problem = Wants("acme/app", "vers:deb/>=2");
  Pin("acme/lib", "vers:deb/1", problem);
  ASSERT_EQ(Resolve(problem), "");
  EXPECT_EQ(resolved_.outcome(), v1::RESOLVE_OUTCOME_UNSOLVABLE);
  EXPECT_TRUE(resolved_.minimal());
  EXPECT_THAT(Packages(), IsEmpty());
  EXPECT_THAT(resolved_.reasons(), Contains(HasSubstr("your pin")));
  EXPECT_THAT(resolved_.reasons(), Contains(HasSubstr("[ticket 42]")));
  EXPECT_THAT(resolved_.reasons(), Contains(HasSubstr("[requires 0]"))) << "the spec's own line";

  ASSERT_EQ(Resolve(Wants("acme/none")), "");
  EXPECT_EQ(resolved_.outcome(), v1::RESOLVE_OUTCOME_UNSOLVABLE);
  EXPECT_THAT(resolved_.reasons(), ElementsAre(HasSubstr("which nothing provides")));
}

TEST_F(ResolveServiceTest, PagesAreOneAnswer) {
  FillShop();
  ASSERT_EQ(Resolve(Wants("acme/app"), 2), "");
  EXPECT_THAT(Packages(), ElementsAre("acme/app 2", "acme/lib 3"));
  EXPECT_EQ(resolved_.package_count(), 3u);
  ASSERT_EQ(Resolve(Wants("acme/app"), 2, resolved_.next_page_token()), "");
  EXPECT_THAT(Packages(), ElementsAre("other/tls 1"));
  EXPECT_EQ(resolved_.next_page_token(), "");
  EXPECT_EQ(Resolve(Wants("acme/app"), 2, "17"), "PAGE_TOKEN_INVALID");
  EXPECT_EQ(Resolve(Wants("acme/app"), -1), "PAGE_SIZE_INVALID");
}

TEST_F(ResolveServiceTest, TellsWhyNotAndWhichVersions) {
  FillShop();
  v1::ResolveProblem problem = Wants("acme/app", "vers:deb/>=2");
  ASSERT_EQ(WhyNot(problem, "acme/lib", "vers:deb/1"), "");
  EXPECT_EQ(why_not_.outcome(), v1::RESOLVE_OUTCOME_UNSOLVABLE);
  EXPECT_THAT(why_not_.reasons(), Contains(HasSubstr("[requires 0]")));
  ASSERT_EQ(WhyNot(problem, "acme/lib", "vers:deb/2"), "");
  EXPECT_EQ(why_not_.outcome(), v1::RESOLVE_OUTCOME_SOLVED);
  EXPECT_EQ(why_not_.index(), JournalSize());

  ASSERT_EQ(Versions(problem, "packages/acme/lib"), "");
  ASSERT_EQ(versions_.versions_size(), 3);
  EXPECT_EQ(versions_.versions(0).variant(), "packages/acme/lib/versions/3/variants/any");
  EXPECT_EQ(versions_.versions(0).outcome(), v1::RESOLVE_OUTCOME_SOLVED);
  EXPECT_EQ(versions_.versions(2).outcome(), v1::RESOLVE_OUTCOME_UNSOLVABLE);
  EXPECT_TRUE(versions_.complete());
  ASSERT_EQ(Versions(problem, "packages/acme/lib", 2), "");
  EXPECT_EQ(versions_.version_count(), 3u);
  ASSERT_EQ(Versions(problem, "packages/acme/lib", 2, versions_.next_page_token()), "");
  ASSERT_EQ(versions_.versions_size(), 1);
  EXPECT_EQ(Versions(problem, "packages/acme/none"), "PACKAGE_NOT_FOUND");
  EXPECT_EQ(Versions(problem, "acme/lib"), "NAME_INVALID");
  EXPECT_EQ(fields(), "package");
}

// attack 43: what one may not see does not shine through.
TEST_F(ResolveServiceTest, OthersSeeTheirNamespacesAlone) {
  FillShop();
  Be({{"reader", "namespaces/acme"}});
  ASSERT_EQ(Resolve(Wants("acme/app")), "");
  EXPECT_THAT(Packages(), ElementsAre("acme/app 2", "acme/lib 2")) << "lib 3 needs other/tls";
  ASSERT_EQ(Resolve(Wants("other/tls")), "");
  EXPECT_THAT(resolved_.reasons(), ElementsAre(HasSubstr("which nothing provides")));
  EXPECT_EQ(Versions({}, "packages/other/tls"), "ROLE_REQUIRED");
  EXPECT_EQ(Versions({}, "packages/other/none"), "ROLE_REQUIRED") << "as for one that is there";
  Be({{"node", ""}});
  EXPECT_EQ(Resolve(Wants("acme/app")), "ROLE_REQUIRED");
  EXPECT_EQ(WhyNot({}, "acme/app", ""), "ROLE_REQUIRED");
}

TEST_F(ResolveServiceTest, BadInputIsRefusedWithItsField) {
  auto refused = [this](const v1::ResolveProblem& problem, const std::string& field) {
    const std::string reason = Resolve(problem);
    EXPECT_EQ(fields(), "problem." + field);
    return reason;
  };
  EXPECT_EQ(refused({}, "wanted"), "NOTHING_WANTED");
  EXPECT_EQ(refused(Wants("App"), "wanted[0].name"), "NAME_INVALID");
  EXPECT_EQ(refused(Wants("acme/app", ">=2"), "wanted[0].range"), "VERSION_RANGE_INVALID");
  v1::ResolveProblem problem = Wants("acme/app");
  problem.mutable_wanted(0)->set_kind("THING");
  EXPECT_EQ(refused(problem, "wanted[0].kind"), "RELATION_KIND_UNKNOWN");
  problem = Wants("acme/app");
  Pin("acme", "vers:deb/1", problem);
  EXPECT_EQ(refused(problem, "pins[0].package"), "NAME_INVALID");
  problem.mutable_pins(0)->set_package("packages/acme/lib");
  problem.mutable_pins(0)->set_range("");
  EXPECT_EQ(refused(problem, "pins[0].range"), "VERSION_RANGE_INVALID");
  problem.mutable_pins(0)->set_range("vers:deb/1");
  problem.mutable_pins(0)->set_source("a\nb");
  EXPECT_EQ(refused(problem, "pins[0].source"), "TEXT_INVALID");
  problem = Wants("acme/app");
  problem.add_in_use("acme/app@1");
  EXPECT_EQ(refused(problem, "in_use[0]"), "NAME_INVALID");
  problem = Wants("acme/app");
  problem.set_platform("Linux");
  EXPECT_EQ(refused(problem, "platform"), "NAME_INVALID");
  problem = Wants("acme/app");
  problem.set_mode(static_cast<v1::ResolveMode>(17));
  EXPECT_EQ(refused(problem, "mode"), "RESOLVE_MODE_UNKNOWN");
  EXPECT_EQ(WhyNot({}, "", ""), "NAME_INVALID");
  EXPECT_EQ(fields(), "target.name");
}

TEST_F(ResolveServiceTest, LimitsComeBeforeTheSearch) {
  v1::ResolveProblem problem;
  for (int i = 0; i <= 1000; ++i) problem.add_wanted()->set_name("acme/app");
  EXPECT_EQ(Resolve(problem), "REQUEST_TOO_LARGE");
  problem = Wants("acme/app");
  for (int i = 0; i <= 20'000; ++i) problem.add_in_use("x");
  EXPECT_EQ(Resolve(problem), "REQUEST_TOO_LARGE");
  problem = Wants("acme/app");
  for (int i = 0; i <= 20'000; ++i) problem.add_pins();
  EXPECT_EQ(Resolve(problem), "REQUEST_TOO_LARGE");
  problem = Wants("acme/app", "vers:deb/" + std::string(100'000, '1'));
  EXPECT_EQ(Resolve(problem), "VERSION_RANGE_INVALID");
}

TEST_F(ResolveServiceTest, WhatNeedsTooMuchIsUndecided) {
  v1::ResolveProblem problem;
  for (const PackageSpec& spec : Pigeons(9)) Publish(spec);
  for (int i = 0; i <= 9; ++i) problem.add_wanted()->set_name("acme/pigeon-" + std::to_string(i));
  problem.set_max_steps(3'000'000);
  ASSERT_EQ(Resolve(problem), "");
  EXPECT_EQ(resolved_.outcome(), v1::RESOLVE_OUTCOME_UNDECIDED);
  EXPECT_THAT(resolved_.reasons(), ElementsAre(HasSubstr("undecided after")));
  EXPECT_FALSE(resolved_.minimal());
  problem.set_max_steps(1);
  ASSERT_EQ(Versions(problem, "packages/acme/pigeon-0"), "");
  EXPECT_FALSE(versions_.complete());
  for (const v1::VersionAnswer& version : versions_.versions()) {
    EXPECT_EQ(version.outcome(), v1::RESOLVE_OUTCOME_UNDECIDED);
  }
}

// The best of a few, as the machine may have other things to do.
TEST_F(ResolveServiceTest, ACancelledCallStopsItsSearchWithin50Milliseconds) {
  constexpr int kHoles = 14;
  v1::ResolveRequest request;
  for (const PackageSpec& spec : Pigeons(kHoles)) Publish(spec);
  for (int i = 0; i <= kHoles; ++i) {
    request.mutable_problem()->add_wanted()->set_name("acme/pigeon-" + std::to_string(i));
  }
  request.mutable_problem()->set_max_steps(UINT64_MAX);
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 5; ++i) {
    grpc::ClientContext call;
    Prepare(call);
    grpc::Status status;
    std::thread caller([&] {
      v1::ResolveResponse response;
      status = stub_->Resolve(&call, request, &response);
    });
    while (context_.solves->taken() == 0) std::this_thread::yield();
    const auto start = std::chrono::steady_clock::now();
    call.TryCancel();
    while (context_.solves->taken() != 0) std::this_thread::yield();
    best = std::min(best, std::chrono::steady_clock::now() - start);
    caller.join();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_LT(best, std::chrono::milliseconds(50));
}

TEST_F(ResolveServiceTest, ASearchHoldsASlotAndStopsWithTheServer) {
  constexpr int kHoles = 14;
  v1::ResolveProblem problem;
  for (const PackageSpec& spec : Pigeons(kHoles)) Publish(spec);
  for (int i = 0; i <= kHoles; ++i) {
    problem.add_wanted()->set_name("acme/pigeon-" + std::to_string(i));
  }
  problem.set_max_steps(UINT64_MAX);
  v1::ResolveRequest request;
  *request.mutable_problem() = problem;
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      grpc::ClientContext call;
      Prepare(call);
      v1::ResolveResponse response;
      EXPECT_EQ(stub_->Resolve(&call, request, &response).error_code(),
                grpc::StatusCode::CANCELLED);
    });
  }
  while (context_.solves->taken() < 3) std::this_thread::yield();
  EXPECT_EQ(Resolve(problem), "TOO_MANY_SEARCHES") << "one principal has three quarters";
  Be({{"reader", ""}});
  EXPECT_EQ(Resolve(Wants("acme/pigeon-0")), "") << "another one has the rest";
  context_.stopping->store(true);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(context_.solves->taken(), 0);
}

}  // namespace
}  // namespace dml
