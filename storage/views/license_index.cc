#include "storage/views/license_index.h"

#include <utility>
#include <vector>

#include "storage/views/library_view.h"
#include "storage/views/license_keys.h"

namespace dml {
namespace {

using view_keys::LicenseFacet;

// Bytes of a license that cost as much to read as a row does.
constexpr size_t kBytesPerStep = 64;

// One kind of group: licenses, or names. Groups are compared by their bytes in keys.
struct Groups {
  LicenseFacet facet = LicenseFacet::kName;
  std::function<bool(std::string_view)> wanted;       // By the group's bytes.
  const std::set<std::string>* candidates = nullptr;  // All that are wanted, where known.
  std::function<absl::StatusOr<size_t>(std::string_view)> size;  // Of the group a rest begins with.
  std::function<std::set<std::string>(const LicenseTerms&)> of;
};

absl::StatusOr<VariantName> ReadVariant(std::string_view rest) {
  KeyReader key(rest);
  VariantName name;
  DML_ASSIGN_OR_RETURN(name.package.ns, key.String());
  DML_ASSIGN_OR_RETURN(name.package.name, key.String());
  DML_ASSIGN_OR_RETURN(name.version, key.String());
  DML_ASSIGN_OR_RETURN(std::string platform, key.String());
  DML_RETURN_IF_ERROR(key.End());
  DML_ASSIGN_OR_RETURN(name.platform, Platform::Parse(platform));
  return name;
}

// One page over the rows of a facet.
class Walk {
 public:
  Walk(const Reader& reader, const Groups& groups, const PageRequest& request,
       const LicenseIndex::Filter& filter)
      : reader_(reader),
        groups_(groups),
        request_(request),
        filter_(filter),
        prefix_(view_keys::LicenseFacetPrefix(groups.facet).Build()) {}

  absl::StatusOr<Page<LicenseMatch>> Run() {
    KeyRange range = PrefixRange(prefix_);
    if (!request_.after_key.empty()) {
      if (!request_.after_key.starts_with(prefix_)) {
        return InvalidArgument(ErrorReason("PAGE_TOKEN_INVALID"),
                               "the page token belongs to another list: start again without one");
      }
      range.lower = request_.after_key + std::string(1, '\0');
    }
    auto cursor = reader_.NewCursor(Table::kViews, range);
    cursor->SeekToFirst();
    std::string last;
    while (cursor->Valid()) {
      if (page_.items.size() == request_.size || steps_ >= kMaxScanned ||
          bytes_ >= kMaxLicensePageBytes) {
        page_.next_key = last;
        return std::move(page_);
      }
      ++steps_;
      last = std::string(cursor->key());
      const std::string_view rest = std::string_view(last).substr(prefix_.size());
      DML_RETURN_IF_ERROR(Enter(rest));
      if (!in_wanted_) {
        const std::optional<std::string> next = NextGroup();
        if (!next.has_value()) return std::move(page_);
        cursor->Seek(*next);
        continue;
      }
      DML_RETURN_IF_ERROR(Take(rest.substr(group_.size()), cursor->value()));
      cursor->Next();
    }
    DML_RETURN_IF_ERROR(cursor->status());
    return std::move(page_);
  }

 private:
  // Notes which group a key is of.
  absl::Status Enter(std::string_view rest) {
    if (!group_.empty() && rest.starts_with(group_)) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(const size_t size, groups_.size(rest));
    group_ = std::string(rest.substr(0, size));
    in_wanted_ = groups_.candidates != nullptr ? groups_.candidates->contains(group_)
                                               : groups_.wanted(group_);
    return absl::OkStatus();
  }

  // Where to go on from a group that is not wanted.
  std::optional<std::string> NextGroup() const {
    if (groups_.candidates == nullptr) return PrefixRange(prefix_ + group_).upper;
    const auto next = groups_.candidates->lower_bound(group_);
    if (next == groups_.candidates->end()) return std::nullopt;
    return prefix_ + *next;
  }

  absl::Status Take(std::string_view variant, std::string_view license) {
    DML_ASSIGN_OR_RETURN(VariantName name, ReadVariant(variant));
    if (filter_ && !filter_(name)) return absl::OkStatus();
    LicenseMatch match{std::move(name), std::string(license)};
    if (license.empty()) {
      DML_ASSIGN_OR_RETURN(auto record, LibraryView(reader_).FindVariant(match.variant));
      if (!record.has_value()) {
        return DataLoss(ErrorReason("VIEWS_INCONSISTENT"),
                        "a license row names {}, which is not "
                        "there",
                        match.variant.ResourceName());
      }
      match.declared_license = std::move(record->declared_license);
    }
    DML_ASSIGN_OR_RETURN(const bool first, IsFirst(match.declared_license));
    if (!first) return absl::OkStatus();
    bytes_ += match.declared_license.size();
    page_.items.push_back(std::move(match));
    return absl::OkStatus();
  }

