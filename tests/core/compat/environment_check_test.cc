#include "core/compat/environment_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/compat/version_distance.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MakeVersion;
using testing::SpecBuilder;
using testing::Target;
using enum ViolationKind;
using enum RelationKind;
using enum RelationScope;
constexpr auto kCompatible = EnvironmentVerdict::kCompatible;
constexpr auto kIncompatible = EnvironmentVerdict::kIncompatible;
constexpr auto kUndecidable = EnvironmentVerdict::kNotProven;

std::vector<ViolationKind> Kinds(const EnvironmentAnswer& answer) {
  std::vector<ViolationKind> out;
  for (const EnvironmentViolation& item : answer.violations) out.push_back(item.violation.kind);
  return out;
}

TEST(VersionDistanceTest, CountsWithinEqualLargerParts) {
  auto distance = [](const char* a, const char* b, VersionUnit unit) {
    return VersionDistance(MakeVersion(a), MakeVersion(b), unit);
  };
  EXPECT_EQ(distance("semver:1.30.2", "semver:1.32.0", VersionUnit::kMinor), 2);
  EXPECT_EQ(distance("semver:1.32.0", "semver:1.30.2", VersionUnit::kMinor), -2);
  EXPECT_EQ(distance("semver:1.32.0-rc.1", "semver:1.32.9+b.1", VersionUnit::kMinor), 0);
  EXPECT_EQ(distance("semver:1.30.0", "semver:2.30.0", VersionUnit::kMinor), std::nullopt);
  EXPECT_EQ(distance("semver:1.30.0", "semver:3.0.0", VersionUnit::kMajor), 2);
  EXPECT_EQ(distance("semver:1.2.3", "semver:1.2.7", VersionUnit::kPatch), 4);
  EXPECT_EQ(distance("deb:1.30.0", "deb:1.31.0", VersionUnit::kMinor), std::nullopt);
}

TEST(VersionDistanceTest, SkipsByTable) {
  auto skips_none = [](const char* a, const char* b, VersionUnit unit) {
    return SkipsNoUnit(MakeVersion(a), MakeVersion(b), unit);
  };
  EXPECT_TRUE(skips_none("semver:1.30.5", "semver:1.31.0", VersionUnit::kMinor));
  EXPECT_TRUE(skips_none("semver:1.30.5", "semver:1.30.9", VersionUnit::kMinor));
  EXPECT_TRUE(skips_none("semver:1.30.5", "semver:2.0.1", VersionUnit::kMinor));
  EXPECT_FALSE(skips_none("semver:1.30.5", "semver:1.32.0", VersionUnit::kMinor));
  EXPECT_FALSE(skips_none("semver:1.30.5", "semver:2.1.0", VersionUnit::kMinor));
  EXPECT_FALSE(skips_none("semver:1.30.5", "semver:1.29.0", VersionUnit::kMinor));
  EXPECT_FALSE(skips_none("semver:1.0.0", "semver:3.0.0", VersionUnit::kMajor));
  EXPECT_FALSE(skips_none("1", "2", VersionUnit::kMajor));
}

TEST(EnvironmentCheckTest, ScopesSpanWhatTheySay) {
  const PackageSpec on_node = SpecBuilder("acme/a", "1").Requires({Target("acme/lib")}).Build();
  const PackageSpec anywhere =
      SpecBuilder("acme/b", "1").Requires({Target("acme/lib")}, kEnvironment).Build();
  const PackageSpec peers =
      SpecBuilder("acme/c", "1").Requires({Target("acme/lib", "vers:deb/>=2")}, kEveryPeer).Build();
  const PackageSpec lib1 = SpecBuilder("acme/lib", "1").Build();
  const PackageSpec lib2 = SpecBuilder("acme/lib", "2").Build();
  auto check = [](const PackageSpec& a, std::vector<const PackageSpec*> elsewhere) {
    return Kinds(CheckEnvironment(
        std::vector<NodeGroup>{{"one", {}, 1, {&a}}, {"two", {}, 3, std::move(elsewhere)}}));
  };
  EXPECT_THAT(check(on_node, {&lib1}), ElementsAre(kMissing)) << "it must be on the same node";
  EXPECT_THAT(check(anywhere, {&lib1}), IsEmpty());
  EXPECT_THAT(check(anywhere, {}), ElementsAre(kMissing));
  EXPECT_THAT(check(peers, {&lib2}), IsEmpty());
  EXPECT_THAT(check(peers, {&lib1}), ElementsAre(kWrongVersion));
  EXPECT_THAT(check(lib1, {&lib2}), IsEmpty()) << "two versions, each on nodes of its own";
  EXPECT_THAT(check(lib1, {&lib1, &lib2}), ElementsAre(kTwoVersions));
}

