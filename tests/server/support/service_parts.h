// What a service needs around a library, for tests of single services.
#pragma once

#include <memory>

#include "server/admission/admission.h"
#include "server/rpc/services.h"
#include "tests/server/support/bearers.h"
#include "tests/support/library_fixture.h"
#include "tests/support/temp_dir.h"

namespace dml::testing {

/// Callers are bearers of tokens, see Bearers.
class ServiceParts {
 public:
  ServiceContext context() {
    return {*library, guard_, budget_, *maintenance_, trust_, admission_, *names_};
  }

  TestLibrary library;
  Bearers bearers;

 private:
  TempDir folder_;
  Authenticator authenticator_{{}, &bearers};
  CallGuard guard_{authenticator_};
  TransferBudget budget_{TransferLimits()};
  std::unique_ptr<Maintenance> maintenance_ = *Maintenance::Start(*library, {});
  TrustCache trust_;
  Admission admission_{*library, {}};
  std::unique_ptr<PrincipalNames> names_ = *PrincipalNames::Open(folder_.path() / "principals");
};

}  // namespace dml::testing
