#include "server/rpc/license_questions.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"
#include "core/wire/api_licenses.h"
#include "server/rpc/service_util.h"
#include "storage/views/library_view.h"
#include "storage/views/license_index.h"

namespace dml {
namespace {

using Request = v1::FindPackagesByLicenseRequest;

bool IsReference(std::string_view name) {
  return name.starts_with("LicenseRef-") || name.starts_with("AdditionRef-") ||
         name.starts_with("DocumentRef-");
}

// Whether a name of an expression means nothing by the list.
bool IsUnknown(std::string_view name, const LicenseList& list) {
  if (name == "NOASSERTION") return true;
  if (name == "NONE" || IsReference(name)) return false;
  if (name.ends_with('+')) name.remove_suffix(1);
  return list.FindLicense(name) == nullptr && list.FindException(name) == nullptr;
}

// The name as expressions have it.
absl::StatusOr<std::string> CanonicalName(const std::string& name, const LicenseList& list) {
  const bool plus = name.size() > 1 && name.ends_with('+');
  const std::string_view id = std::string_view(name).substr(0, name.size() - (plus ? 1 : 0));
  if (const ListedId* listed = list.FindLicense(id)) return listed->id + (plus ? "+" : "");
  if (const ListedId* exception = list.FindException(name)) return exception->id;
  if (name == "NONE" || name == "NOASSERTION") return name;
  if (IsReference(name) && name.size() <= kMaxLicenseExpressionBytes) return name;
  return AtField(InvalidArgument(ErrorReason("LICENSE_UNKNOWN"),
                                 "'{}' is neither on the SPDX license list {} nor a LicenseRef or "
                                 "AdditionRef",
                                 Excerpt(name), list.version()),
                 "license");
}

absl::StatusOr<const LicenseProperties*> PropertiesOf(const LicenseData& data) {
  if (data.properties != nullptr) return data.properties.get();
  return FailedPrecondition(ErrorReason("LICENSE_PROPERTIES_MISSING"),
                            "no license properties are loaded; load some with: dml license data "
                            "set --kind properties");
}

// One question over one state.
class Search {
 public:
  Search(const Reader& state, const LicenseData& data, const Request& request,
         const PageRequest& page, const Caller& caller)
      : index_(state),
        data_(data),
        request_(request),
        page_(page),
        visible_(
            [&caller](const VariantName& name) { return caller.SeesNamespace(name.package.ns); }) {}

  LicenseIndex::Result Run() const {
    if (!request_.license().empty()) {
      DML_ASSIGN_OR_RETURN(const std::string name, CanonicalName(request_.license(), *data_.list));
      return index_.ByName(name, page_, visible_);
    }
    if (!request_.category().empty()) return ByCategory();
    if (!request_.obligation().empty()) return ByObligation();
    if (!request_.part().empty()) {
      const auto part = LicenseExpression::Parse(request_.part(), *data_.list);
      if (!part.ok()) return AtField(part.status(), "part");
      return index_.ByPart(LicensePartDigest(*part), page_, visible_);
    }
    const LicenseList& list = *data_.list;
    return index_.WhereName([&list](std::string_view name) { return IsUnknown(name, list); }, page_,
                            visible_);
  }

 private:
  LicenseIndex::Result ByCategory() const {
    DML_ASSIGN_OR_RETURN(const LicenseProperties* properties, PropertiesOf(data_));
    const std::string& category = request_.category();
    if (!properties->categories().contains(category)) {
      return AtField(InvalidArgument(ErrorReason("LICENSE_CATEGORY_UNKNOWN"),
                                     "'{}' is no category of the license properties {}",
                                     Excerpt(category), properties->version()),
                     "category");
    }
    std::set<LicenseKey> licenses;
    for (const auto& [license, words] : properties->licenses()) {
      if (words.contains(category)) licenses.insert(license);
    }
    return index_.ByLicenses(licenses, page_, visible_);
  }

