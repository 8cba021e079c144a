#include "core/evidence/deploy_report.h"

#include <utility>

#include "core/journal/permit_entries.h"
#include "core/package/document_members.h"
#include "core/release/release.h"
#include "core/trust/statement.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("DEPLOY_REPORT_INVALID");

absl::StatusOr<FetchedItem> ReadItem(const json& value) {
  ObjectReader in(value, kInvalid);
  FetchedItem out;
  out.variant = document::ReadVariant(in, "variant");
  out.manifest = document::ReadDigest(in, "manifest");
  out.files = in.Unsigned("files", 0, document::kMaxNumber);
  out.bytes = in.Unsigned("bytes", 0, document::kMaxNumber);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::StatusOr<DeployReport> ReadReport(const json& value) {
  ObjectReader in(value, kInvalid);
  DeployReport out;
  out.permit = in.String("permit", document::kMaxNameBytes);
  in.Check("permit", CheckPermitId(out.permit));
  out.environment = document::ReadEnvironment(in, "environment");
  out.node = in.StringOr("node", document::kMaxNameBytes, "");
  if (!out.node.empty()) in.Check("node", ValidateNodeName(out.node));
  out.time = document::ReadTime(in, "time", kInvalid);
  if (!in.Has("items")) in.Check("items", InvalidArgument(kInvalid, "is missing"));
  in.ForEach("items", kMaxReleaseItems, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.items.emplace_back(), ReadItem(item));
    return absl::OkStatus();
  });
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

}  // namespace

absl::StatusOr<DeployReport> ParseDeployReport(std::string_view text) {
  absl::StatusOr<json> document = ParseStrictJson(text, kMaxStatementBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "deploy report");
  absl::StatusOr<DeployReport> report = ReadReport(*document);
  if (!report.ok()) return LocateError(report.status(), "deploy report");
  return report;
}

absl::StatusOr<std::string> FormatDeployReport(const DeployReport& report) {
  json items = json::array();
  for (const FetchedItem& item : report.items) {
    items.push_back({{"variant", item.variant.ResourceName()},
                     {"manifest", item.manifest.ToString()},
                     {"files", item.files},
                     {"bytes", item.bytes}});
  }
  json document = {{"permit", report.permit},
                   {"environment", report.environment},
                   {"time", FormatTime(report.time)},
                   {"items", std::move(items)}};
  if (!report.node.empty()) document["node"] = report.node;
  std::string out = document::WritePredicate(document);
  DML_RETURN_IF_ERROR(ParseDeployReport(out).status());
  return out;
}

}  // namespace dml
