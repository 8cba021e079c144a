#include "client/licenses.h"

#include "client/calls.h"
#include "client/license_sets.h"
#include "core/wire/api_licenses.h"
#include "dml/v1/license.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::LicenseService::Stub;

// Of license data in one message, and how long a slow network may need for it.
constexpr size_t kPieceBytes = 1 << 20;
constexpr std::chrono::seconds kPieceTime{5};

absl::StatusOr<LicenseDataDocument> ReadDocument(const v1::LicenseData& in) {
  DML_ASSIGN_OR_RETURN(LicenseDataRecord record, Answered(wire::From(in)));
  return LicenseDataDocument{std::move(record), in.envelope()};
}

// States of the library over which an answer of several pages is begun again.
constexpr int kMaxAnswers = 5;
constexpr int kFindingsPage = 1000;
constexpr uint64_t kMaxSetFindings = 1 << 20;

template <typename Answer>
absl::StatusOr<LicenseComparison> ReadVerdict(const Answer& in) {
  LicenseComparison out;
  DML_ASSIGN_OR_RETURN(out.outcome, Answered(wire::From(in.outcome())));
  out.outbound = in.outbound();
  out.inbound = in.inbound();
  DML_ASSIGN_OR_RETURN(out.context, Answered(wire::From(in.context())));
  out.explanation = in.explanation();
  out.source = in.matrix_version();
  return out;
}

absl::StatusOr<LicenseSetFinding> ReadFinding(const v1::LicenseSetFinding& in) {
  LicenseSetFinding out;
  out.finding = wire::From(in.finding());
  if (!in.has_conflict()) return out;
  DML_ASSIGN_OR_RETURN(LicenseComparison verdict, ReadVerdict(in.conflict()));
  out.conflict = LicenseSetConflict{in.conflict().outbound_variant(),
                                    in.conflict().inbound_variant(), std::move(verdict)};
  return out;
}

// A document in pieces that fit into messages, under one request id however often it is sent.
absl::StatusOr<v1::SetLicenseDataResponse> SendData(Connection& connection,
                                                    const std::string& envelope,
                                                    std::string_view content,
                                                    const std::string& request_id,
                                                    const MutationOptions& options) {
  // A call like any other comes first: it finds out whether the log is the pinned one.
  v1::ListLicenseDataRequest probe;
  probe.set_page_size(1);
  DML_RETURN_IF_ERROR(connection.Call(&Calls::ListLicenseData, probe).status());
  Calls stub(connection.channel());
  Backoff backoff = connection.NewBackoff(connection.channel());
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + connection.options().unary_timeout +
                         kPieceTime * static_cast<int>(content.size() / kPieceBytes));
    v1::SetLicenseDataResponse response;
    const auto stream = stub.SetLicenseData(&context, &response);
    v1::SetLicenseDataRequest message;
    message.set_envelope(envelope);
    message.set_request_id(request_id);
    message.set_validate_only(options.validate_only);
    size_t sent = 0;
    bool open = true;
    do {
      const std::string_view piece = content.substr(sent, kPieceBytes);
      message.set_content(std::string(piece));
      sent += piece.size();
      open = stream->Write(message);  // False: the server ended the call, and says why.
      message.Clear();
    } while (open && sent < content.size());
    stream->WritesDone();
    const absl::Status status = connection.Received(stream->Finish());
    if (status.ok()) return response;
    if (!backoff.WaitAfter(status)) return status;
  }
}

// All pages of one answer; nullopt where the library changed between two of them.
absl::StatusOr<std::optional<LicenseSetAnswer>> FetchSet(Connection& connection,
                                                         v1::EvaluateLicenseSetRequest request) {
  LicenseSetAnswer out;
  bool first = true;
  do {
    DML_ASSIGN_OR_RETURN(auto page, Ask(connection, &Calls::EvaluateLicenseSet, request,
                                        [](const v1::EvaluateLicenseSetResponse& answer) {
                                          return answer.index();
                                        }));
    if (!first && page.index() != out.index) return std::nullopt;
    first = false;
    DML_ASSIGN_OR_RETURN(out.outcome, Answered(wire::From(page.outcome())));
    out.pairs = page.pair_count();
    out.index = page.index();
    out.matrix_version = page.matrix_version();
    out.license_list_version = page.license_list_version();
    out.policy_revision = page.policy_revision();
    out.variants = page.variant_count();
    if (page.policy_outcome() != v1::LICENSE_OUTCOME_UNSPECIFIED) {
      DML_ASSIGN_OR_RETURN(out.policy_outcome, Answered(wire::From(page.policy_outcome())));
    }
    for (const v1::LicenseSetFinding& item : page.findings()) {
      DML_ASSIGN_OR_RETURN(LicenseSetFinding finding, ReadFinding(item));
      out.findings.push_back(std::move(finding));
    }
    request.set_page_token(page.next_page_token());
    const bool last = request.page_token().empty();
    const bool stuck = !last && page.findings().empty();
    if (stuck || page.finding_count() > kMaxSetFindings ||
        out.findings.size() > page.finding_count() ||
        (last && out.findings.size() != page.finding_count())) {
      return BadAnswer(fmt::format("{} findings were announced, {} came", page.finding_count(),
                                   out.findings.size()));
    }
  } while (!request.page_token().empty());
  return out;
}

}  // namespace

