// The library's records as JSON, in the stable shapes that docs/cli.md describes, and parts of
// output that several commands share.
//
// Members are lowerCamelCase; times RFC 3339 in UTC; digests and ids "sha256:<hex>"; names resource
// names.
#pragma once

#include <vector>

#include "client/client.h"
#include "client/transfer.h"
#include "tools/dml/app.h"

namespace dml {

Json LabelsJson(const Labels& labels);  // {"key": "value"}
Json ToJson(const NamespaceRecord& record);
Json ToJson(const JournalLine& line);
Json ToJson(const RetentionRecord& record);
Json ToJson(const PackageRecord& record);
Json ToJson(const VariantRecord& record);
Json ToJson(const AttestationRecord& record);
Json ToJson(const KeyRecord& record);
Json ToJson(const EnvironmentRecord& record);
Json ToJson(const NodeRecord& record);
Json ToJson(const PolicyRecord& record);
Json ToJson(const Finding& finding);
Json ToJson(const LicenseContext& context);
Json ToJson(const Checkpoint& checkpoint);
Json ToJson(const Commit& commit);

/// "sha256:<hex>" of a registered key.
std::string KeyId(const KeyRecord& record);
std::string_view SeverityName(Severity severity);  // "INFO", "WARNING", "ERROR".

/// The reply to a mutation: {"<member>": value, "commit": ...}, and a line that says what was done.
Reply CommittedReply(const char* member, Json value, const Commit& commit, std::string_view done);

/// A paragraph for each finding: severity, rule and subject, what is wrong, what would change it.
void AddFindings(const std::vector<Finding>& findings, Text& text);

/// The steps of a verification and its verdict, kNegative where it failed: {"variant", "passed",
/// "filesChecked", "steps"}. `to_check_files`: what to do for that where nobody did.
Reply VerificationReply(const std::string& name, const VerificationReport& report,
                        std::string_view to_check_files);

/// "a=1, b=2"; "" where there are none.
std::string JoinLabels(const Labels& labels);
std::string JoinWords(const std::vector<std::string>& words);

}  // namespace dml
