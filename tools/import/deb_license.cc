#include "tools/import/deb_license.h"

#include <utility>

#include "core/base/text.h"
#include "core/license/debian.h"
#include "core/license/license_list.h"

namespace dml {
namespace {

constexpr size_t kShownLinkBytes = 256;
constexpr size_t kShownNameBytes = 128;

// The license of a file's text, or why there is none.
absl::StatusOr<DebianLicense> LicenseOf(std::string_view text) {
  const ErrorReason reason("DEBIAN_COPYRIGHT_INVALID");
  DML_ASSIGN_OR_RETURN(const DebianCopyright copyright, ParseDebianCopyright(text));
  if (!copyright.machine_readable) {
    return InvalidArgument(reason, "is not in the machine-readable format");
  }
  if (copyright.short_names.empty()) return InvalidArgument(reason, "names no license");
  std::vector<DebianLicense> licenses;
  for (const std::string& name : copyright.short_names) {
    licenses.push_back(DebianLicenseToSpdx(name, BundledLicenseList()));
  }
  DML_ASSIGN_OR_RETURN(DebianLicense joined, JoinDebianLicenses(licenses, BundledLicenseList()));
  if (joined.unmapped.size() > kMaxUnmappedLicenses) {
    return InvalidArgument(reason, "names {} licenses that no table knows, more than a spec holds",
                           joined.unmapped.size());
  }
  return joined;
}

std::string WhyUnknown(const DebCopyrightFile& copyright) {
  switch (copyright.kind) {
    case DebCopyrightFile::Kind::kAbsent:
      return "is not there";
    case DebCopyrightFile::Kind::kLink:
      return fmt::format("is a link to '{}'; the license stands there",
                         Excerpt(copyright.text, kShownLinkBytes));
    case DebCopyrightFile::Kind::kTooLarge:
      return fmt::format("has more than {} bytes", kMaxDebianCopyrightBytes);
    case DebCopyrightFile::Kind::kFile:
      break;
  }
  return "";
}

}  // namespace

void SetDebLicense(const DebCopyrightFile& copyright, std::string_view package,
                   PackageImport& import) {
  const std::string file = fmt::format("license: usr/share/doc/{}/copyright", package);
  import.spec.declared_license = "NOASSERTION";
  if (copyright.kind != DebCopyrightFile::Kind::kFile) {
    import.unmapped.push_back(fmt::format("{} {}", file, WhyUnknown(copyright)));
    return;
  }
  absl::StatusOr<DebianLicense> license = LicenseOf(copyright.text);
  if (!license.ok()) {
    import.unmapped.push_back(
        fmt::format("{}: {}", file, Excerpt(Message(license.status()), kShownLinkBytes)));
    return;
  }
  import.spec.declared_license = std::move(license->expression);
  for (const std::string& name : license->unmapped) {
    import.spec.unmapped_licenses.push_back(Excerpt(name, kShownNameBytes));
    import.unmapped.push_back(
        fmt::format("{}: no table knows the license '{}'", file, Excerpt(name, kShownNameBytes)));
  }
}

}  // namespace dml
