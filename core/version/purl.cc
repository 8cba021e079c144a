#include "core/version/purl.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/base/text.h"
#include "core/version/scan.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

constexpr ErrorReason kInvalid("PURL_INVALID");

template <typename... Args>
absl::Status Invalid(std::string_view text, fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(kInvalid, "package URL \"{}\": {}", Excerpt(text),
                         fmt::format(format, std::forward<Args>(args)...));
}

std::optional<int> HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = Lower(c);
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return std::nullopt;
}

/// Decodes %XX; the result must be UTF-8 without control characters.
absl::StatusOr<std::string> Decode(std::string_view whole, std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? HexValue(text[i + 1]) : std::nullopt;
    const auto low = i + 2 < text.size() ? HexValue(text[i + 2]) : std::nullopt;
    if (!high || !low) return Invalid(whole, "'%' is not followed by two hex digits");
    out += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  if (!Utf8Fault(out).empty() || HasControlCharacters(out)) {
    return Invalid(whole, "a part is not UTF-8, or holds a control character");
  }
  return out;
}

void Encode(std::string_view text, std::string_view kept, std::string& out) {
  for (char c : text) {
    if (IsAlnum(c) || std::string_view("-._~:").find(c) != std::string_view::npos ||
        kept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

/// Decodes segments between slashes; empty ones are left out. In a subpath "." and ".." are, too.
absl::StatusOr<std::string> DecodeSegments(std::string_view whole, std::string_view text,
                                           bool subpath) {
  std::string out;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('/', at), text.size());
    DML_ASSIGN_OR_RETURN(std::string segment, Decode(whole, text.substr(at, end - at)));
    at = end + 1;
    if (segment.find('/') != std::string::npos) {
      return Invalid(whole, "a segment holds an encoded '/'");
    }
    if (segment.empty() || (subpath && (segment == "." || segment == ".."))) continue;
    if (!out.empty()) out += '/';
    out += segment;
  }
  return out;
}

bool IsIn(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// The rules of types: https://github.com/package-url/purl-spec, "types".
void Normalize(Purl& purl) {
  const std::string_view type = purl.type;
  if (IsIn(type, {"alpm", "apk", "bitbucket", "composer", "deb", "github", "gitlab", "golang",
                  "hex", "rpm"})) {
    purl.ns = ToLower(purl.ns);
  }
  if (IsIn(type, {"alpm", "apk", "bitbucket", "composer", "deb", "github", "gitlab", "golang",
                  "hex", "npm", "pypi"})) {
    purl.name = ToLower(purl.name);
  }
  if (type == "pypi") std::ranges::replace(purl.name, '_', '-');
}

absl::Status ReadQualifiers(std::string_view whole, std::string_view text, Purl& out) {
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('&', at), text.size());
    const std::string_view pair = text.substr(at, end - at);
    at = end + 1;
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return Invalid(whole, "a qualifier without '='");
    const std::string key = ToLower(pair.substr(0, equals));
    const bool good = !key.empty() && !IsDigit(key[0]) && std::ranges::all_of(key, [](char c) {
      return IsAlnum(c) || c == '.' || c == '-' || c == '_';
    });
    if (!good) return Invalid(whole, "\"{}\" is no name of a qualifier", Excerpt(key));
    DML_ASSIGN_OR_RETURN(std::string value, Decode(whole, pair.substr(equals + 1)));
    if (out.qualifiers.contains(key)) return Invalid(whole, "the qualifier {} is there twice", key);
    if (!value.empty()) out.qualifiers[key] = std::move(value);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Purl> Purl::Parse(std::string_view text) {
  constexpr std::string_view kScheme = "pkg:";
  if (text.size() > kMaxPurlBytes) {
    return Invalid(text, "{} bytes are more than {}", text.size(), kMaxPurlBytes);
  }
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; })) {
    return Invalid(text, "blanks and characters beyond ASCII are written percent-encoded");
  }
  if (ToLower(text.substr(0, kScheme.size())) != kScheme) {
    return Invalid(text, "it must begin with pkg:, as in pkg:deb/debian/curl@7.88.1");
  }
  Purl out;
  std::string_view rest = text.substr(kScheme.size());
  rest.remove_prefix(FindEnd(rest, 0, [](char c) { return c == '/'; }));
  if (const size_t hash = rest.rfind('#'); hash != std::string_view::npos) {
    DML_ASSIGN_OR_RETURN(out.subpath, DecodeSegments(text, rest.substr(hash + 1), true));
    rest = rest.substr(0, hash);
  }
  if (const size_t question = rest.rfind('?'); question != std::string_view::npos) {
    DML_RETURN_IF_ERROR(ReadQualifiers(text, rest.substr(question + 1), out));
    rest = rest.substr(0, question);
  }
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return Invalid(text, "a type and a name are needed");
  out.type = ToLower(rest.substr(0, slash));
  const bool good_type =
      !out.type.empty() && !IsDigit(out.type[0]) &&
      std::ranges::all_of(out.type, [](char c) { return IsAlnum(c) || c == '.' || c == '-'; });
  if (!good_type) return Invalid(text, "\"{}\" is no type", Excerpt(out.type));
  rest.remove_prefix(slash + 1);
  // An '@' before the last '/' is part of a namespace that was not encoded.
  if (const size_t at = rest.rfind('@');
      at != std::string_view::npos && at > 0 && rest.find('/', at) == std::string_view::npos) {
    DML_ASSIGN_OR_RETURN(out.version, Decode(text, rest.substr(at + 1)));
    rest = rest.substr(0, at);
  }
  DML_ASSIGN_OR_RETURN(std::string path, DecodeSegments(text, rest, false));
  const size_t last = path.rfind('/');
  out.name = path.substr(last == std::string::npos ? 0 : last + 1);
  if (last != std::string::npos) out.ns = path.substr(0, last);
  if (out.name.empty()) return Invalid(text, "the name is missing");
  Normalize(out);
  return out;
}

std::string Purl::ToString() const {
  std::string out = fmt::format("pkg:{}/", type);
  if (!ns.empty()) {
    Encode(ns, "/", out);
    out += '/';
  }
  Encode(name, "", out);
  if (!version.empty()) {
    out += '@';
    Encode(version, "", out);
  }
  char separator = '?';
  for (const auto& [key, value] : qualifiers) {
    out += fmt::format("{}{}=", separator, key);
    Encode(value, "", out);
    separator = '&';
  }
  if (!subpath.empty()) {
    out += '#';
    Encode(subpath, "/", out);
  }
  return out;
}

std::optional<VersionScheme> Purl::version_scheme() const {
  struct Row {
    std::string_view type;
    VersionScheme scheme;
  };
  static constexpr std::array kRows = {
      Row{"deb", VersionScheme::kDeb},     Row{"rpm", VersionScheme::kRpm},
      Row{"pypi", VersionScheme::kPep440}, Row{"maven", VersionScheme::kMaven},
      Row{"npm", VersionScheme::kNpm},     Row{"cargo", VersionScheme::kCargo},
      Row{"golang", VersionScheme::kNpm},  Row{"generic", VersionScheme::kGeneric}};
  const auto row = std::ranges::find(kRows, type, &Row::type);
  return row == kRows.end() ? std::nullopt : std::optional(row->scheme);
}

}  // namespace dml
