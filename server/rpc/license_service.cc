// Questions on the licenses of packages.
#include <algorithm>

#include "core/license/findings.h"
#include "core/wire/api_licenses.h"
#include "dml/v1/license.grpc.pb.h"
#include "server/rpc/license_dry_run.h"
#include "server/rpc/license_questions.h"
#include "server/rpc/license_report.h"
#include "server/rpc/license_sets.h"
#include "server/rpc/service_util.h"
#include "server/rpc/stall_watch.h"
#include "storage/journal/journal.h"
#include "storage/library/license_data.h"
#include "storage/library/variant_licenses.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

// Envelopes on one page, in a message with room to spare.
constexpr size_t kMaxDataPage = 16;

// What is judged: an expression (of a variant, what its evidence comes to), and the package that
// carries it, if one does.
struct Subject {
  std::string expression;
  std::string package;  // "namespace/name"
  std::string name;     // For findings.
  LicenseEvidence evidence{};
};

class LicenseServiceImpl final : public v1::LicenseService::Service {
 public:
  explicit LicenseServiceImpl(const ServiceContext& context)
      : context_(context), watch_(context.stall_timeout) {}

  grpc::Status EvaluateLicense(grpc::ServerContext* context,
                               const v1::EvaluateLicenseRequest* request,
                               v1::EvaluateLicenseResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.LicenseService/EvaluateLicense",
                  [&](const Caller& caller) { return Evaluate(caller, *request, *response); });
  }

  grpc::Status FindPackagesByLicense(grpc::ServerContext* context,
                                     const v1::FindPackagesByLicenseRequest* request,
                                     v1::FindPackagesByLicenseResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.LicenseService/FindPackagesByLicense",
        [&](const Caller& caller) { return FindByLicense(context_, caller, *request, *response); });
  }

  grpc::Status EvaluateLicenseSet(grpc::ServerContext* context,
                                  const v1::EvaluateLicenseSetRequest* request,
                                  v1::EvaluateLicenseSetResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.LicenseService/EvaluateLicenseSet",
        [&](const Caller& caller) { return EvaluateSet(context_, caller, *request, *response); });
  }

  grpc::Status DryRunPolicy(grpc::ServerContext* context, const v1::DryRunPolicyRequest* request,
                            v1::DryRunPolicyResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.LicenseService/DryRunPolicy",
        [&](const Caller& caller) { return TryPolicy(context_, caller, *request, *response); });
  }

  grpc::Status GetLicenseReport(grpc::ServerContext* context,
                                const v1::GetLicenseReportRequest* request,
                                v1::GetLicenseReportResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.LicenseService/GetLicenseReport",
                  [&](const Caller& caller) {
                    return ReportLicenses(context_, caller, *request, *response);
                  });
  }

  grpc::Status CompareLicenses(grpc::ServerContext* context,
                               const v1::CompareLicensesRequest* request,
                               v1::CompareLicensesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.LicenseService/CompareLicenses",
                  [&](const Caller&) { return Compare(*request, *response); });
  }

  grpc::Status ListLicenseData(grpc::ServerContext* context,
                               const v1::ListLicenseDataRequest* request,
                               v1::ListLicenseDataResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.LicenseService/ListLicenseData",
                  [&](const Caller&) { return ListData(*request, *response); });
  }

  grpc::Status SetLicenseData(grpc::ServerContext* context,
                              grpc::ServerReader<v1::SetLicenseDataRequest>* stream,
                              v1::SetLicenseDataResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.LicenseService/SetLicenseData",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(TransferSlot slot,
                                         context_.budget.AdmitUpload(caller.principal()));
                    v1::SetLicenseDataRequest request;
                    DML_RETURN_IF_ERROR(Receive(*context, *stream, request));
                    return SetData(caller, request, *response);
                  });
  }

 private:
  absl::StatusOr<Subject> ReadSubject(const Caller& caller, const Reader& state,
                                      const v1::EvaluateLicenseRequest& request) const {
    if (request.subject_case() == v1::EvaluateLicenseRequest::kExpression) {
      return Subject{request.expression(), "", "the license"};
    }
    if (request.subject_case() != v1::EvaluateLicenseRequest::kVariant) {
      return InvalidArgument(ErrorReason("SUBJECT_REQUIRED"), "give an expression or a variant");
    }
    DML_ASSIGN_OR_RETURN(VariantName name, ReadVariant(request.variant(), "variant"));
    DML_RETURN_IF_ERROR(caller.MayInNamespace(name.package.ns));
    DML_ASSIGN_OR_RETURN(auto record, LibraryView(state).FindVariant(name));
    if (!record.has_value()) {
      return NotFound(ErrorReason("VARIANT_NOT_FOUND"), "no {}", name.ResourceName());
    }
    DML_ASSIGN_OR_RETURN(const LicenseState now,
                         ReadLicenseState(state, context_.trust, *context_.policies));
    DML_ASSIGN_OR_RETURN(VariantLicense license,
                         ReadVariantLicense(now, *context_.policies, *record));
    return Subject{license.effective.ToString(), name.package.ToString(), name.ResourceName(),
                   std::move(license.evidence)};
  }

  absl::StatusOr<PolicyInUse> ReadPolicy(const Caller& caller, const Reader& state,
                                         const v1::EvaluateLicenseRequest& request) const {
    if (request.policy_case() == v1::EvaluateLicenseRequest::kPolicyDocument) {
      PolicyInUse out;
      auto policy = context_.policies->Parse(state, request.policy_document());
      if (!policy.ok()) return AtField(policy.status(), "policy_document");
      out.in_force = *std::move(policy);
      return out;
    }
    if (request.policy_case() != v1::EvaluateLicenseRequest::kEnvironment) {
      return InvalidArgument(ErrorReason("POLICY_REQUIRED"),
                             "give an environment or a policy document");
    }
    return ReadPolicyOf(context_, caller, state, request.environment());
  }

  absl::Status Evaluate(const Caller& caller, const v1::EvaluateLicenseRequest& request,
                        v1::EvaluateLicenseResponse& response) const {
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(const Subject subject, ReadSubject(caller, *snapshot, request));
    DML_ASSIGN_OR_RETURN(const PolicyInUse use, ReadPolicy(caller, *snapshot, request));
    const Policy& policy = *use.in_force.policy;
    const LicenseList& list = *use.in_force.data->list;
    auto expression = LicenseExpression::Parse(subject.expression, list);
    if (!expression.ok()) return AtField(expression.status(), "expression");
    const JournalView journal(*snapshot);
    DML_ASSIGN_OR_RETURN(const uint64_t index, journal.Size());
    DML_ASSIGN_OR_RETURN(const StoredEntry last, journal.At(index - 1));
    LicenseCircumstances circumstances{
        .context = LicenseContextOf(policy, use.environment, subject.package),
        .package = subject.package,
        .time = last.entry.time,
        .waivers = &policy.waivers};
    if (request.has_context()) {
      auto given = wire::From(request.context());
      if (!given.ok()) return AtField(given.status(), "context");
      circumstances.context = *given;
    }
    const LicenseVerdict verdict =
        dml::EvaluateLicense(*expression, policy.licenses, list, circumstances);
    response.set_expression(expression->ToString());
    if (!subject.package.empty()) FillEvidence(subject.evidence, subject.name, response);
    response.set_policy_revision(use.revision);
    response.set_index(index);
    FillVerdict(verdict, subject.name, list, response);
    return absl::OkStatus();
  }

  absl::Status Compare(const v1::CompareLicensesRequest& request,
                       v1::CompareLicensesResponse& response) const {
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(const auto data, context_.policies->Data(*snapshot));
    DML_RETURN_IF_ERROR(CheckMatrix(*data));
    auto outbound = LicenseExpression::Parse(request.outbound(), *data->list);
    if (!outbound.ok()) return AtField(outbound.status(), "outbound");
    auto inbound = LicenseExpression::Parse(request.inbound(), *data->list);
    if (!inbound.ok()) return AtField(inbound.status(), "inbound");
    auto use = wire::From(request.context());
    if (!use.ok()) return AtField(use.status(), "context");
    const LicenseComparison verdict =
        dml::CompareLicenses(*outbound, *inbound, *use, *data->matrix, *data->list);
    response.set_outcome(wire::ToApi(verdict.outcome));
    response.set_outbound(verdict.outbound);
    response.set_inbound(verdict.inbound);
    wire::To(verdict.context, response.mutable_context());
    response.set_explanation(verdict.explanation);
    response.set_matrix_version(verdict.source);
    response.set_license_list_version(verdict.list_version);
    DML_ASSIGN_OR_RETURN(const uint64_t index, JournalView(*snapshot).Size());
    response.set_index(index);
    return absl::OkStatus();
  }

  absl::Status ListData(const v1::ListLicenseDataRequest& request,
                        v1::ListLicenseDataResponse& response) const {
    DML_ASSIGN_OR_RETURN(PageRequest page, ReadPage(request.page_size(), request.page_token()));
    page.size = std::min(page.size, kMaxDataPage);
    std::optional<LicenseDataKind> kind;
    if (request.kind() != v1::LICENSE_DATA_KIND_UNSPECIFIED) {
      DML_ASSIGN_OR_RETURN(kind, wire::From(request.kind()));
    }
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).LicenseData(kind, page));
    for (const LicenseDataRecord& record : found.items) {
      v1::LicenseData* out = response.add_data();
      wire::To(record, out);
      DML_ASSIGN_OR_RETURN(*out->mutable_envelope(), ReadMetadata(*snapshot, record.set.envelope));
    }
    response.set_next_page_token(PageToken(found.next_key));
    return absl::OkStatus();
  }

  // All messages of a stream as one.
  absl::Status Receive(grpc::ServerContext& context,
                       grpc::ServerReader<v1::SetLicenseDataRequest>& stream,
                       v1::SetLicenseDataRequest& out) {
    StallWatch::Stream watched(watch_, context);
    if (!stream.Read(&out)) {
      if (context.IsCancelled()) return watched.Broken();
      return InvalidArgument(ErrorReason("STREAM_EMPTY"),
                             "the stream ended before its first message, which has the envelope");
    }
    for (v1::SetLicenseDataRequest more; stream.Read(&more); watched.Progress()) {
      if (out.content().size() + more.content().size() > kMaxLicenseDataBytes) {
        return AtField(InvalidArgument(ErrorReason("LICENSE_DATA_INVALID"),
                                       "the content has more than {} bytes", kMaxLicenseDataBytes),
                       "content");
      }
      out.mutable_content()->append(more.content());
    }
    return context.IsCancelled() ? watched.Broken() : absl::OkStatus();
  }

  absl::Status SetData(const Caller& caller, const v1::SetLicenseDataRequest& request,
                       v1::SetLicenseDataResponse& response) const {
    LicenseDataRecord record;
    LicenseDataChange change;
    Receipt receipt;
    DML_RETURN_IF_ERROR(RetryWhereStale([&]() -> absl::Status {
      auto snapshot = context_.library.Read();
      DML_ASSIGN_OR_RETURN(auto trust, context_.trust.Get(*snapshot, WallClockNow()));
      DML_ASSIGN_OR_RETURN(
          change, PrepareSetLicenseData(*snapshot, *trust, request.envelope(), request.content()));
      record.set = std::get<LicenseDataSet>(change.command.payload);
      DML_ASSIGN_OR_RETURN(receipt, CommitAs(context_, caller, request.request_id(),
                                             request.validate_only(), std::move(change.command)));
      return absl::OkStatus();
    }));
    To(receipt, response.mutable_receipt());
    record.index = receipt.index;
    record.time = receipt.time;
    record.author = caller.principal();
    wire::To(record, response.mutable_data());
    response.mutable_data()->set_envelope(request.envelope());
    for (std::string& line : change.changes) response.add_changes(std::move(line));
    return absl::OkStatus();
  }

  static void FillVerdict(const LicenseVerdict& verdict, const std::string& subject,
                          const LicenseList& list, v1::EvaluateLicenseResponse& response) {
    response.set_outcome(wire::ToApi(verdict.outcome));
    response.set_chosen(verdict.chosen);
    for (const LicenseReason& reason : verdict.reasons) {
      wire::To(reason, response.add_reasons());
    }
    for (const std::string& obligation : verdict.obligations) {
      response.add_obligations(obligation);
    }
    for (const Finding& finding : LicenseFindings(verdict, subject, list)) {
      wire::To(finding, response.add_findings());
    }
    wire::To(verdict.context, response.mutable_context());
    response.set_license_list_version(verdict.list_version);
    response.set_license_properties_version(verdict.properties_version);
  }

  const ServiceContext context_;
  StallWatch watch_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLicenseService(const ServiceContext& context) {
  return std::make_unique<LicenseServiceImpl>(context);
}

}  // namespace dml
