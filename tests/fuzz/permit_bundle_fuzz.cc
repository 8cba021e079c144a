// Permit bundles: one text for one value, and whatever is changed in one that is good, it either is
// refused or says the same. Also the log proof in it, and what a verifier keeps.
#include "core/evidence/deploy_report.h"
#include "core/evidence/log_proof.h"
#include "core/evidence/permit_verifier.h"
#include "core/evidence/revocation_list.h"
#include "core/gate/findings.h"
#include "core/release/baseline.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/targets.h"

namespace dml::fuzz {
namespace {

struct Scene {
  TrustedRoot pinned;
  Timestamp now;
  PermitMemory memory;
  PermitVerdict verdict;  // On the golden bundle.
};

// Of tests/golden/trust/make_permit_bundle.py.
const Scene& Golden() {
  static const auto* const scene = [] {
    auto* out = new Scene{*OpenPinnedRoot(GoldenSeed("trust/permit-root.json")),
                          *ParseTime("2026-06-01T12:00:00Z"),
                          {},
                          {}};
    out->memory.environment = "production/eu";
    out->memory.node = "node-2";
    out->verdict = VerifyPermitBundle(*ParsePermitBundle(GoldenSeed("trust/permit-bundle.json")),
                                      out->pinned, out->now, out->memory);
    return out;
  }();
  return *scene;
}

bool CheckLogProof(std::string_view text) {
  const absl::StatusOr<LogProof> proof = ParseLogProof(text);
  if (!proof.ok()) return false;
  DML_HOLDS(text.size() <= kMaxLogProofBytes && proof->hashes.size() <= 64);
  DML_HOLDS(FormatLogProof(*proof) == text);
  const auto logged = VerifyLogProof(*proof, nullptr);
  if (logged.ok()) DML_HOLDS(logged->entry.index == proof->index);
  return true;
}

bool CheckMemory(std::string_view text) {
  const absl::StatusOr<PermitMemory> memory = ParsePermitMemory(text);
  if (!memory.ok()) return false;
  DML_HOLDS(text.size() <= kMaxPermitMemoryBytes && !memory->environment.empty());
  const absl::StatusOr<std::string> written = FormatPermitMemory(*memory);
  DML_HOLDS(written.ok());
  DML_HOLDS(*ParsePermitMemory(*written) == *memory);
  return true;
}

// What is beside a permit: revocations, findings, what was in use, what was fetched.
bool CheckCompanions(std::string_view text) {
  const absl::StatusOr<RevocationList> list = ParseRevocationList(text);
  if (list.ok()) DML_HOLDS(*ParseRevocationList(*FormatRevocationList(*list)) == *list);
  const absl::StatusOr<std::vector<Finding>> findings = ParseFindings(text);
  if (findings.ok()) DML_HOLDS(FormatFindings(*findings) == text);
  const absl::StatusOr<std::vector<VariantName>> baseline = ParseBaseline(text);
  if (baseline.ok()) DML_HOLDS(*FormatBaseline(*baseline) == text);
  const absl::StatusOr<DeployReport> report = ParseDeployReport(text);
  if (report.ok()) DML_HOLDS(*ParseDeployReport(*FormatDeployReport(*report)) == *report);
  return list.ok() || report.ok() || (findings.ok() && !findings->empty());
}

bool CheckVerdict(const PermitBundle& bundle) {
  const Scene& golden = Golden();
  DML_HOLDS(golden.verdict.status.ok());
  const PermitVerdict verdict =
      VerifyPermitBundle(bundle, golden.pinned, golden.now, golden.memory);
  if (!verdict.status.ok()) {
    DML_HOLDS(!Reason(verdict.status).empty());
    return false;
  }
  DML_HOLDS(verdict.permit == golden.verdict.permit);
  DML_HOLDS(verdict.release_digest == golden.verdict.release_digest);
  DML_HOLDS(verdict.release == golden.verdict.release);
  DML_HOLDS(verdict.approvers == golden.verdict.approvers);
  DML_HOLDS(verdict.log_index == golden.verdict.log_index);
  DML_HOLDS(verdict.decided == golden.verdict.decided);
  DML_HOLDS(verdict.next == golden.verdict.next);
  return true;
}

}  // namespace

bool FuzzPermitBundle(std::string_view input) {
  const bool proof = CheckLogProof(input);
  const bool memory = CheckMemory(input) || CheckCompanions(input);
  const absl::StatusOr<PermitBundle> bundle = ParsePermitBundle(input);
  if (!bundle.ok()) {
    DML_HOLDS(Reason(bundle.status()) == "PERMIT_BUNDLE_INVALID");
    return proof || memory;
  }
  DML_HOLDS(input.size() <= kMaxPermitBundleBytes);
  DML_HOLDS(CheckPermitBundle(*bundle).ok());
  const absl::StatusOr<std::string> text = FormatPermitBundle(*bundle);
  if (text.ok()) {
    const absl::StatusOr<PermitBundle> again = ParsePermitBundle(*text);
    DML_HOLDS(again.ok());
    DML_HOLDS(*again == *bundle);
  } else {  // Indented, it can be too long.
    DML_HOLDS(input.size() > kMaxPermitBundleBytes / 8);
  }
  CheckLogProof(bundle->log_proof);
  CheckVerdict(*bundle);
  return true;
}

std::vector<std::string> PermitBundleSeeds() {
  const std::string bundle = GoldenSeed("trust/permit-bundle.json");
  const std::vector<Finding> findings = {{"a.b", Severity::kError, "c", "d", "e"}};
  return {bundle, ParsePermitBundle(bundle)->log_proof, *FormatPermitMemory(Golden().verdict.next),
          GoldenSeed("trust/revocations.json"), FormatFindings(findings)};
}

}  // namespace dml::fuzz
