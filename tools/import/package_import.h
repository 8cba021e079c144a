// What an importer makes of a package of another system, and what all of them do alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/package/package_spec.h"

namespace dml {

struct PackageImport {
  PackageSpec spec;  // ParsePackageSpec reads its document.
  /// What the spec does not say though the package does, and why; one line each.
  std::vector<std::string> unmapped;
  /// The name to publish the file under, whatever it is called on disk.
  std::string file_name;
};

/// At most `max_bytes`, cut between characters of UTF-8.
std::string_view CutText(std::string_view text, size_t max_bytes);

/// Whether it is a URL of http or https that fits a spec.
bool IsWebAddress(std::string_view url);

/// Title, description and homepage, cut to what a spec holds; a homepage that is no URL of http or
/// https is left out. What is cut or left out is noted.
void SetImportTexts(std::string_view title, std::string_view description, std::string_view homepage,
                    PackageImport& import);

/// Declares the license as an SPDX expression in canonical text where it is one by the list that is
/// bundled; else NOASSERTION, and the text among the unmapped licenses. `where` names it in notes.
void SetImportLicense(std::string_view where, std::string_view license, PackageImport& import);

/// A target that no version meets, for a requirement that a range cannot say: what is not
/// understood is not proven.
RelationTarget UnmetTarget(RelationKind kind, std::string name);

}  // namespace dml
