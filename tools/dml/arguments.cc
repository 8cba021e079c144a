#include "tools/dml/arguments.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "core/base/blank_text.h"
#include "core/base/text.h"
#include "core/os/file.h"
#include "core/trust/dsse.h"

namespace dml {
namespace {

constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");
constexpr size_t kMaxCandidates = 10;
constexpr size_t kMaxReasonBytes = 1024;  // Of the library: core/rules/rules.cc.

absl::Status WrongVariant(std::string_view text, const absl::Status& why) {
  return InvalidArgument(
      kArgumentInvalid,
      "\"{}\" names no variant ({}); write NAMESPACE/PACKAGE@VERSION[:PLATFORM], or "
      "packages/NAMESPACE/PACKAGE/versions/VERSION/variants/PLATFORM",
      Excerpt(text), Message(why));
}

std::string ShortForm(const VariantName& name) {
  return name.package.ToString() + "@" + name.version + ":" + name.platform.VariantId();
}

std::string ListCandidates(const std::vector<VariantName>& names) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < kMaxCandidates; ++i) {
    out += (i == 0 ? "" : ", ") + ShortForm(names[i]);
  }
  if (names.size() > kMaxCandidates) out += ", ...";
  return out;
}

// Fetches the variants whose version is `rest`, or `rest` without what follows its last ':'.
absl::StatusOr<std::vector<VariantName>> FindVariants(Client& client,
                                                      const VariantArgument& argument,
                                                      bool any_version) {
  ListOptions options;
  if (!any_version) {
    options.filter = fmt::format("version = \"{}\"", argument.rest);
    size_t colon = argument.rest.rfind(':');
    if (colon != std::string::npos) {
      options.filter += fmt::format(" OR version = \"{}\"", argument.rest.substr(0, colon));
    }
  }
  std::vector<VariantName> out;
  do {
    DML_ASSIGN_OR_RETURN(ListPage<VariantRecord> page,
                         client.ListVariants(argument.package, options));
    for (VariantRecord& record : page.items) out.push_back(std::move(record.name));
    options.page_token = page.next_page_token;
  } while (!any_version && !options.page_token.empty());
  return out;
}

}  // namespace

absl::StatusOr<VariantArgument> ParseVariantArgument(std::string_view text) {
  VariantArgument out;
  size_t at = text.find('@');
  if (at == std::string_view::npos && !text.starts_with("packages/")) {
    return WrongVariant(text, NotFound(kArgumentInvalid, "there is no '@' before a version"));
  }
  if (at == std::string_view::npos) {
    absl::StatusOr<VariantName> full = VariantName::Parse(text);
    if (!full.ok()) return WrongVariant(text, full.status());
    out.full = *std::move(full);
    return out;
  }
  absl::StatusOr<PackageName> package = PackageName::Parse(text.substr(0, at));
  if (!package.ok()) return WrongVariant(text, package.status());
  out.package = *std::move(package);
  out.rest = text.substr(at + 1);
  absl::Status version = ValidateVersionText(
      std::string_view(out.rest).substr(0, std::min(out.rest.find(':'), out.rest.size())));
  if (!version.ok()) return WrongVariant(text, version);
  constexpr std::string_view kAllowed = ".+~:_^!-";
  for (char c : out.rest) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain && kAllowed.find(c) == std::string_view::npos) {
      return WrongVariant(text, InvalidArgument(kArgumentInvalid,
                                                "a version has letters, digits and {}", kAllowed));
    }
  }
  return out;
}

absl::StatusOr<VariantName> ChooseVariant(const VariantArgument& argument,
                                          const std::vector<VariantName>& known) {
  std::vector<VariantName> exact;       // "V:PLATFORM".
  std::vector<VariantName> of_version;  // "V".
  for (const VariantName& name : known) {
    if (name.package != argument.package) continue;
    if (name.version + ":" + name.platform.VariantId() == argument.rest) exact.push_back(name);
    if (name.version == argument.rest) of_version.push_back(name);
  }
  exact.insert(exact.end(), of_version.begin(), of_version.end());
  if (exact.size() == 1) return exact[0];
  std::string what = argument.package.ToString() + "@" + argument.rest;
  if (exact.empty()) {
    return NotFound(ErrorReason("VARIANT_NOT_FOUND"), "there is no variant {}; there is {}", what,
                    known.empty() ? "none of this package" : ListCandidates(known));
  }
  return InvalidArgument(kArgumentInvalid, "{} names several variants; write one of {}", what,
                         ListCandidates(exact));
}

VariantName LiteralVariant(const VariantArgument& argument) {
  if (argument.full.has_value()) return *argument.full;
  const size_t colon = std::min(argument.rest.rfind(':'), argument.rest.size());
  const std::string tail = argument.rest.substr(std::min(colon + 1, argument.rest.size()));
  absl::StatusOr<Platform> platform = Platform::Parse(tail);
  const bool is_platform =
      colon > 0 && platform.ok() && !tail.empty() && tail[0] >= 'a' && tail[0] <= 'z';
  if (!is_platform) return {argument.package, argument.rest, {}};
  return {argument.package, argument.rest.substr(0, colon), *std::move(platform)};
}

absl::StatusOr<VariantName> ResolveVariant(Context& context, std::string_view text) {
  DML_ASSIGN_OR_RETURN(VariantArgument argument, ParseVariantArgument(text));
  if (argument.full.has_value()) return *std::move(argument.full);
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(std::vector<VariantName> found, FindVariants(*client, argument, false));
  absl::StatusOr<VariantName> chosen = ChooseVariant(argument, found);
  if (chosen.ok() || chosen.status().code() != absl::StatusCode::kNotFound) return chosen;
  DML_ASSIGN_OR_RETURN(found, FindVariants(*client, argument, true));
  return ChooseVariant(argument, found);
}

