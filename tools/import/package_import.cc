#include "tools/import/package_import.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/license/expression.h"
#include "core/license/license_list.h"

namespace dml {
namespace {

constexpr size_t kShownBytes = 128;

// On one line: a title has no others.
std::string OneLine(std::string_view text) {
  std::string out;
  for (char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank) out += c;
    if (blank && !out.empty() && out.back() != ' ') out += ' ';
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

std::string_view CutText(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  while (max_bytes > 0 && (static_cast<unsigned char>(text[max_bytes]) & 0xC0) == 0x80) --max_bytes;
  return text.substr(0, max_bytes);
}

bool IsWebAddress(std::string_view url) {
  const bool web = url.starts_with("https://") || url.starts_with("http://");
  return web && url.size() <= kMaxSpecUrlBytes &&
         std::ranges::all_of(url, [](char c) { return c > ' ' && c <= '~'; });
}

void SetImportTexts(std::string_view title, std::string_view description, std::string_view homepage,
                    PackageImport& import) {
  const std::string line = OneLine(title);
  import.spec.title = CutText(line, kMaxSpecTitleBytes);
  if (import.spec.title.size() < line.size()) {
    import.unmapped.push_back(fmt::format("title: cut to {} bytes", kMaxSpecTitleBytes));
  }
  std::string text(description);
  std::erase(text, '\r');
  while (text.ends_with('\n')) text.pop_back();
  if (HasControlCharacters(text, /*allow_lines=*/true)) {
    import.unmapped.push_back("description: left out, as it has control characters");
    text.clear();
  }
  import.spec.description = CutText(text, kMaxSpecTextBytes);
  if (import.spec.description.size() < text.size()) {
    import.unmapped.push_back(fmt::format("description: cut to {} bytes", kMaxSpecTextBytes));
  }
  if (IsWebAddress(homepage)) {
    import.spec.homepage = homepage;
  } else if (!homepage.empty()) {
    import.unmapped.push_back(
        fmt::format("homepage: {}: not a URL of http or https", Excerpt(homepage, kShownBytes)));
  }
}

void SetImportLicense(std::string_view where, std::string_view license, PackageImport& import) {
  import.spec.declared_license = "NOASSERTION";
  if (license.empty()) {
    import.unmapped.push_back(fmt::format("{}: the package states no license", where));
    return;
  }
  auto parsed = LicenseExpression::Parse(license, BundledLicenseList());
  if (parsed.ok()) {
    import.spec.declared_license = parsed->ToString();
    return;
  }
  import.spec.unmapped_licenses.push_back(Excerpt(OneLine(license), kShownBytes));
  import.unmapped.push_back(
      fmt::format("{}: '{}' is no SPDX expression ({}); state it with "
                  "--license",
                  where, Excerpt(license, kShownBytes), Message(parsed.status())));
}

RelationTarget UnmetTarget(RelationKind kind, std::string name) {
  return {kind, std::move(name), VersionRange()};
}

}  // namespace dml
