#include "server/rpc/license_report.h"

#include <string>
#include <utility>
#include <vector>

#include "core/crypto/sha256.h"
#include "core/wire/api_licenses.h"
#include "server/rpc/license_sets.h"
#include "server/rpc/service_util.h"
#include "storage/library/license_report.h"

namespace dml {
namespace {

// Texts of one item of an obligation, so that no item is large.
constexpr size_t kMaxObligationBytes = 64 << 10;

using Items = std::vector<v1::LicenseReportItem>;

void AddObligation(const SetObligation& obligation, Items& items) {
  v1::LicenseReportItem::Obligation* out = nullptr;
  size_t bytes = 0;
  auto room_for = [&](const std::string& text) {
    if (out == nullptr || bytes + text.size() > kMaxObligationBytes) {
      out = items.emplace_back().mutable_obligation();
      out->set_word(obligation.word);
      out->set_text(obligation.text);
      bytes = 0;
    }
    bytes += text.size();
    return out;
  };
  for (const std::string& license : obligation.licenses) room_for(license)->add_licenses(license);
  for (const std::string& name : obligation.components) room_for(name)->add_components(name);
}

Items ItemsOf(const LicenseReport& report, const std::vector<VariantLicense>& variants) {
  Items items;
  for (size_t i = 0; i < variants.size(); ++i) {
    const NoticeComponent& component = report.notice.components[i];
    auto* out = items.emplace_back().mutable_component();
    out->set_variant(variants[i].name.ResourceName());
    out->set_name(component.name);
    out->set_version(component.version);
    out->set_purl(component.purl);
    out->set_license(component.license.ToString());
  }
  for (const SetObligation& obligation : report.notice.obligations) {
    AddObligation(obligation, items);
  }
  for (const auto& [id, text] : report.notice.texts) {
    auto* out = items.emplace_back().mutable_text();
    out->set_id(id);
    out->set_text(text);
  }
  for (const std::string& id : report.missing) items.emplace_back().set_missing_text(id);
  return items;
}

// A name for documents of this very answer.
std::string NamespaceOf(const Library& library, uint64_t index, const Items& items) {
  Sha256Hasher hasher;
  hasher.Update(fmt::format("{}:", index));
  for (const v1::LicenseReportItem& item : items) {
    if (item.has_component()) hasher.Update(item.component().variant() + "\n");
  }
  return fmt::format("https://{}/license-reports/{}", library.origin(),
                     hasher.Finish().ToString().substr(7));
}

absl::Status FillPage(const v1::GetLicenseReportRequest& request, Items items, size_t max_bytes,
                      v1::GetLicenseReportResponse& response) {
  DML_ASSIGN_OR_RETURN(const Slice slice,
                       ReadSlice(request.page_size(), request.page_token(), items.size()));
  size_t bytes = 0;
  size_t end = slice.begin;
  while (end < slice.end && bytes < max_bytes) {
    bytes += items[end].ByteSizeLong();
    *response.add_items() = std::move(items[end++]);
  }
  response.set_next_page_token(end == items.size() ? "" : std::to_string(end));
  response.set_item_count(items.size());
  return absl::OkStatus();
}

}  // namespace

absl::Status ReportLicenses(const ServiceContext& context, const Caller& caller,
                            const v1::GetLicenseReportRequest& request,
                            v1::GetLicenseReportResponse& response) {
  auto snapshot = context.library.Read();
  DML_ASSIGN_OR_RETURN(const auto names, ReadLicenseSet(caller, *snapshot, SubjectOf(request)));
  DML_ASSIGN_OR_RETURN(const LicenseQuestionState asked,
                       ReadQuestionState(context, caller, *snapshot, request.environment()));
  const LicenseState& state = asked.state;
  std::optional<LicenseContext> given;
  if (request.has_context()) {
    auto read = wire::From(request.context());
    if (!read.ok()) return AtField(read.status(), "context");
    given = *read;
  }
  DML_ASSIGN_OR_RETURN(const auto variants, ReadVariantLicenses(state, *context.policies, names));
  const LicenseReport report = MakeLicenseReport(state, variants, given);
  Items items = ItemsOf(report, variants);
  response.set_index(state.index);
  wire::To(state.time, response.mutable_time());
  wire::To(report.notice.context, response.mutable_context());
  response.set_license_list_version(report.notice.list_version);
  response.set_license_properties_version(report.notice.properties_version);
  if (state.data->texts != nullptr) {
    response.set_license_texts_version(state.data->texts->version());
  }
  response.set_document_namespace(NamespaceOf(context.library, state.index, items));
  response.set_policy_revision(asked.policy_revision);
  return FillPage(request, std::move(items), context.max_message_bytes / 4, response);
}

}  // namespace dml
