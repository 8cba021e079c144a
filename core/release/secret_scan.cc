#include "core/release/secret_scan.h"

#include <algorithm>
#include <optional>

#include <absl/strings/ascii.h>

namespace dml {
namespace {

constexpr size_t kMinValue = 8;
constexpr size_t kLookedAt = 256;  // Of a value: so the whole stays linear.
constexpr size_t kToldFindings = 3;

bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }
bool IsTokenChar(char c) { return IsAlnum(c) || c == '_' || c == '-'; }

std::string_view Run(std::string_view text, bool (*is_part)(char)) {
  return text.substr(0,
                     static_cast<size_t>(std::ranges::find_if_not(text, is_part) - text.begin()));
}

// A token that begins with `mark` and goes on for at least `size` characters of tokens.
struct Marked {
  std::string_view mark;
  size_t size;
  std::string_view kind;
};
constexpr Marked kMarked[] = {
    {"AKIA", 16, "an access key of AWS"},     {"ASIA", 16, "an access key of AWS"},
    {"ghp_", 36, "a token of GitHub"},        {"gho_", 36, "a token of GitHub"},
    {"ghs_", 36, "a token of GitHub"},        {"ghu_", 36, "a token of GitHub"},
    {"github_pat_", 40, "a token of GitHub"}, {"glpat-", 20, "a token of GitLab"},
    {"xoxb-", 20, "a token of Slack"},        {"xoxp-", 20, "a token of Slack"},
    {"AIza", 35, "a key of Google"},          {"sk_live_", 16, "a key of Stripe"},
    {"npm_", 36, "a token of npm"},           {"pypi-", 60, "a token of PyPI"}};

// "eyJ...": the base64 of '{"', twice, with dots between.
bool IsJwt(std::string_view text) {
  for (int part = 0; part < 3; ++part) {
    const std::string_view run = Run(text, IsTokenChar);
    if (run.size() < 8 || (part < 2 && !run.starts_with("eyJ"))) return false;
    text.remove_prefix(run.size());
    if (part < 2 && !text.starts_with('.')) return false;
    if (part < 2) text.remove_prefix(1);
  }
  return true;
}

// "dml_<16 hex digits>_<43 characters of base64url>" (core/access/access_token.h).
bool IsLibraryToken(std::string_view text) {
  const std::string_view run = Run(text, IsTokenChar);
  constexpr size_t kId = 4;
  constexpr size_t kSecret = kId + 16;
  return run.starts_with("dml_") && run.size() == kSecret + 1 + 43 && run[kSecret] == '_' &&
         std::ranges::all_of(run.substr(kId, 16), [](char c) {
           return absl::ascii_isxdigit(static_cast<unsigned char>(c));
         });
}

// "-----BEGIN ... PRIVATE KEY-----", with or without "BLOCK" after it.
bool IsPrivateKey(std::string_view text) {
  if (!text.starts_with("-----BEGIN ")) return false;
  const std::string_view label = Run(text.substr(11), [](char c) {
    return absl::ascii_isupper(static_cast<unsigned char>(c)) || c == ' ';
  });
  return label.find("PRIVATE KEY") != std::string_view::npos;
}

// "://USER:PASSWORD@", looked at from "://".
bool HasPassword(std::string_view text) {
  if (!text.starts_with("://")) return false;
  const std::string_view authority = text.substr(3, text.find_first_of("/?# \t\r\n\"'", 3) - 3);
  const size_t at = authority.rfind('@');
  const size_t colon = authority.find(':');
  if (at == std::string_view::npos || colon >= at) return false;
  const std::string_view password = authority.substr(colon + 1, at - colon - 1);
  return !password.empty() && !password.starts_with("${") && !password.starts_with("{{") &&
         !password.starts_with('<');
}

// What begins at a place that nothing of a token stands before.
std::optional<std::string_view> TokenAt(std::string_view text) {
  for (const Marked& marked : kMarked) {
    if (!text.starts_with(marked.mark)) continue;
    if (Run(text.substr(marked.mark.size()), IsTokenChar).size() >= marked.size) return marked.kind;
  }
  if (IsLibraryToken(text)) return "a token of this library";
  if (text.starts_with("eyJ") && IsJwt(text)) return "a JWT";
  return std::nullopt;
}

// Whether a value names a secret that is kept elsewhere, or is none.
bool IsReference(std::string_view value) {
  constexpr std::string_view kStarts[] = {"${",     "$(",      "{{",   "<",     "/",    "./",
                                          "vault:", "ref+",    "ref:", "file:", "env:", "secret:",
                                          "arn:",   "pkcs11:", "age:", "ENC[",  "@"};
  constexpr std::string_view kWords[] = {"required", "optional",  "disabled",
                                         "external", "generated", "reference"};
  const bool named = std::ranges::any_of(
      kStarts, [&](std::string_view start) { return value.starts_with(start); });
  const bool variable = value.starts_with('$') && std::ranges::all_of(value.substr(1), IsTokenChar);
  return named || variable || std::ranges::find(kWords, value) != std::end(kWords);
}

bool IsSecretName(std::string_view name) {
  std::string plain;  // "API-Key", "api_key" and "apiKey" alike.
  for (char c : name) {
    if (IsAlnum(c)) plain += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  constexpr std::string_view kEnds[] = {"password",  "passwd",     "passphrase", "secret",
                                        "token",     "apikey",     "privatekey", "accesskey",
                                        "secretkey", "credential", "credentials"};
  return std::ranges::any_of(kEnds, [&](std::string_view end) { return plain.ends_with(end); });
}

// `line` as NAME = VALUE or NAME: VALUE, of the forms that configuration has (YAML, JSON, TOML,
// INI, properties, shell). Where the value begins that looks like a secret; nullopt elsewhere.
std::optional<size_t> AssignmentIn(std::string_view line, size_t separator) {
  size_t end = separator;
  while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '"' || line[end - 1] == '\'')) --end;
  size_t begin = end;
  while (begin > 0 && (IsTokenChar(line[begin - 1]) || line[begin - 1] == '.')) --begin;
  if (!IsSecretName(line.substr(begin, end - begin))) return std::nullopt;
  size_t at = separator + 1;
  while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
  if (at == line.size()) return std::nullopt;
  const char quote = line[at] == '"' || line[at] == '\'' ? line[at] : '\0';
  if (quote != '\0') ++at;
  const std::string_view rest = line.substr(at, kLookedAt);
  const std::string_view value =
      rest.substr(0, quote != '\0' ? rest.find(quote) : rest.find_first_of(" \t\r,;}"));
  if (value.size() < kMinValue || IsReference(value)) return std::nullopt;
  return at;
}

