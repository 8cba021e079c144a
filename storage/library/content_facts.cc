#include "storage/library/content_facts.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

// runDetails.builder.id of SLSA provenance v1; "" where there is none.
std::string BuilderOf(const std::string& predicate_json) {
  const auto document = nlohmann::json::parse(predicate_json, nullptr, false);
  const nlohmann::json* at = &document;
  for (const char* member : {"runDetails", "builder", "id"}) {
    if (!at->is_object()) return "";
    const auto found = at->find(member);
    if (found == at->end()) return "";
    at = &*found;
  }
  return at->is_string() ? at->get<std::string>() : "";
}

// Looks at the attestations whose signers still count.
class Evidence {
 public:
  Evidence(const Reader& state, ContentFacts& out) : state_(state), view_(state), out_(out) {}

  absl::Status Add(const AttestationRecord& record, bool reads_builders) {
    DML_ASSIGN_OR_RETURN(const bool counts, Counts(record.ref));
    if (!counts) return absl::OkStatus();
    out_.evidence.insert(record.ref.predicate_type);
    if (!reads_builders || record.ref.predicate_type != kProvenancePredicate) {
      return absl::OkStatus();
    }
    DML_ASSIGN_OR_RETURN(const std::string text, ReadMetadata(state_, record.ref.envelope));
    DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope, ParseEnvelope(text));
    DML_ASSIGN_OR_RETURN(const Statement statement, ParseStatement(envelope.payload));
    std::string builder = BuilderOf(statement.predicate_json);
    const bool is_id = !builder.empty() && builder.size() <= kMaxBuilderBytes;
    if (is_id) out_.builders.insert(std::move(builder));
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<bool> Counts(const AttestationRef& ref) {
    for (const Digest& id : ref.key_ids) {
      auto known = revoked_.find(id);
      if (known == revoked_.end()) {
        DML_ASSIGN_OR_RETURN(const auto key, view_.FindKey(id));
        known = revoked_.emplace(id, !key.has_value() || key->revoked).first;
      }
      if (!known->second) return true;
    }
    return false;
  }

  const Reader& state_;
  const LibraryView view_;
  ContentFacts& out_;
  std::map<Digest, bool> revoked_;
};

}  // namespace

absl::StatusOr<ContentFacts> ReadContentFacts(const Reader& state, const VariantRecord& record,
                                              const ContentRules& rules) {
  ContentFacts out;
  if (record.scan.has_value()) {
    out.scanned = record.scan_time;
    out.is_clean = record.scan->verdict == ScanVerdict::kClean;
  }
  const bool reads_builders = !rules.builders.empty();
  if (!rules.demands_sbom && !reads_builders) return out;
  Evidence evidence(state, out);
  absl::Status fault;
  DML_RETURN_IF_ERROR(
      LibraryView(state).ScanAttestations(record.name, [&](const AttestationRecord& attestation) {
        fault = evidence.Add(attestation, reads_builders);
        return fault.ok();
      }));
  DML_RETURN_IF_ERROR(fault);
  return out;
}

}  // namespace dml
