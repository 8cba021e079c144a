#include "tests/support/paths.h"

namespace dml::testing {

std::filesystem::path SourceDir() { return DML_SOURCE_DIR; }
std::filesystem::path BinaryDir() { return DML_BINARY_DIR; }

}  // namespace dml::testing
