#include "storage/library/principal_names.h"

#include <nlohmann/json.hpp>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/os/file.h"

namespace dml {
namespace {

constexpr ErrorReason kDamaged("PRINCIPAL_NAMES_DAMAGED");
constexpr std::string_view kFile = "names.json";
constexpr std::string_view kTemporary = ".dml-tmp-";
constexpr std::string_view kPagePrefix = "principal/";
constexpr uint64_t kFormat = 1;
constexpr size_t kMaxPrincipal = 512;
constexpr size_t kMaxFile = 128 << 20;  // All names at their longest, escapes included, and more.

absl::StatusOr<std::map<std::string, std::string>> ParseNames(std::string_view text) {
  DML_ASSIGN_OR_RETURN(nlohmann::json json, ParseStrictJson(text, kMaxFile, kDamaged));
  ObjectReader in(json, kDamaged);
  in.Unsigned("format", kFormat, kFormat);
  auto names = in.StringMap("names", kMaxPrincipalNames, kMaxPrincipal);
  DML_RETURN_IF_ERROR(in.Finish());
  return names;
}

// An interrupted change's file holds names too, perhaps the one that was to be erased.
absl::Status DeleteLeftovers(const std::filesystem::path& folder) {
  std::error_code error;
  for (const auto& item : std::filesystem::directory_iterator(folder, error)) {
    if (!item.path().filename().string().starts_with(kTemporary)) continue;
    std::filesystem::remove(item.path(), error);
    if (error) return FileError(error.value(), "delete", item.path());
  }
  if (error) return FileError(error.value(), "list", folder);
  return absl::OkStatus();
}

absl::Status CheckName(std::string_view principal, std::string_view display_name) {
  if (principal.empty() || principal.size() > kMaxPrincipal || !Utf8Fault(principal).empty()) {
    return AtField(InvalidArgument(ErrorReason("PRINCIPAL_INVALID"),
                                   "a principal's id is 1 to {} bytes of UTF-8", kMaxPrincipal),
                   "name.principal");
  }
  if (display_name.size() > kMaxDisplayName) {
    return AtField(
        InvalidArgument(ErrorReason("TEXT_TOO_LONG"), "the name has {} bytes; at most {}",
                        display_name.size(), kMaxDisplayName),
        "name.display_name");
  }
  if (const std::string fault = Utf8Fault(display_name); !fault.empty()) {
    return AtField(InvalidArgument(ErrorReason("TEXT_NOT_UTF8"), "the name is {}", fault),
                   "name.display_name");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<PrincipalNames>> PrincipalNames::Open(std::filesystem::path folder) {
  Names names;
  if (std::filesystem::exists(folder)) {
    DML_RETURN_IF_ERROR(DeleteLeftovers(folder));
    auto text = ReadPrivateFile(folder / kFile, kMaxFile);
    if (text.ok()) {
      auto parsed = ParseNames(*text);
      if (!parsed.ok()) {
        return DataLoss(kDamaged,
                        "{} cannot be understood: {}. Put it back from a backup, or delete it: the "
                        "names that it held are then lost, and nothing else",
                        (folder / kFile).string(), Message(parsed.status()));
      }
      names.insert(parsed->begin(), parsed->end());
    } else if (!absl::IsNotFound(text.status())) {
      return text.status();
    }
  }
  return std::unique_ptr<PrincipalNames>(new PrincipalNames(std::move(folder), std::move(names)));
}

absl::Status PrincipalNames::Set(std::string_view principal, std::string_view display_name) {
  DML_RETURN_IF_ERROR(CheckName(principal, display_name));
  const std::scoped_lock lock(mutex_);
  Names names = names_;
  if (display_name.empty()) {
    if (names.erase(std::string(principal)) == 0) return absl::OkStatus();
  } else {
    names.insert_or_assign(std::string(principal), std::string(display_name));
  }
  if (names.size() > kMaxPrincipalNames) {
    return ResourceExhausted(ErrorReason("TOO_MANY_PRINCIPAL_NAMES"),
                             "{} principals have names, which is the most: erase those of who left",
                             kMaxPrincipalNames);
  }
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder_));
  const std::string text = nlohmann::json{{"format", kFormat}, {"names", names}}.dump() + "\n";
  DML_RETURN_IF_ERROR(WriteFileAtomically(folder_ / kFile, AsBytes(text), 0600));
  names_ = std::move(names);
  return absl::OkStatus();
}

std::string PrincipalNames::Find(std::string_view principal) const {
  const std::scoped_lock lock(mutex_);
  const auto found = names_.find(principal);
  return found == names_.end() ? "" : found->second;
}

absl::StatusOr<Page<PrincipalName>> PrincipalNames::List(const PageRequest& page) const {
  if (!page.after_key.empty() && !page.after_key.starts_with(kPagePrefix)) {
    return InvalidArgument(ErrorReason("PAGE_TOKEN_INVALID"),
                           "the page token belongs to another list: start again without one");
  }
  const std::scoped_lock lock(mutex_);
  Page<PrincipalName> out;
  auto at = page.after_key.empty()
                ? names_.begin()
                : names_.upper_bound(std::string_view(page.after_key).substr(kPagePrefix.size()));
  for (; at != names_.end(); ++at) {
    if (out.items.size() == page.size) {
      out.next_key = std::string(kPagePrefix) + out.items.back().principal;
      return out;
    }
    out.items.push_back({at->first, at->second});
  }
  return out;
}

}  // namespace dml
