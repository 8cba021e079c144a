#include "storage/library/principal_names.h"

#include "core/base/text.h"
#include "storage/engine/key.h"

namespace dml {
namespace {

constexpr std::string_view kPrefix = "principal-name/";
constexpr size_t kMaxPrincipal = 512;

std::string KeyOf(std::string_view principal) {
  return std::string(kPrefix) + std::string(principal);
}

}  // namespace

absl::Status SetPrincipalName(Engine& engine, std::string_view principal,
                              std::string_view display_name) {
  if (principal.empty() || principal.size() > kMaxPrincipal) {
    return AtField(InvalidArgument(ErrorReason("PRINCIPAL_INVALID"),
                                   "a principal's id is 1 to {} characters", kMaxPrincipal),
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
  auto batch = engine.NewBatch();
  if (display_name.empty()) {
    batch->Delete(Table::kMeta, KeyOf(principal));
  } else {
    batch->Put(Table::kMeta, KeyOf(principal), display_name);
  }
  return engine.Commit(std::move(batch), Durability::kSynced);
}

absl::StatusOr<std::string> FindPrincipalName(const Reader& reader, std::string_view principal) {
  DML_ASSIGN_OR_RETURN(auto value, reader.Get(Table::kMeta, KeyOf(principal)));
  return value.value_or("");
}

absl::StatusOr<Page<PrincipalName>> ListPrincipalNames(const Reader& reader,
                                                       const PageRequest& page) {
  const std::string prefix(kPrefix);
  if (!page.after_key.empty() && !page.after_key.starts_with(prefix)) {
    return InvalidArgument(ErrorReason("PAGE_TOKEN_INVALID"),
                           "the page token belongs to another list: start again without one");
  }
  KeyRange range = PrefixRange(prefix);
  const std::string resume = page.after_key + std::string(1, '\0');
  if (!page.after_key.empty()) range.lower = resume;
  Page<PrincipalName> out;
  auto cursor = reader.NewCursor(Table::kMeta, range);
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    if (out.items.size() == page.size) {
      out.next_key = KeyOf(out.items.back().principal);
      return out;
    }
    out.items.push_back(
        {std::string(cursor->key().substr(prefix.size())), std::string(cursor->value())});
  }
  DML_RETURN_IF_ERROR(cursor->status());
  return out;
}

}  // namespace dml
