#include "core/audit/audit_line.h"

#include <nlohmann/json.hpp>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

// In the order of writing, which is how people read a line.
using Json = nlohmann::ordered_json;

constexpr ErrorReason kInvalid("AUDIT_LINE_INVALID");
constexpr size_t kMaxPrincipal = 512;
constexpr size_t kMaxShort = 128;
constexpr size_t kMaxReason = 64;
constexpr size_t kMaxRepair = 1024;

// Where it is cut, Excerpt adds a mark of three bytes to what fits.
std::string Fit(std::string_view text, size_t max_bytes) { return Excerpt(text, max_bytes - 3); }

Json Start(Timestamp time, const AuditHead& head) {
  return {
      {"line", head.lines + 1}, {"time", FormatTime(time)}, {"previous", head.digest.ToString()}};
}

std::string Close(const Json& json, AuditHead& head) {
  std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  head = {head.lines + 1, Sha256(line)};
  return line;
}

absl::StatusOr<Digest> ReadDigest(const nlohmann::json& value) {
  DML_ASSIGN_OR_RETURN(const std::string text, JsonText(value, kMaxShort, kInvalid));
  const absl::StatusOr<Digest> digest = Digest::Parse(text);
  if (!digest.ok()) return InvalidArgument(kInvalid, "{}", Message(digest.status()));
  return *digest;
}

absl::Status ReadCounts(const nlohmann::json& value, AuditLine& out) {
  if (!value.is_object() || value.empty() || value.size() > kMaxAuditReasons) {
    return InvalidArgument(kInvalid, "is no object of 1 to {} counts", kMaxAuditReasons);
  }
  ObjectReader counts(value, kInvalid);
  for (const auto& [reason, count] : value.items()) {
    out.refusals += counts.Unsigned(reason, 1, uint64_t{1} << 48);
  }
  return counts.Finish();
}

}  // namespace

void UnwrittenRefusals::Add(std::string_view reason, uint64_t count) {
  std::string key = Fit(reason, kMaxReason);
  const bool fits = counts_.size() + 1 < kMaxAuditReasons || counts_.contains(key);
  counts_[fits ? std::move(key) : "OTHER"] += count;
}

std::string AppendRefusal(const Refusal& refusal, Timestamp time, AuditHead& head) {
  Json line = Start(time, head);
  line["principal"] = Fit(refusal.principal, kMaxPrincipal);
  line["peer"] = Fit(refusal.peer, kMaxShort);
  line["method"] = Fit(refusal.method, kMaxShort);
  line["reason"] = Fit(refusal.reason, kMaxReason);
  return Close(line, head);
}

std::string AppendSummary(const UnwrittenRefusals& unwritten, Timestamp time, AuditHead& head) {
  Json counts = Json::object();
  for (const auto& [reason, count] : unwritten.counts()) counts[reason] = count;
  Json line = Start(time, head);
  line["unwritten"] = std::move(counts);
  return Close(line, head);
}

std::string AppendRepair(std::string_view what, Timestamp time, AuditHead& head) {
  Json line = Start(time, head);
  line["repair"] = Fit(what, kMaxRepair);
  return Close(line, head);
}

absl::StatusOr<AuditLine> ParseAuditLine(std::string_view line) {
  DML_ASSIGN_OR_RETURN(const nlohmann::json value,
                       ParseStrictJson(line, kMaxAuditLineBytes, kInvalid));
  if (!value.is_object()) return InvalidArgument(kInvalid, "it is {}", JsonTypeName(value));
  ObjectReader in(value, kInvalid);
  AuditLine out;
  out.number = in.Unsigned("line", 1, UINT64_MAX);
  const std::optional<Timestamp> time = ParseTime(in.String("time", kMaxShort));
  if (!time.has_value()) in.Check("time", InvalidArgument(kInvalid, "is no time"));
  out.time = time.value_or(Timestamp());
  in.ReadRequired("previous", [&](const nlohmann::json& text) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.previous, ReadDigest(text));
    return absl::OkStatus();
  });
  if (in.Has("repair")) {
    in.String("repair", kMaxRepair);
  } else if (in.Has("unwritten")) {
    in.ReadRequired("unwritten",
                    [&](const nlohmann::json& counts) { return ReadCounts(counts, out); });
  } else {
    in.String("principal", kMaxPrincipal);
    in.String("peer", kMaxShort);
    in.String("method", kMaxShort);
    in.String("reason", kMaxReason);
    out.refusals = 1;
  }
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

}  // namespace dml
