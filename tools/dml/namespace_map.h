// --map and --namespace: where packages of others are in the library.
#pragma once

#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "tools/import/purl_names.h"

namespace dml {

struct NamespaceMapArgs {
  std::vector<std::string> maps;
  std::string ns;
};

void DeclareNamespaceMap(CLI::App& app, NamespaceMapArgs& args);
/// INVALID_ARGUMENT (ARGUMENT_INVALID, NAME_INVALID).
absl::StatusOr<NamespaceMap> ReadNamespaceMap(const NamespaceMapArgs& args);

}  // namespace dml
