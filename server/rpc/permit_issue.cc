#include "server/rpc/permit_issue.h"

#include <algorithm>

#include "core/crypto/sha256.h"
#include "server/rpc/service_util.h"
#include "storage/journal/journal.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

constexpr std::string_view kBackOutSuffix = "/back-out";

// That a permit of ours would be believed.
absl::Status CheckKey(const ServiceContext& context, const Reader& state, Timestamp now) {
  if (context.permit_key == nullptr) {
    return FailedPrecondition(ErrorReason("PERMIT_KEY_MISSING"),
                              "this library has no key to sign permits with");
  }
  DML_ASSIGN_OR_RETURN(const auto trust, context.trust.Get(state, now));
  const Digest id = context.permit_key->public_key().id();
  const auto role = trust->root().roles.find(SigningRole::kPermit);
  const bool is_named =
      role != trust->root().roles.end() && std::ranges::count(role->second.key_ids, id) > 0;
  DML_ASSIGN_OR_RETURN(const auto known, LibraryView(state).FindKey(id));
  if (is_named && known.has_value() && !known->revoked) return absl::OkStatus();
  return FailedPrecondition(
      ErrorReason("PERMIT_KEY_NOT_IN_ROOT"),
      "trust root {} does not name the key {} (keys/permit.key) in the role permit, so nobody "
      "would "
      "believe its permits: set a root that does (dml root add-key, sign, set)",
      trust->root().version, id.ToString());
}

// One decision, committed or tried, for one release.
class Asking {
 public:
  Asking(const ServiceContext& context, const Caller& caller, const std::string& request_id,
         bool validate_only)
      : context_(context),
        caller_(caller),
        request_id_(request_id),
        validate_only_(validate_only) {}

  /// The answer that was given to this very request before.
  absl::StatusOr<std::optional<IssuedPermit>> Answered(const PermitRequest& request) const {
    const auto state = context_.library.Read();
    DML_ASSIGN_OR_RETURN(
        auto found, FindAnswered(*state, caller_.principal(), request_id_, request.ToDigest()));
    if (!found.has_value()) return std::nullopt;
    IssuedPermit out;
    DML_ASSIGN_OR_RETURN(out.findings, FindingsOf(*state, found->decided));
    out.receipt = Receipt{found->index, found->time, context_.library.checkpoint(), true};
    if (!found->decided.back_out.empty()) {
      DML_ASSIGN_OR_RETURN(out.back_out, LibraryView(*state).FindPermit(found->decided.back_out));
    }
    out.permit = *std::move(found);
    return out;
  }

  /// Only what would be decided.
  absl::StatusOr<PermitDecision> Try(const PermitRequest& request,
                                     std::string_view back_out_fault) const {
    const auto state = context_.library.Read();
    DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(*state));
    DML_RETURN_IF_ERROR(CheckKey(context_, *state, now));
    return DecidePermit(*state, ToolsOf(context_), request, now, back_out_fault);
  }

  absl::StatusOr<IssuedPermit> Carry(const PermitRequest& request,
                                     std::string_view back_out_fault) const {
    IssuedPermit out;
    DML_RETURN_IF_ERROR(RetryWhereStale([&]() -> absl::Status {
      absl::StatusOr<PermitDecision> decision = Try(request, back_out_fault);
      DML_RETURN_IF_ERROR(decision.status());
      out.permit.decided = decision->decided();
      out.findings = std::move(decision->findings);
      out.approved_findings = decision->release.verdict.approved_findings;
      absl::StatusOr<Receipt> receipt =
          CommitAs(context_, caller_, request_id_, validate_only_, std::move(decision->command));
      if (!receipt.ok() && Reason(receipt.status()) == "SEATS_EXHAUSTED") {
        return Aborted(ErrorReason("STATE_CHANGED"),
                       "somebody took the seats while this was decided: decide again");
      }
      DML_RETURN_IF_ERROR(receipt.status());
      out.permit.index = receipt->index;
      out.permit.time = receipt->time;
      out.permit.author = caller_.principal();
      if (!validate_only_) out.receipt = *std::move(receipt);
      return absl::OkStatus();
    }));
    context_.TellDecision("permit", out.permit.decided.allowed, out.findings);
    return out;
  }

 private:
  const ServiceContext& context_;
  const Caller& caller_;
  const std::string& request_id_;
  const bool validate_only_;
};

// The suffix may make it too long, or meet another request: then it is a digest of both.
std::string BackOutRequestId(const std::string& request_id) {
  if (request_id.empty()) return "";
  return Sha256(request_id + std::string(kBackOutSuffix)).hex();
}

std::string WhyDenied(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kError) {
      return fmt::format("{}: {}", finding.rule, finding.message);
    }
  }
  return "";
}

// The permit to go back by, and why there is none.
struct BackOut {
  std::optional<PermitRecord> permit;
  std::string fault;
};

absl::StatusOr<BackOut> GiveBackOut(const ServiceContext& context, const Caller& caller,
                                    PermitRequest request, const Digest& release,
                                    const std::string& request_id, bool validate_only) {
  request.release = release;
  request.is_back_out = true;
  request.seats.clear();  // Those of the release that it takes the place of are free then.
  const std::string own_id = BackOutRequestId(request_id);
  const Asking asking(context, caller, own_id, validate_only);
  BackOut out;
  DML_ASSIGN_OR_RETURN(const auto before, asking.Answered(request));
  if (before.has_value()) {
    out.permit = before->permit;
  } else {
    DML_ASSIGN_OR_RETURN(IssuedPermit issued, asking.Carry(request, ""));
    out.fault = WhyDenied(issued.findings);
    out.permit = std::move(issued.permit);
    return out;
  }
  out.fault = WhyDenied(before->findings);
  return out;
}

}  // namespace

PermitTools ToolsOf(const ServiceContext& context) {
  return {context.trust, *context.policies, *context.specs, context.library.origin()};
}

absl::StatusOr<IssuedPermit> IssuePermit(const ServiceContext& context, const Caller& caller,
                                         PermitRequest request, const std::string& request_id,
                                         bool validate_only) {
  const Asking asking(context, caller, request_id, validate_only);
  DML_ASSIGN_OR_RETURN(auto before, asking.Answered(request));
  if (before.has_value()) return *std::move(before);
  DML_ASSIGN_OR_RETURN(const Release release,
                       LoadRelease(*context.library.Read(), request.release));
  if (!release.back_out.has_value()) return asking.Carry(request, "");
  // What may not go needs no way back.
  DML_ASSIGN_OR_RETURN(const PermitDecision first, asking.Try(request, ""));
  if (!first.allowed) return asking.Carry(request, "");
  DML_ASSIGN_OR_RETURN(BackOut back_out, GiveBackOut(context, caller, request, *release.back_out,
                                                     request_id, validate_only));
  const bool is_given = back_out.fault.empty() && back_out.permit.has_value();
  if (is_given && !validate_only) request.back_out = back_out.permit->decided.id;
  DML_ASSIGN_OR_RETURN(IssuedPermit out, asking.Carry(request, back_out.fault));
  if (is_given) out.back_out = std::move(back_out.permit);
  return out;
}

}  // namespace dml
