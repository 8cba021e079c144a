// The targets; what each checks stands at its head.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dml::fuzz {

bool FuzzEnvelope(std::string_view input);
std::vector<std::string> EnvelopeSeeds();
bool FuzzLicenseExpression(std::string_view input);
std::vector<std::string> LicenseExpressionSeeds();
bool FuzzNote(std::string_view input);
std::vector<std::string> NoteSeeds();
bool FuzzPackageSpec(std::string_view input);
std::vector<std::string> PackageSpecSeeds();
bool FuzzPermitBundle(std::string_view input);
std::vector<std::string> PermitBundleSeeds();
bool FuzzTile(std::string_view input);
std::vector<std::string> TileSeeds();
bool FuzzToken(std::string_view input);
std::vector<std::string> TokenSeeds();
bool FuzzTrustRoot(std::string_view input);
std::vector<std::string> TrustRootSeeds();
bool FuzzVersionRange(std::string_view input);
std::vector<std::string> VersionRangeSeeds();

}  // namespace dml::fuzz
