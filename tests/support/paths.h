// Where the checkout and the build are. Apart, so that no other object depends on these places and
// compiler caches serve every checkout.
#pragma once

#include <filesystem>

namespace dml::testing {

std::filesystem::path SourceDir();
std::filesystem::path BinaryDir();

}  // namespace dml::testing