  LicenseIndex::Result ByObligation() const {
    DML_ASSIGN_OR_RETURN(const LicenseProperties* properties, PropertiesOf(data_));
    const std::string& word = request_.obligation();
    const auto known = AllLicenseObligations();
    if (std::ranges::find(known, word, &LicenseObligation::word) == known.end()) {
      return AtField(InvalidArgument(ErrorReason("LICENSE_OBLIGATION_UNKNOWN"),
                                     "'{}' is no obligation; expected notice, source-offer, "
                                     "network-source, ... or unknown",
                                     Excerpt(word)),
                     "obligation");
    }
    auto context = wire::From(request_.context());
    if (!context.ok()) return AtField(context.status(), "context");
    auto obliges = [&](const std::set<std::string>* words) {
      const auto found = ObligationsOf(words, *context);
      return std::ranges::find(found, word) != found.end();
    };
    if (word == "unknown") {
      auto wanted = [&](const LicenseKey& license) {
        const auto it = properties->licenses().find(license);
        return obliges(it == properties->licenses().end() ? nullptr : &it->second);
      };
      return index_.WhereLicense(wanted, page_, visible_);
    }
    std::set<LicenseKey> licenses;
    for (const auto& [license, words] : properties->licenses()) {
      if (obliges(&words)) licenses.insert(license);
    }
    return index_.ByLicenses(licenses, page_, visible_);
  }

  const LicenseIndex index_;
  const LicenseData& data_;
  const Request& request_;
  const PageRequest& page_;
  const LicenseIndex::Filter visible_;
};

absl::Status CheckQuestion(const Request& request) {
  const int asked = (request.license().empty() ? 0 : 1) + (request.category().empty() ? 0 : 1) +
                    (request.obligation().empty() ? 0 : 1) + (request.part().empty() ? 0 : 1) +
                    (request.unknown() ? 1 : 0);
  if (asked != 1) {
    return InvalidArgument(ErrorReason("LICENSE_QUESTION_INVALID"),
                           "give exactly one of license, category, obligation, part and unknown");
  }
  if (request.has_context() && request.obligation().empty()) {
    return AtField(InvalidArgument(ErrorReason("LICENSE_QUESTION_INVALID"),
                                   "only obligations depend on a context"),
                   "context");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FindByLicense(const ServiceContext& context, const Caller& caller,
                           const Request& request, v1::FindPackagesByLicenseResponse& response) {
  caller.WillSeeEach();
  DML_RETURN_IF_ERROR(CheckQuestion(request));
  DML_ASSIGN_OR_RETURN(PageRequest page, ReadPage(request.page_size(), request.page_token()));
  auto snapshot = context.library.Read();
  DML_ASSIGN_OR_RETURN(const auto data, context.policies->Data(*snapshot));
  DML_ASSIGN_OR_RETURN(auto found, Search(*snapshot, *data, request, page, caller).Run());
  for (const LicenseMatch& match : found.items) {
    auto* out = response.add_matches();
    out->set_variant(match.variant.ResourceName());
    out->set_declared_license(match.declared_license);
  }
  response.set_next_page_token(PageToken(found.next_key));
  return absl::OkStatus();
}

absl::StatusOr<PolicyInUse> ReadPolicyOf(const ServiceContext& context, const Caller& caller,
                                         const Reader& state, const std::string& environment) {
  PolicyInUse out;
  DML_ASSIGN_OR_RETURN(out.environment, wire::ParseResource(environment, "environments"));
  DML_RETURN_IF_ERROR(caller.MayInEnvironment(out.environment));
  const LibraryView view(state);
  DML_ASSIGN_OR_RETURN(auto known, view.FindEnvironment(out.environment));
  if (!known.has_value()) {
    return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"), "no environment {}", out.environment);
  }
  DML_ASSIGN_OR_RETURN(auto record, view.FindPolicyInForce(out.environment));
  if (!record.has_value()) {
    return NotFound(ErrorReason("POLICY_NOT_FOUND"), "neither {} nor a parent has a policy",
                    out.environment);
  }
  out.revision = record->revision;
  DML_ASSIGN_OR_RETURN(out.in_force, context.policies->Get(state, record->document));
  return out;
}

absl::Status CheckMatrix(const LicenseData& data) {
  if (data.matrix != nullptr) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("LICENSE_MATRIX_MISSING"),
                            "no compatibility matrix is loaded; load one with: dml license data "
                            "set --kind matrix");
}

void FillEvidence(const LicenseEvidence& evidence, const std::string& subject,
                  v1::EvaluateLicenseResponse& response) {
  response.set_declared(evidence.declared.ToString());
  for (const ObservedLicense& observed : evidence.observed) {
    wire::To(observed, response.add_observed());
  }
  if (evidence.concluded.has_value()) {
    wire::To(*evidence.concluded, response.mutable_concluded());
  }
  for (const Finding& finding : EvidenceFindings(evidence, subject)) {
    wire::To(finding, response.add_findings());
  }
}

}  // namespace dml
