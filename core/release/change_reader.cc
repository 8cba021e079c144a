#include "core/release/change_reader.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "core/package/document_members.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("RELEASE_INVALID");
constexpr std::array<std::string_view, 5> kKinds = {"FEATURE", "FIX", "SECURITY", "CONFIGURATION",
                                                    "MAINTENANCE"};
constexpr std::array<std::string_view, 3> kRisks = {"LOW", "MEDIUM", "HIGH"};
constexpr std::string_view kUnknown = "UNKNOWN";
constexpr size_t kMaxTitleBytes = 512;
constexpr size_t kMaxIdBytes = 128;

}  // namespace

std::string_view ChangeKindName(ChangeKind kind) {
  return kind == ChangeKind::kUnknown ? kUnknown : kKinds[static_cast<size_t>(kind) - 1];
}

std::string_view ChangeRiskName(ChangeRisk risk) {
  return risk == ChangeRisk::kUnknown ? kUnknown : kRisks[static_cast<size_t>(risk) - 1];
}

std::vector<std::string> ReadTextSet(ObjectReader& in, std::string_view key, size_t max_items,
                                     size_t max_bytes, bool sorts) {
  std::vector<std::string> words = in.Strings(key, max_items, max_bytes);
  if (sorts) std::ranges::sort(words);
  if (std::ranges::adjacent_find(words, std::greater_equal<>()) != words.end()) {
    in.Check(key, InvalidArgument(kInvalid, "must be in ascending order, none twice"));
  }
  for (const std::string& word : words) {
    if (!word.empty() && !HasControlCharacters(word)) continue;
    in.Check(key, InvalidArgument(kInvalid,
                                  "has an element that is empty, or holds a control character"));
  }
  return words;
}

ReleaseChange ReadChangeMembers(ObjectReader& in, bool sorts) {
  ReleaseChange out;
  out.id = document::ReadText(in, "id", kMaxIdBytes, kInvalid);
  out.title = document::ReadText(in, "title", kMaxTitleBytes, kInvalid);
  if (in.Has("kind")) out.kind = static_cast<ChangeKind>(in.Word("kind", kKinds) + 1);
  if (in.Has("risk")) out.risk = static_cast<ChangeRisk>(in.Word("risk", kRisks) + 1);
  out.problems = ReadTextSet(in, "problems", kMaxProblemsClosed, kMaxIdBytes, sorts);
  if (in.Has("authorizedBy")) {
    out.authorized_by = document::ReadText(in, "authorizedBy", document::kMaxNameBytes, kInvalid);
  }
  if (in.Has("key")) {
    out.key = document::ReadDigest(in, "key");
    if (out.authorized_by.empty()) {
      in.Check("key", InvalidArgument(kInvalid, "is of somebody whom 'authorizedBy' must name"));
    }
  }
  if (in.Has("link")) out.link = document::ReadText(in, "link", document::kMaxNameBytes, kInvalid);
  return out;
}

json ReleaseChangeJson(const ReleaseChange& change) {
  json out = {{"id", change.id}, {"title", change.title}};
  if (change.kind != ChangeKind::kUnknown) out["kind"] = ChangeKindName(change.kind);
  if (change.risk != ChangeRisk::kUnknown) out["risk"] = ChangeRiskName(change.risk);
  if (!change.problems.empty()) out["problems"] = change.problems;
  if (!change.authorized_by.empty()) out["authorizedBy"] = change.authorized_by;
  if (change.key.has_value()) out["key"] = change.key->ToString();
  if (!change.link.empty()) out["link"] = change.link;
  return out;
}

}  // namespace dml