class Scan {
 public:
  void Line(std::string_view line, size_t number) {
    for (size_t at = 0; at < line.size() && found_.size() < kMaxSecretFindings; ++at) {
      const std::string_view rest = line.substr(at);
      if (rest[0] == '-' && IsPrivateKey(rest)) {
        Add(number, at, "a private key");
        return;
      }
      if (rest[0] == ':' && HasPassword(rest)) Add(number, at + 3, "a password in a URL");
      if (rest[0] == ':' || rest[0] == '=') Assignment(line, at, number);
      if (at > 0 && IsTokenChar(line[at - 1])) continue;
      if (const auto kind = TokenAt(rest); kind.has_value()) Add(number, at, *kind);
    }
  }

  std::vector<SecretFinding> Take() { return std::move(found_); }

 private:
  void Assignment(std::string_view line, size_t at, size_t number) {
    const std::optional<size_t> value = AssignmentIn(line, at);
    // One that has a mark of its own is told by it.
    if (value.has_value() && !TokenAt(line.substr(*value)).has_value()) {
      Add(number, *value, "the value of a secret");
    }
  }

  void Add(size_t line, size_t at, std::string_view kind) {
    if (found_.size() < kMaxSecretFindings) found_.push_back({line, at + 1, kind});
  }

  std::vector<SecretFinding> found_;
};

}  // namespace

std::vector<SecretFinding> FindSecrets(std::string_view text) {
  Scan scan;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    scan.Line(text.substr(0, end), number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return scan.Take();
}

absl::Status RequireNoSecrets(std::string_view text) {
  const std::vector<SecretFinding> found = FindSecrets(text);
  if (found.empty()) return absl::OkStatus();
  std::string places;
  for (size_t i = 0; i < std::min(found.size(), kToldFindings); ++i) {
    places += fmt::format("{}line {}, column {}: {}", i == 0 ? "" : "; ", found[i].line,
                          found[i].column, found[i].kind);
  }
  if (found.size() > kToldFindings) places += "; and more";
  return InvalidArgument(ErrorReason("CONFIGURATION_HOLDS_SECRET"),
                         "the configuration looks as if it held secrets ({}); it is kept for ever "
                         "and read by many: name where the secret is, such as ${{NAME}} or "
                         "vault:PATH, and take the secret out of use if it is a real one",
                         places);
}

}  // namespace dml
