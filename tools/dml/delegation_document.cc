#include "tools/dml/delegation_document.h"

#include <set>
#include <utility>

#include <fmt/ranges.h>

#include "core/os/file.h"
#include "tools/dml/records.h"
#include "tools/dml/root_document.h"

namespace dml {
namespace {

TextTable DelegationTable(const DelegationDocument& document) {
  TextTable table{{"PASSED ON", "ROLE", "SUBJECTS", "THRESHOLD", "HOLDERS"}, {}};
  for (const Delegation& item : document.delegations) {
    std::vector<std::string> subjects;
    for (const SubjectPattern& pattern : item.subjects) subjects.push_back(pattern.text());
    std::set<std::string> holders;
    for (const Digest& id : item.keys.key_ids) {
      holders.insert(FindTrustKey(document.keys, id)->holder);
    }
    table.rows.push_back({item.name, std::string(SigningRoleName(item.role)),
                          JoinWords(subjects) + (item.terminating ? ", ends here" : ""),
                          fmt::format("{}", item.keys.threshold),
                          fmt::format("{}", fmt::join(holders, ", "))});
  }
  return table;
}

}  // namespace

absl::StatusOr<DelegationFile> ReadDelegationFile(const std::string& path) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxEnvelopeBytes));
  DelegationFile out;
  if (text.find("\"payloadType\"") != text.npos) {
    absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(text);
    if (!envelope.ok()) return Annotate(envelope.status(), path);
    if (envelope->payload_type != kDelegationPayloadType) {
      return InvalidArgument(ErrorReason("PAYLOAD_TYPE_UNEXPECTED"),
                             "{}: the envelope holds '{}', not a delegation", path,
                             envelope->payload_type);
    }
    text = envelope->payload;
    out.envelope = *std::move(envelope);
  }
  absl::StatusOr<DelegationDocument> document = ParseDelegationDocument(text);
  if (!document.ok()) return Annotate(document.status(), path);
  out.document = *std::move(document);
  return out;
}

std::string NameOf(const DelegationDocument& document) {
  return fmt::format("{}", fmt::join(document.chain, " > "));
}

absl::StatusOr<TrustDomain> ReadDomain(const JudgeArgs& args) {
  DML_ASSIGN_OR_RETURN(TrustedRoot root, ReadPinnedRoot(args.root));
  std::vector<DsseEnvelope> above;
  for (const std::string& path : args.above) {
    DML_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxEnvelopeBytes));
    absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(text);
    if (!envelope.ok()) return Annotate(envelope.status(), path);
    above.push_back(*std::move(envelope));
  }
  return TrustDomain::Create(std::move(root.root), above, WallClockNow());
}

absl::Status JudgeFile(const DelegationFile& file, const TrustDomain& domain) {
  if (!file.envelope.has_value()) {
    return PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                            "nobody has signed this draft; next: dml delegation sign");
  }
  DML_RETURN_IF_ERROR(domain.Judge(*file.envelope, file.document));
  if (file.document.expires > WallClockNow()) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("DELEGATION_EXPIRED"),
                            "it expired on {}: make its next version (dml delegation renew)",
                            FormatTime(file.document.expires));
}

absl::StatusOr<Reply> DescribeDelegation(const DelegationFile& file, const TrustDomain* domain) {
  DML_ASSIGN_OR_RETURN(const std::string text, FormatDelegationDocument(file.document));
  const bool expired = file.document.expires <= WallClockNow();
  Reply reply;
  reply.document = {
      {"delegation", Json::parse(text)},
      {"expired", expired},
      {"signatures", file.envelope.has_value() ? file.envelope->signatures.size() : 0}};
  std::vector<std::pair<std::string, Cell>> fields = {
      {"delegation", {NameOf(file.document), Style::kStrong}},
      {"version", std::to_string(file.document.version)},
      {"expires", {FormatTime(file.document.expires), expired ? Style::kBad : Style::kPlain}}};
  if (domain != nullptr) {
    const absl::Status judged = JudgeFile(file, *domain);
    reply.document["signed"] = judged.ok();
    reply.document["missing"] = judged.ok() ? "" : std::string(Message(judged));
    fields.push_back({"signatures",
                      {judged.ok() ? "enough" : std::string(Message(judged)),
                       judged.ok() ? Style::kGood : Style::kWarning}});
  }
  reply.text.Fields(std::move(fields));
  if (!file.document.delegations.empty()) {
    reply.text.Line("");
    reply.text.Add(DelegationTable(file.document));
  }
  if (!file.document.keys.empty()) {
    TextTable keys{{"KEY", "HOLDER"}, {}};
    for (const TrustKey& key : file.document.keys) {
      keys.rows.push_back(
          {key.key.id().ToString(), key.person ? key.holder : key.holder + " (machine)"});
    }
    reply.text.Line("");
    reply.text.Add(std::move(keys));
  }
  return reply;
}

}  // namespace dml
