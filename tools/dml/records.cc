#include "tools/dml/records.h"

#include "core/base/bytes.h"
#include "core/crypto/sha256.h"

namespace dml {

Json LabelsJson(const Labels& labels) {
  Json out = Json::object();
  for (const auto& [key, value] : labels) out[key] = value;
  return out;
}

namespace {

Json BlobJson(const BlobRef& blob) {
  return {{"digest", blob.digest.ToString()}, {"size", blob.size}};
}

}  // namespace

Json ToJson(const NamespaceRecord& record) {
  return {{"name", "namespaces/" + record.name},
          {"description", record.description},
          {"labels", LabelsJson(record.labels)},
          {"createdIndex", record.created_index},
          {"createdTime", FormatTime(record.created_time)}};
}

Json ToJson(const RetentionRecord& record) {
  static constexpr std::string_view kNames[] = {"EVERYTHING", "MATCHING", "ONLY_HELD"};
  const RetentionPolicy& policy = record.policy;
  return {{"namespace", "namespaces/" + record.ns},
          {"keep", kNames[static_cast<size_t>(policy.keep) - 1]},
          {"keepVersions", policy.keep_versions},
          {"keepAgeSeconds", policy.keep_age.count()},
          {"collectWithdrawn", policy.collect_withdrawn},
          {"withdrawnGraceSeconds", policy.withdrawn_grace.count()},
          {"etag", record.Etag()},
          {"index", record.index},
          {"time", record.index == 0 ? "" : FormatTime(record.time)},
          {"author", record.author}};
}

Json ToJson(const PackageRecord& record) {
  return {{"name", record.name.ResourceName()},
          {"versionScheme", std::string(VersionSchemeName(record.scheme))},
          {"title", record.title},
          {"latest", record.latest},
          {"versionCount", record.version_count},
          {"createdIndex", record.created_index},
          {"updatedIndex", record.updated_index}};
}

Json ToJson(const VariantRecord& record) {
  Json out = {{"name", record.name.ResourceName()},
              {"version", record.name.version},
              {"platform", record.name.platform.VariantId()},
              {"versionScheme", std::string(VersionSchemeName(record.scheme))},
              {"state", std::string(VariantStateName(record.state))},
              {"title", record.title},
              {"license", record.declared_license},
              {"purl", record.purl},
              {"labels", LabelsJson(record.labels)},
              {"manifest", BlobJson(record.manifest)},
              {"spec", BlobJson(record.spec)},
              {"fileCount", record.file_count},
              {"payloadSize", record.payload_size},
              {"payloadCollected", record.payload_collected},
              {"publisher", record.publisher},
              {"publishedIndex", record.published_index},
              {"publishedTime", FormatTime(record.published_time)}};
  if (!record.admission_reason.empty()) {
    out["admissionReason"] = record.admission_reason;
    out["admissionIndex"] = record.admission_index;
  }
  if (record.scan.has_value()) {
    out["scan"] = {{"verdict", ScanVerdictName(record.scan->verdict)},
                   {"scanner", record.scan->scanner},
                   {"signatures", record.scan->signatures},
                   {"finding", record.scan->finding},
                   {"time", FormatTime(record.scan_time)}};
  }
  if (record.hold_count > 0) out["holds"] = record.hold_count;
  if (record.state == VariantState::kWithdrawn) {
    out["withdrawReason"] = record.withdraw_reason;
    out["withdrawnIndex"] = record.withdrawn_index;
    out["withdrawnTime"] = FormatTime(record.withdrawn_time);
  }
  return out;
}

Json ToJson(const AttestationRecord& record) {
  Json keys = Json::array();
  for (const Digest& id : record.ref.key_ids) keys.push_back(id.ToString());
  return {{"envelope", BlobJson(record.ref.envelope)},
          {"predicateType", record.ref.predicate_type},
          {"subject", record.ref.subject.ToString()},
          {"keyIds", std::move(keys)},
          {"index", record.index},
          {"time", FormatTime(record.time)},
          {"author", record.author}};
}

Json ToJson(const KeyRecord& record) {
  Json grants = Json::array();
  for (const KeyGrant& grant : record.grants) {
    grants.push_back(
        {{"role", grant.role}, {"delegation", grant.delegation}, {"subjects", grant.subjects}});
  }
  Json out = {{"id", KeyId(record)},
              {"holder", record.holder},
              {"person", record.person},
              {"grants", std::move(grants)},
              {"registeredIndex", record.registered_index},
              {"registeredTime", FormatTime(record.registered_time)},
              {"revoked", record.revoked}};
  if (record.revoked) {
    out["revokedIndex"] = record.revoked_index;
    out["revokeReason"] = record.revoke_reason;
  }
  return out;
}

Json ToJson(const EnvironmentRecord& record) {
  return {{"name", "environments/" + record.name},
          {"description", record.description},
          {"labels", LabelsJson(record.labels)},
          {"createdIndex", record.created_index},
          {"createdTime", FormatTime(record.created_time)}};
}

Json ToJson(const NodeRecord& record) {
  return {{"environment", "environments/" + record.environment},
          {"node", record.name},
          {"labels", LabelsJson(record.labels)},
          {"createdIndex", record.created_index},
          {"createdTime", FormatTime(record.created_time)}};
}

Json ToJson(const PolicyRecord& record) {
  return {{"environment", "environments/" + record.environment},
          {"revision", record.revision},
          {"etag", record.Etag()},
          {"document", BlobJson(record.document)},
          {"envelope", record.envelope.size > 0 ? BlobJson(record.envelope) : Json(nullptr)},
          {"index", record.index},
          {"time", FormatTime(record.time)},
          {"author", record.author}};
}

Json ToJson(const LicenseContext& context) {
  return {{"provision", LicenseProvisionName(context.provision)},
          {"combination", LicenseCombinationName(context.combination)},
          {"modified", context.modified}};
}

Json ToJson(const Finding& finding) {
  return {{"rule", finding.rule},
          {"severity", std::string(SeverityName(finding.severity))},
          {"subject", finding.subject},
          {"message", finding.message},
          {"remedy", finding.remedy}};
}

Json ToJson(const JournalLine& line) {
  return {{"index", line.index},
          {"time", FormatTime(line.time)},
          {"author", line.author},
          {"kind", line.kind},
          {"summary", line.summary},
          {"requestId", line.request_id},
          {"leaf", Base64Encode(AsBytes(line.leaf))}};
}

Json ToJson(const Checkpoint& checkpoint) {
  return {{"origin", checkpoint.origin},
          {"size", checkpoint.size},
          {"root", checkpoint.root.ToString()}};
}

Json ToJson(const Commit& commit) {
  return {{"index", commit.index},
          {"time", FormatTime(commit.time)},
          {"replayed", commit.replayed},
          {"checkpoint", ToJson(commit.checkpoint)}};
}

std::string KeyId(const KeyRecord& record) { return Sha256(record.spki).ToString(); }

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kError:
      return "ERROR";
  }
  return "ERROR";
}

