#include "tests/fuzz/fuzz_target.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/fuzz/targets.h"
#include "tests/support/paths.h"

namespace dml::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr Target kTargets[] = {
    {"envelope", FuzzEnvelope, EnvelopeSeeds},
    {"license-expression", FuzzLicenseExpression, LicenseExpressionSeeds},
    {"note", FuzzNote, NoteSeeds},
    {"package-spec", FuzzPackageSpec, PackageSpecSeeds},
    {"permit-bundle", FuzzPermitBundle, PermitBundleSeeds},
    {"tile", FuzzTile, TileSeeds},
    {"token", FuzzToken, TokenSeeds},
    {"trust-root", FuzzTrustRoot, TrustRootSeeds},
    {"version-range", FuzzVersionRange, VersionRangeSeeds},
};

std::string Contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in.good()) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::abort();
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

fs::path SharedFolder() {
  const char* folder = std::getenv("DML_TEST_DATA");
  return folder != nullptr ? fs::path(folder) : testing::SourceDir().parent_path() / "shared/data";
}

void AddQuoted(const std::string& text, std::set<std::string>& out) {
  for (size_t at = text.find('"'); at != std::string::npos;) {
    const size_t end = text.find('"', at + 1);
    if (end == std::string::npos) return;
    out.insert(text.substr(at + 1, end - at - 1));
    at = text.find('"', end + 1);
  }
}

}  // namespace

std::span<const Target> Targets() { return kTargets; }

const Target* FindTarget(std::string_view name) {
  const auto* it = std::ranges::find(kTargets, name, &Target::name);
  return it == std::end(kTargets) ? nullptr : it;
}

std::string GoldenSeed(std::string_view name) {
  return Contents(testing::SourceDir() / "tests/golden" / name);
}

std::vector<std::string> SharedTexts(std::string_view place) {
  const fs::path from = SharedFolder() / place;
  std::set<std::string> out;
  if (fs::is_regular_file(from)) AddQuoted(Contents(from), out);
  if (fs::is_directory(from)) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(from)) {
      if (entry.is_regular_file()) AddQuoted(Contents(entry.path()), out);
    }
  }
  return {out.begin(), out.end()};
}

const PrivateKey& SigningKey() {
  static const PrivateKey* const key = new PrivateKey(
      *PrivateKey::FromPkcs8Pem("-----BEGIN PRIVATE KEY-----\n"
                                "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                                "-----END PRIVATE KEY-----\n"));
  return *key;
}

}  // namespace dml::fuzz
