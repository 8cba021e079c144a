#include "storage/collect/roots.h"

#include <algorithm>
#include <set>

#include "core/wire/entry.h"
#include "storage/views/library_view.h"
#include "storage/views/view_keys.h"

namespace dml {
namespace {

absl::StatusOr<RetentionPolicy> PolicyOf(const Reader& state, std::string_view ns) {
  DML_ASSIGN_OR_RETURN(auto record, LibraryView(state).FindRetention(ns));
  return record.has_value() ? record->policy : RetentionPolicy();
}

// Nothing of the namespace ever goes.
bool KeepsAll(const RetentionPolicy& policy) {
  return policy.keep == RetentionKeep::kEverything && !policy.collect_withdrawn;
}

// What the policy says of each variant of a package, highest version first.
absl::Status JudgePackage(
    const Reader& state, const RetentionPolicy& policy, const PackageName& package, Timestamp now,
    absl::FunctionRef<void(const VariantRecord&, const RetentionVerdict&)> visit) {
  uint32_t live = 0;  // Distinct versions so far.
  std::string last;
  return LibraryView(state).ScanVariants(package, [&](const VariantRecord& variant) {
    if (variant.state == VariantState::kPublished && (live == 0 || variant.name.version != last)) {
      ++live;
      last = variant.name.version;
    }
    visit(variant, JudgeRetention(policy, variant, live <= policy.keep_versions, now));
    return true;
  });
}

}  // namespace

absl::Status RetentionRoots::ForEachRoot(const Reader& state, const PackageName& package,
                                         Timestamp now, Visit visit) const {
  DML_ASSIGN_OR_RETURN(RetentionPolicy policy, PolicyOf(state, package.ns));
  return JudgePackage(state, policy, package, now,
                      [&](const VariantRecord& variant, const RetentionVerdict& verdict) {
                        if (verdict.keep) visit(variant.name, verdict.reason);
                      });
}

absl::StatusOr<std::vector<Collectable>> PlanPackage(const Reader& state, RootSources sources,
                                                     const PackageName& package, Timestamp now) {
  std::set<VariantName> roots;
  for (const RootSource* source : sources) {
    DML_RETURN_IF_ERROR(source->ForEachRoot(
        state, package, now, [&](const VariantName& name, std::string) { roots.insert(name); }));
  }
  DML_ASSIGN_OR_RETURN(RetentionPolicy policy, PolicyOf(state, package.ns));
  std::vector<Collectable> out;
  DML_RETURN_IF_ERROR(JudgePackage(
      state, policy, package, now,
      [&](const VariantRecord& variant, const RetentionVerdict& verdict) {
        if (variant.payload_collected || verdict.keep || roots.contains(variant.name)) return;
        out.push_back({variant.name, variant.manifest, variant.payload_size, verdict.reason});
      }));
  std::ranges::sort(out, {}, &Collectable::name);
  return out;
}

absl::Status PlanCollection(const Reader& state, RootSources sources, Timestamp now,
                            absl::FunctionRef<absl::Status(std::vector<Collectable>)> visit) {
  auto cursor = state.NewCursor(Table::kViews,
                                PrefixRange(view_keys::Start(view_keys::Row::kPackage).Build()));
  std::string ns;
  bool keeps_all = true;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    KeyReader key(cursor->key());
    DML_RETURN_IF_ERROR(key.U8().status());
    PackageName package;
    DML_ASSIGN_OR_RETURN(package.ns, key.String());
    DML_ASSIGN_OR_RETURN(package.name, key.String());
    if (package.ns != ns) {
      ns = package.ns;
      DML_ASSIGN_OR_RETURN(RetentionPolicy policy, PolicyOf(state, ns));
      keeps_all = KeepsAll(policy);
    }
    if (keeps_all) continue;
    DML_ASSIGN_OR_RETURN(std::vector<Collectable> plan, PlanPackage(state, sources, package, now));
    if (!plan.empty()) DML_RETURN_IF_ERROR(visit(std::move(plan)));
  }
  return cursor->status();
}

}  // namespace dml
