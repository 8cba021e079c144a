#include "tools/dml/permit_check.h"

#include "core/os/file.h"
#include "tools/dml/permit_json.h"
#include "tools/dml/records.h"
#include "tools/dml/root_document.h"

namespace dml {
namespace {

absl::StatusOr<PermitMemory> MemoryOf(const PermitCheckArgs& args) {
  PermitMemory out;
  std::error_code error;
  if (!args.memory.empty() && std::filesystem::exists(args.memory, error)) {
    DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.memory, kMaxPermitMemoryBytes));
    absl::StatusOr<PermitMemory> read = ParsePermitMemory(text);
    if (!read.ok()) return Annotate(read.status(), args.memory);
    out = *std::move(read);
  }
  if (!args.environment.empty()) out.environment = args.environment;
  if (!args.node.empty()) out.node = args.node;
  return out;
}

absl::Status CheckRevoked(const PermitCheckArgs& args, const PermitMemory& memory,
                          PermitCheck& out) {
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.revocations, kMaxEnvelopeBytes));
  const TrustDomain domain =
      TrustDomain::Assemble(out.verdict.next.root->root, {}, out.now, memory.revoked_keys);
  absl::StatusOr<RevocationList> list = OpenRevocationList(text, domain, memory.revocations);
  if (!list.ok()) {
    out.revoked = Annotate(list.status(), args.revocations);
    return absl::OkStatus();
  }
  out.revoked = CheckNotRevoked(*list, out.verdict.permit, out.verdict.log_index, out.now);
  out.verdict.next.revocations = RememberedRevocations{list->number, list->time};
  out.revocations = *std::move(list);
  return absl::OkStatus();
}

std::string RevocationLine(const PermitCheck& check) {
  if (!check.revoked.ok()) return std::string(Message(check.revoked));
  if (!check.revocations.has_value()) return "revocation not checked";
  return fmt::format("not revoked as of list {}, time {}", check.revocations->number,
                     FormatTime(check.revocations->time));
}

}  // namespace

absl::StatusOr<PermitCheck> CheckPermitFile(const PermitCheckArgs& args) {
  PermitCheck out;
  DML_ASSIGN_OR_RETURN(const std::optional<Timestamp> at, ParseTimeArgument(args.at));
  out.now = at.value_or(WallClockNow());
  DML_ASSIGN_OR_RETURN(const PermitMemory memory, MemoryOf(args));
  DML_ASSIGN_OR_RETURN(const TrustedRoot root, ReadPinnedRoot(args.root));
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.bundle, kMaxPermitBundleBytes));
  const absl::StatusOr<PermitBundle> bundle = ParsePermitBundle(text);
  if (!bundle.ok()) {
    out.verdict.status = Annotate(bundle.status(), args.bundle);
    out.verdict.steps = {{"bundle", false, std::string(Message(bundle.status()))}};
    return out;
  }
  out.verdict = VerifyPermitBundle(*bundle, root, out.now, memory);
  if (!out.verdict.status.ok() || args.revocations.empty()) return out;
  DML_RETURN_IF_ERROR(CheckRevoked(args, memory, out));
  return out;
}

absl::Status RememberCheck(const PermitCheckArgs& args, const PermitCheck& check) {
  // What a bundle proves is not forgotten where the permit turns out to be revoked.
  if (args.memory.empty() || !check.verdict.status.ok()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(const std::string text, FormatPermitMemory(check.verdict.next));
  return WriteFileAtomically(args.memory, AsBytes(text), 0600);
}

Reply PermitCheckReply(const PermitCheck& check) {
  Reply reply;
  Json steps = Json::array();
  for (const VerificationStep& step : check.verdict.steps) {
    steps.push_back({{"what", step.what}, {"passed", step.passed}, {"detail", step.detail}});
    reply.text.Line(
        {fmt::format("{} {}: {}", step.passed ? "ok  " : "FAIL", step.what, step.detail),
         step.passed ? Style::kGood : Style::kBad});
  }
  const absl::Status& fault = check.verdict.status.ok() ? check.revoked : check.verdict.status;
  reply.document = {{"good", check.good()},
                    {"reason", fault.ok() ? Json() : Json(std::string(Reason(fault)))},
                    {"steps", std::move(steps)},
                    {"permit", check.verdict.status.ok() ? ToJson(check.verdict) : Json()}};
  reply.document["revocation"] = {
      {"checked", check.revocations.has_value()},
      {"list", check.revocations.has_value() ? Json(check.revocations->number) : Json()},
      {"time", check.revocations.has_value() ? Json(FormatTime(check.revocations->time)) : Json()}};
  if (!check.verdict.status.ok()) {
    reply.text.Line({fmt::format("REFUSED: {}", Message(fault)), Style::kBad});
    reply.code = ExitCode::kNegative;
    return reply;
  }
  reply.text.Line({RevocationLine(check), check.revoked.ok() ? Style::kGood : Style::kBad});
  reply.text.Line(check.good() ? Cell("GOOD", Style::kGood) : Cell("REFUSED", Style::kBad));
  if (!check.good()) {
    reply.code = ExitCode::kNegative;
  } else if (check.unchecked()) {
    reply.code = ExitCode::kUnchecked;
  }
  return reply;
}

}  // namespace dml
