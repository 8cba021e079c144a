// dml-fuzz: libFuzzer on the target that the environment names, as processes that it starts itself
// inherit that. DML_FUZZ_TARGET: a name of Targets(). DML_FUZZ_SEEDS: a folder that gets the
// target's seeds, to be given as a corpus, too.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/crypto/sha256.h"
#include "tests/fuzz/fuzz_target.h"

namespace dml::fuzz {
namespace {

const Target* target = nullptr;

[[noreturn]] void Usage() {
  std::fprintf(stderr, "set DML_FUZZ_TARGET to one of:\n");
  for (const Target& one : Targets()) {
    std::fprintf(stderr, "  %.*s\n", static_cast<int>(one.name.size()), one.name.data());
  }
  std::exit(2);
}

void WriteSeeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (const std::string& seed : target->seeds()) {
    std::ofstream(folder / Sha256(seed).hex().substr(0, 16), std::ios::binary) << seed;
  }
}

}  // namespace

void Fail(std::string_view property, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: does not hold: %.*s\n", file, line,
               static_cast<int>(property.size()), property.data());
  std::abort();
}

}  // namespace dml::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* name = std::getenv("DML_FUZZ_TARGET");
  if (name != nullptr) dml::fuzz::target = dml::fuzz::FindTarget(name);
  if (dml::fuzz::target == nullptr) dml::fuzz::Usage();
  if (const char* folder = std::getenv("DML_FUZZ_SEEDS")) dml::fuzz::WriteSeeds(folder);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dml::fuzz::target->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
