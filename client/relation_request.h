// What requests for relations and their answers have in common. Internal to client/.
#pragma once

#include <algorithm>
#include <string>

#include "client/calls.h"

namespace dml {

/// A version with its scheme, or a range, of a request; "": none of both.
template <typename Request>
absl::Status SetVersions(const std::string& versions, Request& request) {
  if (versions.empty()) return absl::OkStatus();
  if (versions.starts_with("vers:")) {
    request.set_range(versions);
    return absl::OkStatus();
  }
  const size_t colon = std::min(versions.find(':'), versions.size());
  DML_ASSIGN_OR_RETURN(const VersionScheme scheme, ParseVersionScheme(versions.substr(0, colon)));
  request.set_version_scheme(std::string(VersionSchemeName(scheme)));
  request.set_version(versions.substr(std::min(colon + 1, versions.size())));
  return absl::OkStatus();
}

template <typename Matches>
absl::StatusOr<ListPage<RelationUse>> ReadMatches(const Matches& matches,
                                                  const std::string& next_page_token) {
  ListPage<RelationUse> out;
  for (const auto& match : matches) {
    DML_ASSIGN_OR_RETURN(VariantName name, Answered(VariantName::Parse(match.variant())));
    out.items.push_back(
        {std::move(name), {match.relation(), match.range(), match.scope(), match.source()}});
  }
  out.next_page_token = next_page_token;
  return out;
}

}  // namespace dml
