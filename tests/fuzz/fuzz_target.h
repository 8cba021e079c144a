// Parsers of what strangers send, each with what must hold of it whatever the bytes are.
//
// The same targets run in two programs: dml-fuzz lets libFuzzer look for inputs (tools/dev fuzz),
// and fuzz_tests runs the seeds and a fixed number of mutations of them in every test run.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/keys.h"

namespace dml::fuzz {

struct Target {
  std::string_view name;
  /// Reads the input, and calls Fail where something does not hold. Whether any parser took it.
  bool (*run)(std::string_view input);
  /// Inputs to begin with: golden files, shared vectors where they are, and hand-made ones. The
  /// same each time.
  std::vector<std::string> (*seeds)();
};

/// All, by name.
std::span<const Target> Targets();
/// nullptr where there is none of that name.
const Target* FindTarget(std::string_view name);

/// Says that a property does not hold of the input at hand. Each of the two programs has its own:
/// one ends at once, so that libFuzzer keeps the input; the other fails the test.
void Fail(std::string_view property, const char* file, int line);

/// A file of tests/golden; ends the program where it cannot be read.
std::string GoldenSeed(std::string_view name);
/// Every text that stands between double quotes in the shared vectors below a folder or file, each
/// once; none where the vectors are not there.
std::vector<std::string> SharedTexts(std::string_view place);

/// The Ed25519 key of RFC 8032 section 7.1, test 1, which signed the golden files.
const PrivateKey& SigningKey();

}  // namespace dml::fuzz

/// A property of the input, in a function that gives false where it does not hold. What comes after
/// it may rely on it.
#define DML_HOLDS(condition)                             \
  do {                                                   \
    if (!(condition)) {                                  \
      ::dml::fuzz::Fail(#condition, __FILE__, __LINE__); \
      return false;                                      \
    }                                                    \
  } while (false)