TEST(EnvironmentCheckTest, ConflictsReachAsFarAsTheirScope) {
  const PackageSpec near = SpecBuilder("acme/a", "1").Conflicts(Target("acme/x")).Build();
  const PackageSpec far =
      SpecBuilder("acme/b", "1").Conflicts(Target("acme/x"), kEnvironment).Build();
  const PackageSpec x = SpecBuilder("acme/x", "1").Build();
  const std::vector<NodeGroup> apart = {{"one", {}, 1, {&near}}, {"two", {}, 1, {&x}}};
  EXPECT_EQ(CheckEnvironment(apart).verdict, kCompatible);
  const std::vector<NodeGroup> far_apart = {{"one", {}, 1, {&far}}, {"two", {}, 1, {&x}}};
  EXPECT_THAT(Kinds(CheckEnvironment(far_apart)), ElementsAre(kConflict));
}

TEST(EnvironmentCheckTest, SaysWhereAndFromWhichLine) {
  const PackageSpec a = SpecBuilder("acme/a", "1").Requires({Target("acme/lib")}).Build();
  const PackageSpec arm = SpecBuilder("acme/arm", "1").On("linux", "arm64").Build();
  const Platform amd64{"linux", "amd64", ""};
  const EnvironmentAnswer answer = CheckEnvironment(std::vector<NodeGroup>{
      {"east", amd64, 2, {&a}}, {"west", amd64, 1, {&a, &arm}}, {"off", amd64, 0, {&a}}});
  ASSERT_THAT(Kinds(answer), ElementsAre(kMissing, kPlatformMismatch));
  EXPECT_EQ(answer.violations[0].group, "east");
  EXPECT_EQ(answer.violations[0].groups, 2u);
  EXPECT_EQ(answer.violations[0].violation.source, "requires 0");
  EXPECT_EQ(answer.violations[1].group, "west");
  EXPECT_EQ(answer.violations[1].violation.requirement,
            "runs on linux-arm64, and the node is linux-amd64");
}

TEST(EnvironmentCheckTest, UnknownIsNotProven) {
  const PackageSpec a =
      SpecBuilder("acme/a", "semver:1.0.0").Requires({Target("acme/lib", "vers:deb/1")}).Build();
  const PackageSpec lib = SpecBuilder("acme/lib", "semver:1.0.0").Build();
  const PackageSpec skew = SpecBuilder("acme/s", "1").Coexists("api", 1, 1).Build();
  const PackageSpec api = SpecBuilder("acme/api", "semver:1.0.0").Provides(kService, "api").Build();
  EXPECT_EQ(CheckEnvironment(std::vector<NodeGroup>{{"n", {}, 1, {&a, &lib}}}).verdict,
            kUndecidable);
  EXPECT_EQ(CheckEnvironment(std::vector<NodeGroup>{{"n", {}, 1, {&skew, &api}}}).verdict,
            kUndecidable);
  EXPECT_EQ(CheckEnvironment(std::vector<NodeGroup>{{"n", {}, 1, {&a, &lib}}, {"m", {}, 1, {&a}}})
                .verdict,
            kIncompatible)
      << "what is wrong for certain outweighs what is not proven";
}

TEST(EnvironmentCheckTest, AChangeIsJudgedInBothDirections) {
  const PackageSpec app = SpecBuilder("acme/app", "1")
                              .Requires({Target("acme/lib", "vers:deb/<2")})
                              .Requires({Target("acme/gone")})
                              .Build();
  const PackageSpec lib1 = SpecBuilder("acme/lib", "1").Build();
  const PackageSpec lib2 = SpecBuilder("acme/lib", "2").Requires({Target("acme/new")}).Build();
  const std::vector<NodeGroup> groups = {{"one", {}, 1, {&app, &lib1}}, {"two", {}, 1, {&lib1}}};
  const std::vector<const PackageSpec*> set = {&lib2};
  const size_t first[] = {0};
  const EnvironmentAnswer answer = CheckChange(groups, first, set);
  ASSERT_THAT(Kinds(answer), ElementsAre(kWrongVersion, kMissing, kMissing));
  EXPECT_FALSE(answer.violations[0].before) << "what is in use does not take the new";
  EXPECT_TRUE(answer.violations[1].before) << "app lacked something all along";
  EXPECT_FALSE(answer.violations[2].before) << "the new lacks something";
}

// ---- Kubernetes: https://kubernetes.io/releases/version-skew-policy/ ----

