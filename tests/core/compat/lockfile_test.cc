#include "core/compat/lockfile.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/paths.h"
#include "tests/support/spec_builder.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

using nlohmann::json;
using testing::SpecBuilder;
using testing::Target;

std::string Golden() {
  return testing::ReadFileOrDie(testing::SourceDir() / "tests/golden/package/lockfile.json");
}

MemoryPackageSource Source() {
  MemoryPackageSource source;
  source.Add(SpecBuilder("acme/app", "semver:2.0.0")
                 .Requires({Target("debian/lib", "vers:deb/<2")})
                 .Build(),
             "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (const char* version : {"1.4-1", "1.5-1", "2.0-1"}) {
    source.Add(SpecBuilder("debian/lib", version).On("linux", "amd64").Build());
  }
  return source;
}

TEST(LockfileTest, GoldenInBothDirections) {
  SolveBudget budget;
  ResolveRequest request;
  request.wanted = {Target("acme/app")};
  const Resolution resolution = *Resolve(Source(), request, budget);
  EXPECT_EQ(FormatLockfile(LockOf(resolution, ResolveMode::kNewest)), Golden());
  auto parsed = ParseLockfile(Golden());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(FormatLockfile(*parsed), Golden());
  EXPECT_EQ(parsed->packages, LockOf(resolution, ResolveMode::kNewest).packages);
}

TEST(LockfileTest, PinsGiveTheSameSetThoughThereIsNewer) {
  MemoryPackageSource source = Source();
  const Lockfile lock = *ParseLockfile(Golden());
  source.Add(SpecBuilder("acme/app", "semver:2.1.0").Build());
  source.Add(SpecBuilder("debian/lib", "1.9-1").On("linux", "amd64").Build());
  ResolveRequest request;
  request.wanted = {Target("acme/app")};
  request.constraints = PinsOf(lock, "dml.lock");
  SolveBudget budget;
  const Resolution again = *Resolve(source, request, budget);
  EXPECT_EQ(LockOf(again, lock.mode).packages, lock.packages);
  request.wanted = {Target("acme/app", "vers:semver/>2.0.0")};
  const Resolution refused = *Resolve(source, request, budget);
  ASSERT_EQ(refused.solvable, Solvable::kNo);
  EXPECT_EQ(refused.reasons.back(),
            "2. acme/app 2.1.0 (1) is excluded by your pin, which allows = 2.0.0 of acme/app "
            "[dml.lock]");
}

TEST(LockfileTest, RefusesBadDocumentsWithTheirPath) {
  auto expect = [](const std::function<void(json&)>& change, std::string_view field,
                   std::string_view reason = "LOCKFILE_INVALID") {
    json document = json::parse(Golden());
    change(document);
    const absl::Status status = ParseLockfile(document.dump()).status();
    EXPECT_EQ(Reason(status), reason) << document.dump();
    ASSERT_FALSE(FieldViolations(status).empty()) << document.dump();
    EXPECT_EQ(FieldViolations(status)[0].field, field) << document.dump();
  };
  expect([](json& d) { d["schema"] = "dml.lock/v2"; }, "schema");
  expect([](json& d) { d.erase("mode"); }, "mode");
  expect([](json& d) { d["mode"] = "LATEST"; }, "mode");
  expect([](json& d) { d["extra"] = 1; }, "extra");
  expect([](json& d) { d["packages"][0]["variant"] = "acme/app"; }, "packages[0].variant",
         "NAME_INVALID");
  expect([](json& d) { d["packages"][1]["versionScheme"] = "semver"; }, "packages[1].variant",
         "VERSION_INVALID");
  expect([](json& d) { d["packages"][0]["manifest"] = "sha256:1"; }, "packages[0].manifest",
         "DIGEST_INVALID");
  expect([](json& d) { d["packages"][1] = d["packages"][0]; }, "packages[1].variant");
  expect([](json& d) { std::swap(d["packages"][0], d["packages"][1]); }, "packages[1].variant");
}

}  // namespace
}  // namespace dml
