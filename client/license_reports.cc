// LicenseClient: reports, whose pages are made into one, and dry runs of policies.
#include "client/calls.h"
#include "client/license_sets.h"
#include "client/licenses.h"
#include "core/wire/api_licenses.h"
#include "dml/v1/license.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::LicenseService::Stub;

constexpr int kMaxAnswers = 5;
constexpr int kItemsPage = 1000;
constexpr uint64_t kMaxReportItems = 1 << 22;

absl::Status AddComponent(const v1::LicenseReportItem::Component& in, NoticeInput& notice) {
  // The library's list may be newer than that of this program.
  DML_ASSIGN_OR_RETURN(LicenseExpression license,
                       Answered(LicenseExpression::ParseOpen(in.license(), BundledLicenseList())));
  notice.components.push_back({in.name(), in.version(), in.purl(), std::move(license), {}});
  return absl::OkStatus();
}

void AddObligation(const v1::LicenseReportItem::Obligation& in, NoticeInput& notice) {
  if (notice.obligations.empty() || notice.obligations.back().word != in.word()) {
    notice.obligations.push_back({in.word(), in.text(), {}, {}});
  }
  SetObligation& out = notice.obligations.back();
  out.licenses.insert(out.licenses.end(), in.licenses().begin(), in.licenses().end());
  out.components.insert(out.components.end(), in.components().begin(), in.components().end());
}

absl::Status AddItem(const v1::LicenseReportItem& item, LicenseReportAnswer& out) {
  switch (item.item_case()) {
    case v1::LicenseReportItem::kComponent:
      return AddComponent(item.component(), out.notice);
    case v1::LicenseReportItem::kObligation:
      AddObligation(item.obligation(), out.notice);
      return absl::OkStatus();
    case v1::LicenseReportItem::kText:
      out.notice.texts.emplace(item.text().id(), item.text().text());
      return absl::OkStatus();
    case v1::LicenseReportItem::kMissingText:
      out.missing.push_back(item.missing_text());
      return absl::OkStatus();
    case v1::LicenseReportItem::ITEM_NOT_SET:
      break;
  }
  // Left out, a notice would lack what nobody misses.
  return BadAnswer("a report has an item of an unknown kind");
}

absl::Status AddFacts(const v1::GetLicenseReportResponse& page, LicenseReportAnswer& out) {
  NoticeInput& notice = out.notice;
  notice.time = wire::From(page.time());
  DML_ASSIGN_OR_RETURN(notice.context, Answered(wire::From(page.context())));
  notice.list_version = page.license_list_version();
  notice.properties_version = page.license_properties_version();
  notice.document_namespace = page.document_namespace();
  out.license_texts_version = page.license_texts_version();
  out.policy_revision = page.policy_revision();
  return absl::OkStatus();
}

// All pages of one answer; nullopt where the library changed between two of them.
absl::StatusOr<std::optional<LicenseReportAnswer>> Fetch(Connection& connection,
                                                         v1::GetLicenseReportRequest request) {
  LicenseReportAnswer out;
  uint64_t items = 0;
  do {
    DML_ASSIGN_OR_RETURN(
        auto page, Ask(connection, &Calls::GetLicenseReport, request,
                       [](const v1::GetLicenseReportResponse& answer) { return answer.index(); }));
    if (items > 0 && page.index() != out.index) return std::nullopt;
    out.index = page.index();
    DML_RETURN_IF_ERROR(AddFacts(page, out));
    for (const v1::LicenseReportItem& item : page.items()) {
      DML_RETURN_IF_ERROR(AddItem(item, out));
    }
    items += page.items_size();
    request.set_page_token(page.next_page_token());
    const bool last = request.page_token().empty();
    const bool stuck = !last && page.items().empty();
    if (stuck || page.item_count() > kMaxReportItems || items > page.item_count() ||
        (last && items != page.item_count())) {
      return BadAnswer(fmt::format("{} items were announced, {} came", page.item_count(), items));
    }
  } while (!request.page_token().empty());
  return out;
}

absl::StatusOr<LicensePolicyVerdict> ReadVerdict(const v1::LicensePolicyVerdict& in) {
  LicensePolicyVerdict out;
  if (in.outcome() != v1::LICENSE_OUTCOME_UNSPECIFIED) {
    DML_ASSIGN_OR_RETURN(out.outcome, wire::From(in.outcome()));
  }
  out.chosen = in.chosen();
  out.obligations.assign(in.obligations().begin(), in.obligations().end());
  out.explanation = in.explanation();
  return out;
}

absl::StatusOr<LicensePolicyChange> ReadChange(const v1::LicensePolicyChange& in) {
  LicensePolicyChange out;
  DML_ASSIGN_OR_RETURN(out.variant, VariantName::Parse(in.variant()));
  out.license = in.license();
  DML_ASSIGN_OR_RETURN(out.before, ReadVerdict(in.before()));
  DML_ASSIGN_OR_RETURN(out.after, ReadVerdict(in.after()));
  return out;
}

}  // namespace

absl::StatusOr<ListPage<LicensePolicyChange>> LicenseClient::DryRun(
    const std::string& environment, const std::string& policy_document,
    const ListOptions& options) {
  v1::DryRunPolicyRequest request;
  request.set_environment(wire::EnvironmentResource(environment));
  request.set_policy_document(policy_document);
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response,
                       Ask(client_.connection(), &Calls::DryRunPolicy, request,
                           [](const v1::DryRunPolicyResponse& answer) { return answer.index(); }));
  return ReadPageBy<LicensePolicyChange>(response.changes(), response.next_page_token(),
                                         ReadChange);
}

absl::StatusOr<LicenseReportAnswer> LicenseClient::Report(const LicenseSetQuestion& question) {
  v1::GetLicenseReportRequest request;
  AskAbout(question, request);
  request.set_page_size(kItemsPage);
  for (int i = 0; i < kMaxAnswers; ++i) {
    DML_ASSIGN_OR_RETURN(auto answer, Fetch(client_.connection(), request));
    if (answer.has_value()) return *std::move(answer);
  }
  return Aborted(ErrorReason("ANSWER_CHANGED"),
                 "the library changed while its answer was being read, {} times; ask again",
                 kMaxAnswers);
}

}  // namespace dml
