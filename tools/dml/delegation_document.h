// Delegation documents as commands read, judge and show them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/trust/authority.h"
#include "tools/dml/app.h"

namespace dml {

struct DelegationFile {
  DelegationDocument document;
  std::optional<DsseEnvelope> envelope;  // Where somebody has signed it.
};

/// Reads a draft or an envelope; no signature is checked. The errors of ReadFile, ParseEnvelope and
/// ParseDelegationDocument, naming the file; PAYLOAD_TYPE_UNEXPECTED for an envelope over something
/// else.
absl::StatusOr<DelegationFile> ReadDelegationFile(const std::string& path);

/// "acme > tools".
std::string NameOf(const DelegationDocument& document);

/// By whom a document is judged: a trust root, and signed documents above it.
struct JudgeArgs {
  std::string root;
  std::vector<std::string> above;
};

/// The errors of ReadPinnedRoot and TrustDomain::Create.
absl::StatusOr<TrustDomain> ReadDomain(const JudgeArgs& args);

/// That those to whom it was delegated have signed it, and that it has not expired. PERMISSION_
/// DENIED (SIGNATURE_MISSING) for a draft; FAILED_PRECONDITION (DELEGATION_EXPIRED); the errors of
/// TrustDomain::Judge.
absl::Status JudgeFile(const DelegationFile& file, const TrustDomain& domain);

/// What it says, and with a domain who must still sign it.
absl::StatusOr<Reply> DescribeDelegation(const DelegationFile& file, const TrustDomain* domain);

}  // namespace dml
