// Builds package specs for tests of relations, without a document.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/package/package_spec.h"

namespace dml::testing {

/// A version of either scheme: "deb:2.36-1" or "semver:1.2.3"; deb where no scheme is named.
inline Version MakeVersion(std::string_view text) {
  VersionScheme scheme = VersionScheme::kDeb;
  if (text.starts_with("semver:")) scheme = VersionScheme::kSemver;
  if (text.starts_with("semver:") || text.starts_with("deb:"))
    text.remove_prefix(text.find(':') + 1);
  return Version::Parse(scheme, text).value();
}

/// A target of kind PACKAGE, or of the kind named first: Target("acme/x", "vers:deb/>=2").
inline RelationTarget Target(RelationKind kind, std::string name, std::string_view vers = "") {
  return {kind, std::move(name),
          vers.empty() ? VersionRange::All() : VersionRange::ParseVers(vers).value()};
}
inline RelationTarget Target(std::string name, std::string_view vers = "") {
  return Target(RelationKind::kPackage, std::move(name), vers);
}

/// SpecBuilder("acme/api", "1.0").On("linux", "amd64").Requires({Target("acme/db")}).Build().
/// The source of each relation is its list and place: "requires 0". Wrong input aborts.
class SpecBuilder {
 public:
  SpecBuilder(std::string_view package, std::string_view version) {
    size_t slash = package.find('/');
    spec_.package = {std::string(package.substr(0, slash)), std::string(package.substr(slash + 1))};
    spec_.version = MakeVersion(version);
    spec_.declared_license = "NOASSERTION";
  }

  SpecBuilder& On(std::string os, std::string arch) {
    spec_.platform = {std::move(os), std::move(arch), ""};
    return *this;
  }
  SpecBuilder& Provides(RelationKind kind, std::string name, std::string_view version = "") {
    Provision provision{kind, std::move(name), std::nullopt};
    if (!version.empty()) provision.version = MakeVersion(version);
    spec_.provides.push_back(std::move(provision));
    return *this;
  }
  SpecBuilder& Requires(std::vector<RelationTarget> any_of,
                        RelationScope scope = RelationScope::kNode) {
    std::string source = "requires " + std::to_string(spec_.requires_all.size());
    spec_.requires_all.push_back({std::move(any_of), scope, std::move(source)});
    return *this;
  }
  SpecBuilder& Conflicts(RelationTarget target, RelationScope scope = RelationScope::kNode) {
    return Append(spec_.conflicts, "conflicts", std::move(target), scope);
  }
  SpecBuilder& Breaks(RelationTarget target, RelationScope scope = RelationScope::kNode) {
    return Append(spec_.breaks, "breaks", std::move(target), scope);
  }
  SpecBuilder& Replaces(RelationTarget target, RelationScope scope = RelationScope::kNode) {
    return Append(spec_.replaces, "replaces", std::move(target), scope);
  }

  /// Peers of the service: at most so many minor versions older and newer.
  SpecBuilder& Coexists(std::string service, uint64_t older, uint64_t newer,
                        RelationScope scope = RelationScope::kEnvironment) {
    std::string source = "coexists " + std::to_string(spec_.coexists.size());
    spec_.coexists.push_back(
        {std::move(service), VersionUnit::kMinor, older, newer, scope, std::move(source)});
    return *this;
  }
  /// The upgrade rules, to be filled in.
  UpgradeRules& Upgrade() {
    if (!spec_.upgrade.has_value()) spec_.upgrade.emplace();
    return *spec_.upgrade;
  }

  PackageSpec Build() const { return spec_; }

 private:
  SpecBuilder& Append(std::vector<Relation>& list, const char* name, RelationTarget target,
                      RelationScope scope) {
    std::string source = std::string(name) + " " + std::to_string(list.size());
    list.push_back({std::move(target), scope, std::move(source)});
    return *this;
  }

  PackageSpec spec_;
};

}  // namespace dml::testing