PackageSpec Kube(const char* name, int minor) {
  SpecBuilder builder(std::string("k8s/") + name, "semver:1." + std::to_string(minor) + ".0");
  builder.Provides(kService, name);
  const std::string_view component = name;
  if (component == "kube-apiserver") builder.Coexists("kube-apiserver", 1, 1);
  if (component == "kubelet") builder.Coexists("kube-apiserver", 0, 3);
  if (component == "kube-proxy") {
    builder.Coexists("kube-apiserver", 0, 3).Coexists("kubelet", 3, 3, kNode);
  }
  if (component == "kube-controller-manager" || component == "kube-scheduler" ||
      component == "cloud-controller-manager") {
    builder.Coexists("kube-apiserver", 0, 1);
  }
  if (component == "kubectl") builder.Coexists("kube-apiserver", 1, 1);
  return builder.Build();
}

TEST(KubernetesSkewTest, TheTableOfThePolicy) {
  struct Row {
    const char* component;
    std::vector<int> api_servers;
    std::vector<int> supported;  // Minor versions, of those from 26 to 34.
  };
  const std::vector<Row> table = {
      {"kube-apiserver", {32}, {31, 32, 33}},
      {"kubelet", {32}, {29, 30, 31, 32}},
      {"kube-proxy", {32}, {29, 30, 31, 32}},
      {"kube-controller-manager", {32}, {31, 32}},
      {"kube-scheduler", {32}, {31, 32}},
      {"cloud-controller-manager", {32}, {31, 32}},
      {"kubectl", {32}, {31, 32, 33}},
      // Mixed API servers narrow what may run beside them.
      {"kubelet", {32, 31}, {29, 30, 31}},
      {"kube-proxy", {32, 31}, {29, 30, 31}},
      {"kube-controller-manager", {32, 31}, {31}},
      {"kube-scheduler", {32, 31}, {31}},
      {"cloud-controller-manager", {32, 31}, {31}},
      {"kubectl", {32, 31}, {31, 32}},
      {"kube-apiserver", {32, 31}, {31, 32}},
      // API servers that may not run beside each other.
      {"kubelet", {32, 30}, {}},
  };
  for (const Row& row : table) {
    std::vector<int> supported;
    for (int minor = 26; minor <= 34; ++minor) {
      const PackageSpec component = Kube(row.component, minor);
      std::vector<PackageSpec> servers;
      for (int server : row.api_servers) servers.push_back(Kube("kube-apiserver", server));
      std::vector<NodeGroup> groups = {{"workers", {}, 5, {&component}}};
      for (const PackageSpec& server : servers) groups.push_back({"control", {}, 1, {&server}});
      if (CheckEnvironment(groups).verdict == kCompatible) supported.push_back(minor);
    }
    EXPECT_EQ(supported, row.supported)
        << row.component << " beside " << ::testing::PrintToString(row.api_servers);
  }
}

TEST(KubernetesSkewTest, KubeProxyAndTheKubeletOfItsNode) {
  const PackageSpec server = Kube("kube-apiserver", 32);
  for (int kubelet_minor = 28; kubelet_minor <= 32; ++kubelet_minor) {
    const PackageSpec kubelet = Kube("kubelet", kubelet_minor);
    const PackageSpec near = Kube("kube-proxy", 32);
    const NodeGroup control{"control", {}, 1, {&server}};
    const auto together =
        CheckEnvironment(std::vector<NodeGroup>{control, {"worker", {}, 1, {&kubelet, &near}}});
    EXPECT_EQ(together.verdict == kCompatible, kubelet_minor >= 29) << kubelet_minor;
    const auto apart = CheckEnvironment(
        std::vector<NodeGroup>{control, {"worker", {}, 1, {&kubelet}}, {"other", {}, 1, {&near}}});
    const bool by_proxy = std::any_of(
        apart.violations.begin(), apart.violations.end(), [](const EnvironmentViolation& item) {
          return item.violation.package.find("kube-proxy") != std::string::npos;
        });
    EXPECT_FALSE(by_proxy) << "another node's kubelet is none of its business";
  }
}

TEST(KubernetesSkewTest, AViolationSaysWhichPeerAndWhatToDo) {
  const PackageSpec server = Kube("kube-apiserver", 30);
  const PackageSpec kubelet = Kube("kubelet", 31);
  const EnvironmentAnswer answer = CheckEnvironment(
      std::vector<NodeGroup>{{"control", {}, 3, {&server}}, {"workers", {}, 9, {&kubelet}}});
  ASSERT_THAT(Kinds(answer), ElementsAre(kSkew));
  const Finding finding = ToFinding(answer.violations[0].violation, Severity::kError, "set");
  EXPECT_EQ(finding.rule, "compatibility.skew");
  EXPECT_EQ(finding.subject, "packages/k8s/kubelet/versions/1.31.0/variants/any");
  EXPECT_THAT(finding.message, HasSubstr("every SERVICE kube-apiserver in the same environment is "
                                         "at most 0 older and 3 newer than 1.31.0"));
  EXPECT_THAT(finding.message,
              HasSubstr("kube-apiserver/versions/1.30.0/variants/any with 1.30.0"));
}

}  // namespace
}  // namespace dml