Reply CommittedReply(const char* member, Json value, const Commit& commit, std::string_view done) {
  Reply reply;
  reply.document[member] = std::move(value);
  reply.document["commit"] = ToJson(commit);
  reply.text.Line(fmt::format("{}: entry {} of {}{}", done, commit.index, commit.checkpoint.origin,
                              commit.replayed ? ", carried out before" : ""));
  return reply;
}

void AddFindings(const std::vector<Finding>& findings, Text& text) {
  for (const Finding& finding : findings) {
    Style style = finding.severity == Severity::kError     ? Style::kBad
                  : finding.severity == Severity::kWarning ? Style::kWarning
                                                           : Style::kPlain;
    text.Line("");
    text.Line({fmt::format("{} {}", SeverityName(finding.severity), finding.rule), style});
    if (!finding.subject.empty()) text.Line("  " + finding.subject);
    text.Line("  " + finding.message);
    if (!finding.remedy.empty()) text.Line("  remedy: " + finding.remedy);
  }
}

Reply VerificationReply(const std::string& name, const VerificationReport& report,
                        std::string_view to_check_files) {
  Reply reply;
  Json steps = Json::array();
  TextTable table{{"CHECK", "RESULT", "DETAIL"}, {}};
  for (const VerificationStep& step : report.steps) {
    steps.push_back({{"what", step.what}, {"passed", step.passed}, {"detail", step.detail}});
    table.rows.push_back({step.what,
                          step.passed ? Cell("passed", Style::kGood) : Cell("FAILED", Style::kBad),
                          step.detail});
  }
  const bool files_open = report.passed && !report.files_checked;
  if (files_open) {
    table.rows.push_back(
        {"files", Cell("not checked", Style::kWarning), std::string(to_check_files)});
  }
  reply.document = {{"variant", name},
                    {"passed", report.passed},
                    {"filesChecked", report.files_checked},
                    {"steps", std::move(steps)}};
  reply.text.Add(std::move(table));
  reply.text.Line("");
  std::string verdict = (report.passed ? "VERIFIED " : "NOT VERIFIED ") + name;
  if (files_open) verdict += " (documents, signatures and log; files not checked)";
  reply.text.Line({std::move(verdict), report.passed ? Style::kGood : Style::kBad});
  if (!report.passed) reply.code = ExitCode::kNegative;
  return reply;
}

std::string JoinLabels(const Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels) {
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", key, value);
  }
  return out;
}

std::string JoinWords(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace dml
