// The fuzz targets in every test run: all seeds, and some thousand mutations of them that are the
// same each time. DML_TEST_ROUNDS adds to how many.
#include <algorithm>
#include <cstdlib>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/base/bytes.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/mutator.h"

namespace dml::fuzz {

void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }

namespace {

constexpr uint64_t kSeed = 20260601;
constexpr int kMutations = 2000;
constexpr int kMutationsOfARound = 100;
constexpr size_t kShown = 4096;  // Bytes of an input that fails.

std::string_view current_input;

int Mutations() {
  const char* rounds = std::getenv("DML_TEST_ROUNDS");
  return kMutations + kMutationsOfARound * (rounds == nullptr ? 0 : std::max(0, std::atoi(rounds)));
}

class FuzzTest : public ::testing::TestWithParam<Target> {
 protected:
  static bool Run(std::string_view input) {
    current_input = input;
    return GetParam().run(input);
  }
};

TEST_P(FuzzTest, HoldsForTheSeeds) {
  const std::vector<std::string> seeds = GetParam().seeds();
  ASSERT_FALSE(seeds.empty());
  int taken = 0;
  for (const std::string& seed : seeds) taken += Run(seed) ? 1 : 0;
  EXPECT_GE(2 * static_cast<size_t>(taken), seeds.size()) << "seeds that lead nowhere";
  EXPECT_FALSE(Run(""));
}

TEST_P(FuzzTest, HoldsForMutations) {
  const std::vector<std::string> seeds = GetParam().seeds();
  fmt::print("seed {}\n", kSeed);
  Mutator mutator(kSeed, seeds);
  int taken = 0;
  for (int i = 0; i < Mutations() && !HasFailure(); ++i) {
    SCOPED_TRACE(::testing::Message() << "mutation " << i << " of seed " << kSeed);
    const std::string input = mutator.Next();
    taken += Run(input) ? 1 : 0;
  }
  if (HasFailure()) return;
  // Else properties are asked of too few.
  EXPECT_GT(taken, Mutations() / 400);
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzTest, ::testing::ValuesIn(Targets().begin(), Targets().end()),
                         [](const auto& info) {
                           std::string name(info.param.name);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(FuzzMutatorTest, GivesTheSameEachTimeAndManyDifferentOnes) {
  const std::vector<std::string> seeds = {"one seed", "another"};
  Mutator a(1, seeds);
  Mutator b(1, seeds);
  Mutator c(2, seeds);
  std::set<std::string> distinct;
  int differ = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string input = a.Next();
    EXPECT_EQ(input, b.Next());
    differ += input != c.Next() ? 1 : 0;
    distinct.insert(input);
  }
  EXPECT_GT(distinct.size(), 800u);
  EXPECT_GT(differ, 900);
}

}  // namespace

void Fail(std::string_view property, const char* file, int line) {
  ADD_FAILURE_AT(file, line) << "does not hold: " << property << "\nof " << current_input.size()
                             << " bytes in hex: "
                             << HexEncode(AsBytes(current_input.substr(0, kShown)));
}

}  // namespace dml::fuzz
