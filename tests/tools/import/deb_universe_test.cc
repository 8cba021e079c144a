#include "tools/import/deb_universe.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Stanza(std::string_view name, std::string_view version, std::string_view fields = "",
                   std::string_view architecture = "amd64") {
  return fmt::format("Package: {}\nVersion: {}\nArchitecture: {}\n{}\n", name, version,
                     architecture, fields);
}

class DebUniverseTest : public ::testing::Test {
 protected:
  std::filesystem::path Write(std::string_view text) {
    const std::filesystem::path path = dir_.path() / "Packages";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  DebUniverse Read(std::string_view text) {
    auto universe = DebUniverse::Read(Write(text));
    EXPECT_TRUE(universe.ok()) << universe.status();
    return *std::move(universe);
  }
  std::vector<std::string> Uninstallable(std::string_view text) {
    DebUniverse universe = Read(text);
    SolveBudget budget;
    std::vector<CandidateId> undecided;
    std::vector<std::string> out;
    for (CandidateId id : universe.FindUninstallable(budget, undecided)) {
      out.push_back(universe.Reference(id));
    }
    EXPECT_THAT(undecided, IsEmpty());
    return out;
  }
  std::vector<std::string> Solve(std::string_view text, std::vector<std::string> jobs) {
    DebUniverse universe = Read(text);
    SolveBudget budget;
    auto answer = universe.SolveJobs(jobs, budget);
    EXPECT_TRUE(answer.ok()) << answer.status();
    std::vector<std::string> out = answer->reasons;
    for (CandidateId id : answer->packages) out.push_back(universe.Reference(id));
    return out;
  }

  testing::TempDir dir_;
};

TEST_F(DebUniverseTest, RelationsByTable) {
  const std::string lib = Stanza("lib", "2");
  struct Case {
    const char* what;
    std::string others;
    const char* fields;
    bool installable;
  };
  for (const Case& c : std::vector<Case>{
           {"the package", lib, "Depends: lib (>= 2)\n", true},
           {"too old", lib, "Depends: lib (>> 2)\n", false},
           {"nothing", "", "Pre-Depends: lib\n", false},
           {"an alternative", lib, "Depends: gone | lib\n", true},
           {"virtual", Stanza("x", "1", "Provides: lib\n"), "Depends: lib\n", true},
           {"virtual without version", Stanza("x", "1", "Provides: lib\n"), "Depends: lib (>= 0)\n",
            false},
           {"virtual version", Stanza("x", "1", "Provides: lib (= 3)\n"), "Depends: lib (>= 3)\n",
            true},
           {"its own provision", "", "Provides: mta\nDepends: mta\n", true},
           {"conflict", lib, "Depends: lib\nConflicts: lib\n", false},
           {"conflict with another version", lib, "Depends: lib\nConflicts: lib (<< 2)\n", true},
           {"conflict with what is provided", Stanza("x", "1", "Provides: lib\n"),
            "Depends: lib\nBreaks: lib\n", false},
           {"a versioned conflict passes by what has no version",
            Stanza("x", "1", "Provides: lib\n"), "Depends: lib\nBreaks: lib (<< 9)\n", true},
           {"conflict with its own name", "", "Provides: mta\nConflicts: mta\n", true},
           {":any of one that is not allowed", lib, "Depends: lib:any\n", false},
           {":any", Stanza("lib", "2", "Multi-Arch: allowed\n"), "Depends: lib:any (>= 1)\n", true},
           {":amd64", lib, "Depends: lib:amd64\n", true},
           {":arm64", lib, "Depends: lib:arm64\n", false},
       }) {
    const std::vector<std::string> found = Uninstallable(c.others + Stanza("app", "1", c.fields));
    EXPECT_EQ(found.empty(), c.installable) << c.what;
  }
}

TEST_F(DebUniverseTest, ArchitecturesBesideEachOther) {
  auto index = [](std::string_view multi_arch) {
    return Stanza("lib", "1", multi_arch, "amd64") + Stanza("lib", "1", multi_arch, "arm64") +
           Stanza("app", "1", "Depends: lib\n", "arm64") +
           Stanza("all", "1", "Depends: lib\n", "all");
  };
  auto both = [&](std::string_view multi_arch) {
    auto universe = DebUniverse::Read(Write(index(multi_arch)), "amd64");
    SolveBudget budget;
    const std::vector<std::string> jobs = {"app:arm64", "all"};
    return universe->SolveJobs(jobs, budget)->solvable;
  };
  EXPECT_EQ(both(""), Solvable::kNo);
  EXPECT_EQ(both("Multi-Arch: same\n"), Solvable::kYes);
  EXPECT_EQ(both("Multi-Arch: foreign\n"), Solvable::kYes);
  EXPECT_EQ(Reason(DebUniverse::Read(Write(index(""))).status()), "DEB_ARCHITECTURE_UNKNOWN");
}

TEST_F(DebUniverseTest, SolvesWithTheNewestAndSaysWhyNot) {
  const std::string index = Stanza("app", "1") + Stanza("app", "2", "Depends: lib (= 2)\n") +
                            Stanza("lib", "1") + Stanza("lib", "2") + Stanza("lib", "3");
  EXPECT_THAT(Solve(index, {"app"}), ElementsAre("app=2", "lib=2"));
  EXPECT_THAT(Solve(index, {"app=1", "lib"}), ElementsAre("app=1", "lib=3"));
  EXPECT_THAT(Solve(index, {"lib (>= 3)", "app (>> 1)"}),
              ElementsAre("1. lib (>= 3) is asked for: only lib=3 would do",
                          "2. app (>> 1) is asked for: only app=2 would do",
                          "3. app=2 (2) requires lib (= 2) [Depends]: only lib=2 would do",
                          "4. lib=3 (1) and lib=2 (3) exclude each other: one of them at a time"));
  EXPECT_THAT(Solve(index, {"gone"}), ElementsAre("1. gone is asked for, which nothing provides"));
}

TEST_F(DebUniverseTest, ReadsCompressedFilesAndRefusesBadOnes) {
  EXPECT_THAT(Uninstallable(""), IsEmpty());
  auto refused = [&](std::string_view text) { return DebUniverse::Read(Write(text)).status(); };
  EXPECT_EQ(Reason(refused("Package: a\nArchitecture: all\n")), "DEB_INVALID");
  const absl::Status bad =
      refused(Stanza("a", "1") + "\n\n" + Stanza("b", "1", "Depends: x (~ 1)\n"));
  EXPECT_EQ(Reason(bad), "DEB_RELATION_INVALID");
  EXPECT_THAT(std::string(Message(bad)), HasSubstr("paragraph 2 (b)"));
  EXPECT_EQ(Reason(refused(Stanza("a", "1", "Conflicts: x | y\n"))), "DEB_RELATION_INVALID");
  EXPECT_EQ(Reason(refused(Stanza("a", "1", "Provides: x (>= 1)\n"))), "DEB_RELATION_INVALID");
  EXPECT_EQ(Reason(DebUniverse::Read(dir_.path() / "none").status()), "FILE_NOT_FOUND");
  EXPECT_EQ(Reason(DebUniverse::Read(dir_.path()).status()), "FILE_NOT_REGULAR");
  DebIndexLimits small;
  small.max_packages = 1;
  auto take = [](const DebControl&) { return absl::OkStatus(); };
  EXPECT_EQ(Reason(ReadDebIndex(Write(Stanza("a", "1") + Stanza("b", "1")), take, small)),
            "DEB_TOO_LARGE");
  small.max_stanza_bytes = 8;
  EXPECT_EQ(Reason(ReadDebIndex(Write(Stanza("a", "1")), take, small)), "DEB_TOO_LARGE");
  Write(Stanza("app", "1", "Depends: gone\n"));
  const std::string packed = (dir_.path() / "Packages").string();
  ASSERT_EQ(std::system(("gzip -f " + packed).c_str()), 0);
  EXPECT_EQ(DebUniverse::Read(packed + ".gz")->size(), 1u);
}

// ---- dose-debcheck, where it is installed ----

bool HasDose() { return std::system("command -v dose-debcheck > /dev/null 2>&1") == 0; }

/// "name=version" of the packages that dose-debcheck finds broken.
std::set<std::string> AskDose(const std::filesystem::path& path) {
  const std::string command = fmt::format("dose-debcheck -f -e '{}' 2>/dev/null", path.string());
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::set<std::string> out;
  std::string name;
  for (char line[4096]; fgets(line, sizeof line, pipe.get()) != nullptr;) {
    std::string_view text(line);
    text.remove_suffix(text.ends_with('\n') ? 1 : 0);
    constexpr std::string_view kPackage = "  package: ", kVersion = "  version: ";
    if (text.starts_with(kPackage)) name = text.substr(kPackage.size());
    if (text.starts_with(kVersion)) {
      out.insert(fmt::format("{}={}", name, text.substr(kVersion.size())));
    }
  }
  return out;
}

std::string RandomIndex(std::mt19937& random) {
  auto name = [&] { return std::string(1, static_cast<char>('a' + random() % 8)) + "x"; };
  auto relation = [&] {
    // Without ":any", which dose takes as any package of an index of one architecture.
    static constexpr const char* kConstraints[] = {"", "", " (>= 2)", " (<< 3)", " (= 1)"};
    return name() + kConstraints[random() % 5];
  };
  std::string out;
  std::set<std::pair<std::string, int>> taken;
  for (int n = 4 + random() % 20; n > 0; --n) {
    const std::string package = name();
    const int version = 1 + random() % 3;
    if (!taken.emplace(package, version).second) continue;
    std::string fields;
    if (random() % 3 != 0) fields += "Depends: " + relation() + " | " + relation() + "\n";
    if (random() % 3 == 0) fields += "Pre-Depends: " + relation() + ", " + relation() + "\n";
    std::string plain = name();
    if (random() % 4 == 0) fields += "Conflicts: " + plain + "\n";
    plain = name();
    if (random() % 4 == 0) fields += "Breaks: " + plain + " (<< 3)\n";
    plain = name();
    if (random() % 3 == 0) {
      fields += "Provides: " + plain + (random() % 2 == 0 ? " (= 2)" : "") + "\n";
    }
    out += Stanza(package, std::to_string(version), fields);
  }
  return out;
}

TEST_F(DebUniverseTest, AgreesWithDoseOnRandomIndexes) {
  if (!HasDose()) GTEST_SKIP() << "dose-debcheck (Debian package dose-distcheck) is not installed";
  const uint32_t seed = 6301;
  std::mt19937 random(seed);
  size_t broken = 0;
  for (int round = 0; round < 50; ++round) {
    const std::string index = RandomIndex(random);
    const std::vector<std::string> found = Uninstallable(index);
    ASSERT_EQ(std::set<std::string>(found.begin(), found.end()), AskDose(dir_.path() / "Packages"))
        << "seed " << seed << ", round " << round << "\n"
        << index;
    broken += found.size();
  }
  EXPECT_GT(broken, 50u);
}

TEST_F(DebUniverseTest, AgreesWithDoseOnAWholeIndex) {
  const char* path = std::getenv("DML_DEBIAN_PACKAGES");
  if (path == nullptr) GTEST_SKIP() << "set DML_DEBIAN_PACKAGES to a plain Packages file";
  if (!HasDose()) GTEST_SKIP() << "dose-debcheck (Debian package dose-distcheck) is not installed";
  auto universe = DebUniverse::Read(path);
  ASSERT_TRUE(universe.ok()) << universe.status();
  SolveBudget budget;
  std::vector<CandidateId> undecided;
  std::set<std::string> found;
  for (CandidateId id : universe->FindUninstallable(budget, undecided)) {
    found.insert(universe->Reference(id));
  }
  EXPECT_THAT(undecided, IsEmpty());
  EXPECT_EQ(found, AskDose(path));
}

}  // namespace
}  // namespace dml
