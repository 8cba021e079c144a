// Keys of the rows of releases; see view_keys.h.
#pragma once

#include <string>
#include <string_view>

#include "storage/views/view_keys.h"

namespace dml::view_keys {

inline std::string Release(const Digest& document) {
  return Start(Row::kRelease).String(document.raw()).Build();
}
inline std::string ReleaseName(std::string_view name, std::string_view version) {
  return Start(Row::kReleaseName).String(name).String(version).Build();
}
inline KeyBuilder ReleaseEnvelopePrefix(const Digest& release) {
  return Start(Row::kReleaseEnvelope).String(release.raw());
}
inline std::string ReleaseEnvelope(const Digest& release, const Digest& envelope) {
  return ReleaseEnvelopePrefix(release).String(envelope.raw()).Build();
}
inline KeyBuilder DeploymentPrefix(const Digest& release) {
  return Start(Row::kDeployment).String(release.raw());
}
inline std::string Deployment(const Digest& release, std::string_view environment) {
  return DeploymentPrefix(release).String(environment).Build();
}
inline KeyBuilder DeploymentInPrefix(std::string_view environment) {
  return Start(Row::kDeploymentIn).String(environment);
}
inline std::string DeploymentIn(std::string_view environment, const Digest& release) {
  return DeploymentInPrefix(environment).String(release.raw()).Build();
}

}  // namespace dml::view_keys