  // Whether no group before this one has the same variant.
  absl::StatusOr<bool> IsFirst(const std::string& license) {
    if (groups_.facet == LicenseFacet::kPart) return true;
    if (groups_.candidates != nullptr && groups_.candidates->size() == 1) return true;
    steps_ += license.size() / kBytesPerStep;
    DML_ASSIGN_OR_RETURN(const LicenseExpression expression,
                         LicenseExpression::ParseOpen(license, BundledLicenseList()));
    for (const std::string& group : groups_.of(TermsOf(expression))) {
      if (group >= group_) return true;
      if (groups_.candidates != nullptr ? groups_.candidates->contains(group)
                                        : groups_.wanted(group)) {
        return false;
      }
    }
    return true;
  }

  const Reader& reader_;
  const Groups& groups_;
  const PageRequest& request_;
  const LicenseIndex::Filter& filter_;
  const std::string prefix_;
  std::string group_;
  bool in_wanted_ = false;
  size_t steps_ = 0;
  size_t bytes_ = 0;
  Page<LicenseMatch> page_;
};

// Bytes of the texts and flags at the start of a key, as the builder wrote them.
absl::StatusOr<size_t> NameSize(std::string_view rest) {
  DML_ASSIGN_OR_RETURN(const std::string name, KeyReader(rest).String());
  return view_keys::LicenseGroup(name).Build().size();
}

absl::StatusOr<LicenseKey> ReadLicense(std::string_view group) {
  KeyReader key(group);
  LicenseKey license;
  DML_ASSIGN_OR_RETURN(license.first.base, key.String());
  DML_ASSIGN_OR_RETURN(const uint8_t or_later, key.U8());
  license.first.or_later = or_later != 0;
  DML_ASSIGN_OR_RETURN(license.second, key.String());
  return license;
}

Groups LicenseGroups() {
  Groups out;
  out.facet = LicenseFacet::kLicense;
  out.size = [](std::string_view rest) -> absl::StatusOr<size_t> {
    DML_ASSIGN_OR_RETURN(const LicenseKey license, ReadLicense(rest));
    return view_keys::LicenseGroup(license).Build().size();
  };
  out.of = [](const LicenseTerms& terms) {
    std::set<std::string> groups;
    for (const LicenseKey& key : terms.licenses) {
      groups.insert(view_keys::LicenseGroup(key).Build());
    }
    return groups;
  };
  return out;
}

Groups NameGroups() {
  Groups out;
  out.size = NameSize;
  out.of = [](const LicenseTerms& terms) {
    std::set<std::string> groups;
    for (const std::string& name : terms.names) {
      groups.insert(view_keys::LicenseGroup(name).Build());
    }
    return groups;
  };
  return out;
}

// The rows of one group alone: the walk begins there, as it is the only candidate.
LicenseIndex::Result WalkCandidates(const Reader& reader, Groups groups,
                                    const std::set<std::string>& candidates,
                                    const PageRequest& page, const LicenseIndex::Filter& filter) {
  groups.candidates = &candidates;
  return Walk(reader, groups, page, filter).Run();
}

}  // namespace

LicenseIndex::Result LicenseIndex::ByName(std::string_view name, const PageRequest& page,
                                          const Filter& filter) const {
  return WalkCandidates(reader_, NameGroups(), {view_keys::LicenseGroup(name).Build()}, page,
                        filter);
}

LicenseIndex::Result LicenseIndex::ByPart(const Digest& part, const PageRequest& page,
                                          const Filter& filter) const {
  Groups groups = NameGroups();
  groups.facet = LicenseFacet::kPart;
  return WalkCandidates(reader_, groups, {view_keys::LicenseGroup(part).Build()}, page, filter);
}

LicenseIndex::Result LicenseIndex::ByLicenses(const std::set<LicenseKey>& licenses,
                                              const PageRequest& page, const Filter& filter) const {
  std::set<std::string> candidates;
  for (const LicenseKey& license : licenses) {
    candidates.insert(view_keys::LicenseGroup(license).Build());
  }
  return WalkCandidates(reader_, LicenseGroups(), candidates, page, filter);
}

LicenseIndex::Result LicenseIndex::WhereLicense(
    const std::function<bool(const LicenseKey&)>& wanted, const PageRequest& page,
    const Filter& filter) const {
  Groups groups = LicenseGroups();
  groups.wanted = [&wanted](std::string_view group) {
    const absl::StatusOr<LicenseKey> license = ReadLicense(group);
    return license.ok() && wanted(*license);
  };
  return Walk(reader_, groups, page, filter).Run();
}

LicenseIndex::Result LicenseIndex::WhereName(const std::function<bool(std::string_view)>& wanted,
                                             const PageRequest& page, const Filter& filter) const {
  const std::string prefix =
      view_keys::LicenseFacetPrefix(view_keys::LicenseFacet::kEveryName).Build();
  std::set<std::string> candidates;
  auto cursor = reader_.NewCursor(Table::kViews, PrefixRange(prefix));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    DML_ASSIGN_OR_RETURN(const std::string name,
                         KeyReader(cursor->key().substr(prefix.size())).String());
    if (wanted(name)) candidates.insert(view_keys::LicenseGroup(name).Build());
  }
  DML_RETURN_IF_ERROR(cursor->status());
  return WalkCandidates(reader_, NameGroups(), candidates, page, filter);
}

}  // namespace dml
