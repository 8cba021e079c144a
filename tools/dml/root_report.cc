#include "tools/dml/root_report.h"

#include <fmt/ranges.h>

#include "core/crypto/sha256.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

std::string Who(const TrustKey& key) { return key.person ? key.holder : key.holder + " (machine)"; }

// Roles and delegations with their thresholds and holders.
TextTable RoleTable(const TrustRoot& root) {
  TextTable table{{"ROLE", "SUBJECTS", "THRESHOLD", "HOLDERS"}, {}};
  auto holders = [&](const RoleKeys& keys) {
    std::set<std::string> names;
    for (const Digest& id : keys.key_ids) names.insert(Who(*FindTrustKey(root.keys, id)));
    return fmt::format("{}", fmt::join(names, ", "));
  };
  for (const auto& [role, keys] : root.roles) {
    table.rows.push_back({std::string(SigningRoleName(role)), "all",
                          fmt::format("{}", keys.threshold), holders(keys)});
  }
  for (const Delegation& item : root.delegations) {
    std::vector<std::string> subjects;
    for (const SubjectPattern& pattern : item.subjects) subjects.push_back(pattern.text());
    table.rows.push_back({fmt::format("{} ({})", SigningRoleName(item.role), item.name),
                          JoinWords(subjects) + (item.terminating ? ", ends here" : ""),
                          fmt::format("{}", item.keys.threshold), holders(item.keys)});
  }
  return table;
}

TextTable KeyTable(const TrustRoot& root) {
  TextTable table{{"KEY", "HOLDER", "ALGORITHM"}, {}};
  for (const TrustKey& key : root.keys) {
    table.rows.push_back(
        {key.key.id().ToString(), Who(key), std::string(KeyAlgorithmName(key.key.algorithm()))});
  }
  return table;
}

// Whose signatures an envelope has, judged by a root; and what is missing.
absl::Status Judge(const DsseEnvelope& envelope, const TrustRoot& by) {
  DML_ASSIGN_OR_RETURN(Authority authority, RootAuthority(by, SigningRole::kRoot));
  return VerifyThreshold(envelope, kTrustRootPayloadType, authority).status();
}

}  // namespace

absl::StatusOr<Reply> DescribeRoot(const RootFile& file, const std::optional<TrustRoot>& previous) {
  const TrustRoot& root = file.root;
  DML_ASSIGN_OR_RETURN(const std::string text, FormatTrustRoot(root));
  absl::Status status = PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                                         "nobody has signed this draft; next: dml root sign");
  std::string digest;
  if (file.envelope.has_value()) {
    status = Judge(*file.envelope, root);
    if (status.ok() && previous.has_value()) {
      status = OpenNextRoot(*previous, FormatEnvelope(*file.envelope)).status();
    }
    digest = Sha256(file.envelope->payload).ToString();
  }
  const bool expired = root.expires <= WallClockNow();
  Reply reply;
  reply.document = {{"root", Json::parse(text)},
                    {"digest", digest},
                    {"signed", status.ok()},
                    {"missing", status.ok() ? "" : std::string(Message(status))},
                    {"expired", expired}};
  reply.text.Fields({{"trust root", fmt::format("{} of {}", root.version, root.origin)},
                     {"digest", digest},
                     {"expires", {FormatTime(root.expires), expired ? Style::kBad : Style::kPlain}},
                     {"signatures",
                      {status.ok() ? "enough" : std::string(Message(status)),
                       status.ok() ? Style::kGood : Style::kWarning}}});
  reply.text.Line("");
  reply.text.Add(RoleTable(root));
  reply.text.Line("");
  reply.text.Add(KeyTable(root));
  return reply;
}

}  // namespace dml
