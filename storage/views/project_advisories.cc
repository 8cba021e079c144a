// How advisories become rows.
#include "core/wire/entry.h"
#include "storage/views/advisory_keys.h"
#include "storage/views/application.h"

namespace dml {

absl::Status Application::operator()(const AdvisorySet& p) {
  DML_ASSIGN_OR_RETURN(const auto before, state_.FindAdvisory(p.id));
  if (before.has_value()) {
    for (const std::string& text : before->set.packages) {
      DML_ASSIGN_OR_RETURN(const PackageName package, PackageName::Parse(text));
      views_.Delete(Table::kViews, view_keys::AdvisoryOf(package, p.id));
    }
  }
  Put(view_keys::Advisory(p.id, p.revision),
      wire::Encode(AdvisoryRecord{p, entry_.index, entry_.time, entry_.author}));
  for (const std::string& text : p.packages) {
    DML_ASSIGN_OR_RETURN(const PackageName package, PackageName::Parse(text));
    if (!p.withdrawn) Put(view_keys::AdvisoryOf(package, p.id), "");
    Stamp(PackageStamp(package));
  }
  Stamp(kAdvisoriesStamp);
  return absl::OkStatus();
}

}  // namespace dml