absl::StatusOr<std::vector<VariantName>> ResolveVariants(Context& context,
                                                         const std::vector<std::string>& texts) {
  for (const std::string& text : texts) DML_RETURN_IF_ERROR(ParseVariantArgument(text).status());
  std::vector<VariantName> out;
  for (const std::string& text : texts) {
    DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, text));
    out.push_back(std::move(name));
  }
  return out;
}

absl::StatusOr<std::chrono::seconds> ParseDurationArgument(std::string_view text) {
  constexpr std::string_view kUnits = "smhd";
  constexpr std::chrono::seconds kSeconds[] = {std::chrono::seconds(1), std::chrono::minutes(1),
                                               std::chrono::hours(1), std::chrono::days(1)};
  constexpr uint32_t kMaxCount = 10'000'000;
  const size_t unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
  uint32_t count = 0;
  if (unit != std::string_view::npos) {
    const char* end = text.data() + text.size() - 1;
    auto [stop, error] = std::from_chars(text.data(), end, count);
    if (error == std::errc() && stop == end && stop != text.data() && count <= kMaxCount) {
      return kSeconds[unit] * count;
    }
  }
  return InvalidArgument(kArgumentInvalid,
                         "\"{}\" is no length of time; write a number of days, hours, minutes or "
                         "seconds, such as 90d, 36h, 15m or 90s",
                         Excerpt(text));
}

absl::StatusOr<std::chrono::seconds> ParseValidityArgument(std::string_view text) {
  DML_ASSIGN_OR_RETURN(const std::chrono::seconds out, ParseDurationArgument(text));
  if (out.count() > 0) return out;
  return InvalidArgument(
      kArgumentInvalid,
      "what is valid for \"{}\" has expired at once; write a length of time such "
      "as 365d",
      Excerpt(text));
}

absl::StatusOr<Labels> ParseLabels(const std::vector<std::string>& texts) {
  Labels out;
  for (const std::string& text : texts) {
    size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return InvalidArgument(kArgumentInvalid, "label \"{}\" has no '='; write KEY=VALUE",
                             Excerpt(text));
    }
    std::string key = text.substr(0, equals);
    std::string value = text.substr(equals + 1);
    absl::Status valid = ValidateLabel(key, value);
    if (!valid.ok()) return InvalidArgument(kArgumentInvalid, "{}", Message(valid));
    if (!out.emplace(key, value).second) {
      return InvalidArgument(kArgumentInvalid, "label {} is given twice; give it once", key);
    }
  }
  return out;
}

absl::StatusOr<LocalFile> ParseFileArgument(std::string_view text) {
  LocalFile out;
  size_t equals = text.rfind('=');
  out.path = std::string(text.substr(0, equals));
  out.name = equals == std::string_view::npos ? out.path.filename().string()
                                              : std::string(text.substr(equals + 1));
  absl::Status valid = ValidateFilePath(out.name);
  if (out.path.empty()) {
    return InvalidArgument(kArgumentInvalid,
                           "\"{}\" is no file to publish; write PATH or PATH=NAME", Excerpt(text));
  }
  if (!valid.ok()) {
    return InvalidArgument(kArgumentInvalid, "\"{}\": {}; write PATH=NAME with another name",
                           Excerpt(text), Message(valid));
  }
  return out;
}

absl::StatusOr<RelationKind> ParseRelationKind(std::string_view text) {
  for (RelationKind kind : {RelationKind::kPackage, RelationKind::kAbi, RelationKind::kService,
                            RelationKind::kSchema, RelationKind::kCapability}) {
    if (AsciiLower(RelationKindName(kind)) == text) return kind;
  }
  return InvalidArgument(kArgumentInvalid,
                         "\"{}\" is no kind; write package, abi, service, schema or capability",
                         Excerpt(text));
}

absl::StatusOr<PackageName> ParsePackageArgument(std::string_view text) {
  absl::StatusOr<PackageName> name = PackageName::Parse(text);
  if (!name.ok()) return InvalidArgument(kArgumentInvalid, "{}", Message(name.status()));
  return name;
}

absl::Status CheckReasonArgument(std::string_view text) {
  if (IsOnlySpace(text)) {
    return InvalidArgument(kArgumentInvalid, "the reason is empty; say why, for who asks later");
  }
  if (text.size() > kMaxReasonBytes) {
    return InvalidArgument(kArgumentInvalid, "the reason has {} bytes; at most {} are allowed",
                           text.size(), kMaxReasonBytes);
  }
  const std::string fault = Utf8Fault(text);
  if (fault.empty()) return absl::OkStatus();
  return InvalidArgument(kArgumentInvalid, "the reason is {}", fault);
}

absl::Status CheckVersionArgument(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return InvalidArgument(kArgumentInvalid,
                           "\"{}\" does not say by which scheme it is a version; write "
                           "SCHEME:VERSION, such as deb:3.0.11-1 or semver:1.2.3",
                           Excerpt(text));
  }
  DML_ASSIGN_OR_RETURN(VersionScheme scheme, ParseVersionScheme(text.substr(0, colon)));
  return Version::Parse(scheme, text.substr(colon + 1)).status();
}

absl::StatusOr<std::vector<std::string>> ReadEnvelopes(const std::vector<std::string>& files) {
  std::vector<std::string> out;
  for (const std::string& file : files) {
    DML_ASSIGN_OR_RETURN(std::string envelope, ReadFile(file, kMaxEnvelopeBytes));
    DML_RETURN_IF_ERROR(Annotate(ParseEnvelope(envelope).status(), file));
    out.push_back(std::move(envelope));
  }
  return out;
}

}  // namespace dml
