// One check of a verification, as reports list them.
#pragma once

#include <string>

namespace dml {

struct VerificationStep {
  std::string what;
  bool passed = false;
  std::string detail;
};

}  // namespace dml
