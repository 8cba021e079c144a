// Install jobs against libsolv's tools, where they are installed (Debian package libsolv-tools).
#include <fstream>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tools/bench/libsolv_testcase.h"
#include "tools/import/deb_universe.h"

namespace dml {
namespace {

class DebLibsolvTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HasProgram("testsolv")) {
      GTEST_SKIP() << "testsolv (Debian package libsolv-tools) is not installed";
    }
  }

  // Both give the same answers to all jobs; how many have a set.
  size_t ExpectSameAnswers(const std::filesystem::path& index, DebUniverse& universe,
                           const std::vector<LibsolvJob>& jobs, const std::string& where) {
    const std::filesystem::path repo = dir_.path() / "available.repo";
    EXPECT_TRUE(WriteLibsolvRepo(index, repo).ok());
    const auto theirs = RunTestsolv(repo, jobs);
    EXPECT_TRUE(theirs.ok()) << theirs.status();
    size_t solvable = 0;
    for (size_t i = 0; theirs.ok() && i < jobs.size(); ++i) {
      SolveBudget budget;
      const auto ours = universe.SolveJobs(jobs[i], budget);
      EXPECT_TRUE(ours.ok()) << ours.status();
      if (!ours.ok()) return solvable;
      EXPECT_NE(ours->solvable, Solvable::kUndecided) << where << ", job " << i;
      EXPECT_EQ(ours->solvable == Solvable::kYes, (*theirs)[i])
          << where << ", job " << i << " beginning with " << jobs[i][0];
      solvable += (*theirs)[i] ? 1 : 0;
    }
    return solvable;
  }

  testing::TempDir dir_;
};

// An index of a few names in which much conflicts.
std::string RandomIndex(std::mt19937& random) {
  const auto name = [&] { return std::string(1, static_cast<char>('a' + random() % 8)) + "x"; };
  const auto relation = [&] {
    static constexpr const char* kConstraints[] = {"", "", " (>= 2)", " (<< 3)", " (= 1-1)"};
    return name() + kConstraints[random() % 5];
  };
  std::string out;
  std::set<std::pair<std::string, int>> taken;
  for (int n = 4 + static_cast<int>(random() % 20); n > 0; --n) {
    const std::string package = name();
    const int version = 1 + static_cast<int>(random() % 3);
    if (!taken.emplace(package, version).second) continue;
    out += fmt::format("Package: {}\nVersion: {}-1\nArchitecture: amd64\n", package, version);
    std::string first = relation(), second = relation();
    if (random() % 3 != 0) out += fmt::format("Depends: {} | {}\n", first, second);
    first = relation();
    if (random() % 3 == 0) out += fmt::format("Pre-Depends: {}\n", first);
    first = name();
    if (random() % 4 == 0) out += fmt::format("Conflicts: {}\n", first);
    first = name();
    if (random() % 4 == 0) out += fmt::format("Breaks: {} (<< 3)\n", first);
    first = name();
    if (random() % 3 == 0) {
      out += fmt::format("Provides: {}{}\n", first, random() % 2 == 0 ? " (= 2)" : "");
    }
    out += "\n";
  }
  return out;
}

TEST_F(DebLibsolvTest, AgreesOnRandomIndexes) {
  const uint32_t seed = 4711;
  std::mt19937 random(seed);
  size_t solvable = 0, jobs_in_all = 0;
  for (int round = 0; round < 40; ++round) {
    const std::filesystem::path index = dir_.path() / "Packages";
    std::ofstream(index, std::ios::binary) << RandomIndex(random);
    auto universe = DebUniverse::Read(index, "amd64");
    ASSERT_TRUE(universe.ok()) << universe.status();
    std::vector<LibsolvJob> jobs;
    for (int i = 0; i < 25; ++i) {
      LibsolvJob& job = jobs.emplace_back();
      for (size_t n = 1 + random() % 3; n > 0; --n) {
        job.push_back(std::string(1, static_cast<char>('a' + random() % 8)) + "x");
      }
    }
    jobs_in_all += jobs.size();
    solvable +=
        ExpectSameAnswers(index, *universe, jobs, fmt::format("seed {}, round {}", seed, round));
  }
  EXPECT_GT(solvable, 100u) << "else nothing was tried";
  EXPECT_LT(solvable, jobs_in_all - 100);
}

TEST_F(DebLibsolvTest, AgreesOnAThousandJobsOnAWholeIndex) {
  const char* path = std::getenv("DML_DEBIAN_PACKAGES");
  if (path == nullptr) GTEST_SKIP() << "set DML_DEBIAN_PACKAGES to a plain Packages file";
  auto universe = DebUniverse::Read(path);
  ASSERT_TRUE(universe.ok()) << universe.status();
  const uint32_t seed = 20260301;
  std::mt19937 random(seed);
  std::vector<LibsolvJob> jobs;
  for (int i = 0; i < 1000; ++i) {
    LibsolvJob& job = jobs.emplace_back();
    for (size_t n = 1 + random() % 40; n > 0; --n) {
      job.push_back(universe->name(static_cast<CandidateId>(random() % universe->size())));
    }
  }
  const size_t solvable = ExpectSameAnswers(path, *universe, jobs, fmt::format("seed {}", seed));
  EXPECT_GT(solvable, 50u);
  EXPECT_LT(solvable, 950u);
}

}  // namespace
}  // namespace dml
