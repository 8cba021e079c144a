// Where packages of others are in the library.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/package/names.h"
#include "core/version/purl.h"

namespace dml {

/// Ecosystem ("Debian:12"), type of purl ("deb") or both with its namespace ("deb/debian") ->
/// namespace of the library; and where all others are, "": nowhere.
struct NamespaceMap {
  std::map<std::string, std::string> namespaces;
  std::string fallback;
};

/// The package that a purl means, by the first of `keys`, "TYPE/NAMESPACE" and "TYPE" that is
/// mapped. NOT_FOUND (NAMESPACE_NOT_MAPPED), or NAME_INVALID where it cannot be called so here.
absl::StatusOr<PackageName> PackageOfPurl(const Purl& purl, const NamespaceMap& map,
                                          std::vector<std::string> keys = {});

}  // namespace dml
