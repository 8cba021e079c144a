// Releases for tests, written in a few words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/sha256.h"
#include "core/release/release.h"

namespace dml::testing {

/// "acme/api@1.2.0": of linux-amd64.
inline VariantName Variant(std::string_view text) {
  const size_t at = text.find('@');
  return {*PackageName::Parse(text.substr(0, at)),
          std::string(text.substr(at + 1)),
          {"linux", "amd64", ""}};
}

/// The manifest that tests take a variant to have.
inline BlobRef ManifestOf(const VariantName& name) {
  const std::string text = name.ResourceName();
  return {Sha256(text), text.size()};
}

inline ReleaseItem Install(std::string_view variant) {
  ReleaseItem out;
  out.variant = Variant(variant);
  out.manifest = ManifestOf(out.variant);
  return out;
}

inline ReleaseItem Upgrade(std::string_view variant, std::string_view from_version) {
  ReleaseItem out = Install(variant);
  out.action = ReleaseAction::kUpgrade;
  out.previous = out.variant;
  out.previous->version = from_version;
  return out;
}

inline ReleaseItem Remove(std::string_view variant) {
  ReleaseItem out = Install(variant);
  out.action = ReleaseAction::kRemove;
  return out;
}

inline ReleaseItem Configure(std::string_view variant, std::string_view configuration) {
  ReleaseItem out = Install(variant);
  out.action = ReleaseAction::kConfigure;
  out.configuration = {Sha256(configuration), configuration.size()};
  return out;
}

inline ReleaseChange Change(std::string_view id, ChangeRisk risk = ChangeRisk::kLow) {
  ReleaseChange out;
  out.id = id;
  out.title = "Change " + out.id;
  out.kind = ChangeKind::kFix;
  out.risk = risk;
  out.authorized_by = "p-1";
  return out;
}

/// payments 1.0.0, MINOR, for production, with these items, each of which carries out CHG-1.
inline Release ReleaseOf(std::vector<ReleaseItem> items) {
  Release out;
  out.name = "payments";
  out.version = "1.0.0";
  out.environments = {"production"};
  for (ReleaseItem& item : items) item.changes = {"CHG-1"};
  out.items = std::move(items);
  out.changes = {Change("CHG-1")};
  return out;
}

}  // namespace dml::testing