absl::StatusOr<Committed<LicenseDataLoaded>> LicenseClient::SetData(
    const std::string& envelope, const std::string& content, const MutationOptions& options) {
  const std::string request_id = options.request_id.empty() ? NewRequestId() : options.request_id;
  DML_ASSIGN_OR_RETURN(auto response,
                       SendData(client_.connection(), envelope, content, request_id, options));
  DML_ASSIGN_OR_RETURN(auto done,
                       ProveMutation<LicenseDataSet>(client_.connection(), std::move(response),
                                                     request_id, options));
  Committed<LicenseDataLoaded> out;
  DML_ASSIGN_OR_RETURN(out.value.record, Answered(wire::From(done.response.data())));
  out.value.changes.assign(done.response.changes().begin(), done.response.changes().end());
  out.commit = std::move(done.commit);
  return out;
}

absl::StatusOr<ListPage<LicenseDataDocument>> LicenseClient::ListData(
    std::optional<LicenseDataKind> kind, const ListOptions& options) {
  v1::ListLicenseDataRequest request;
  if (kind.has_value()) request.set_kind(wire::ToApi(*kind));
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::ListLicenseData, request));
  return ReadPageBy<LicenseDataDocument>(response.data(), response.next_page_token(), ReadDocument);
}

absl::StatusOr<ListPage<LicenseUse>> LicenseClient::Find(const LicenseQuestion& question,
                                                         const ListOptions& options) {
  v1::FindPackagesByLicenseRequest request;
  request.set_license(question.license);
  request.set_category(question.category);
  request.set_obligation(question.obligation);
  request.set_part(question.part);
  request.set_unknown(question.unknown);
  if (question.context.has_value()) wire::To(*question.context, request.mutable_context());
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response,
                       client_.connection().Call(&Calls::FindPackagesByLicense, request));
  return ReadPageBy<LicenseUse>(
      response.matches(), response.next_page_token(),
      [](const v1::FindPackagesByLicenseResponse::Match& match) -> absl::StatusOr<LicenseUse> {
        DML_ASSIGN_OR_RETURN(VariantName name, VariantName::Parse(match.variant()));
        return LicenseUse{std::move(name), match.declared_license()};
      });
}

absl::StatusOr<LicenseComparison> LicenseClient::Compare(const std::string& outbound,
                                                         const std::string& inbound,
                                                         const LicenseContext& context) {
  v1::CompareLicensesRequest request;
  request.set_outbound(outbound);
  request.set_inbound(inbound);
  wire::To(context, request.mutable_context());
  DML_ASSIGN_OR_RETURN(
      auto response, Ask(client_.connection(), &Calls::CompareLicenses, request,
                         [](const v1::CompareLicensesResponse& answer) { return answer.index(); }));
  DML_ASSIGN_OR_RETURN(LicenseComparison out, ReadVerdict(response));
  out.list_version = response.license_list_version();
  return out;
}

absl::StatusOr<LicenseSetAnswer> LicenseClient::CheckSet(const LicenseSetQuestion& question) {
  v1::EvaluateLicenseSetRequest request;
  AskAbout(question, request);
  request.set_outbound(question.outbound);
  request.set_page_size(kFindingsPage);
  for (int i = 0; i < kMaxAnswers; ++i) {
    DML_ASSIGN_OR_RETURN(auto answer, FetchSet(client_.connection(), request));
    if (answer.has_value()) return *std::move(answer);
  }
  return Aborted(ErrorReason("ANSWER_CHANGED"),
                 "the library changed while its answer was being read, {} times; ask again",
                 kMaxAnswers);
}

}  // namespace dml
