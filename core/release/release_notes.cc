#include "core/release/release_notes.h"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr std::pair<ChangeKind, const char*> kSections[] = {
    {ChangeKind::kSecurity, "Security"},
    {ChangeKind::kFeature, "New"},
    {ChangeKind::kFix, "Fixed"},
    {ChangeKind::kConfiguration, "Configuration"},
    {ChangeKind::kMaintenance, "Maintenance"},
    {ChangeKind::kUnknown, "Other changes"}};

// Every ASCII punctuation character may be escaped by a backslash (CommonMark 0.31, 2.4).
std::string Plain(std::string_view text) {
  constexpr std::string_view kMarkup = "\\`*_{}[]()<>#+-!|~&:@\"'.=";
  std::string out;
  for (const char c : text) {
    if (kMarkup.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// Only what needs no escape within <...> (an autolink, CommonMark 6.5).
bool IsLink(std::string_view link) {
  return (link.starts_with("https://") || link.starts_with("http://")) &&
         std::ranges::none_of(link, [](char c) {
           return c == '<' || c == '>' || c == '\\' || static_cast<unsigned char>(c) <= ' ';
         });
}

std::string ChangeLine(const ReleaseChange& change) {
  std::string out = fmt::format("- {} ({})", Plain(change.title), Plain(change.id));
  if (!change.problems.empty()) {
    out += fmt::format("; closes {}", Plain(fmt::format("{}", fmt::join(change.problems, ", "))));
  }
  if (!change.link.empty()) {
    out += IsLink(change.link) ? fmt::format(" <{}>", change.link) : ": " + Plain(change.link);
  }
  if (change.authorized_by.empty()) out += " **not authorized**";
  return out + "\n";
}

std::string ItemLine(const ReleaseItem& item) {
  const VariantName& name = item.variant;
  const std::string package = Plain(name.package.ToString());
  const std::string platform = Plain(name.platform.VariantId());
  std::string out;
  switch (item.action) {
    case ReleaseAction::kInstall:
      out = fmt::format("- Install {} {} ({})", package, Plain(name.version), platform);
      break;
    case ReleaseAction::kUpgrade:
      out = fmt::format("- Upgrade {} from {} to {} ({})", package, Plain(item.previous->version),
                        Plain(name.version), platform);
      break;
    case ReleaseAction::kRemove:
      out = fmt::format("- Remove {} {} ({})", package, Plain(name.version), platform);
      break;
    case ReleaseAction::kConfigure:
      out = fmt::format("- Configure {} {} ({})", package, Plain(name.version), platform);
      break;
  }
  if (!item.nodes.empty()) {
    std::vector<std::string> labels;
    for (const auto& [key, value] : item.nodes) labels.push_back(Plain(key + "=" + value));
    out += fmt::format(" on nodes with {}", fmt::join(labels, ", "));
  }
  return out + "\n";
}

}  // namespace

std::string ReleaseNotes(const Release& release) {
  std::string out = fmt::format("# {} {}\n\n", Plain(release.name), Plain(release.version));
  out += fmt::format("{} release for {}", ReleaseTypeName(release.type),
                     Plain(fmt::format("{}", fmt::join(release.environments, ", "))));
  if (release.window.has_value()) {
    out += fmt::format(", planned from {} to {}", FormatTime(release.window->from),
                       FormatTime(release.window->until));
  }
  out += "\n";
  for (const auto& [kind, title] : kSections) {
    std::string lines;
    for (const ReleaseChange& change : release.changes) {
      if (change.kind == kind) lines += ChangeLine(change);
    }
    if (!lines.empty()) out += fmt::format("\n## {}\n{}", title, lines);
  }
  out += "\n## Packages\n";
  for (const ReleaseItem& item : release.items) out += ItemLine(item);
  out += "\n## Way back\n";
  out += release.back_out.has_value()
             ? fmt::format("To the release {}\n", release.back_out->ToString())
             : "To what was in use before\n";
  return out;
}

}  // namespace dml
