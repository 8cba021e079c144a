// How questions on several variants are put; internal to the client.
#pragma once

#include "client/licenses.h"
#include "core/wire/api_licenses.h"
#include "core/wire/api_releases.h"

namespace dml {

/// All of the question but its outbound license.
template <typename Request>
void AskAbout(const LicenseSetQuestion& question, Request& request) {
  for (const VariantName& name : question.variants) request.add_variants(name.ResourceName());
  if (question.release.has_value()) {
    request.set_release(wire::ReleaseResource(question.release->name, question.release->version));
  }
  request.set_deployed(question.deployed);
  if (!question.environment.empty()) {
    request.set_environment(wire::EnvironmentResource(question.environment));
  }
  if (question.context.has_value()) wire::To(*question.context, request.mutable_context());
}

}  // namespace dml
