// Signing a policy that is to be set, for dml policy set --key.
#pragma once

#include <string>
#include <vector>

#include "tools/dml/command.h"

namespace dml {

struct PolicySigningArgs {
  std::vector<std::string> keys;  // None: nobody signs it.
  std::string passphrase_file;
  uint64_t witnesses = 0;
  std::string revocation_age = "7d";
  std::string properties;
};

void DeclarePolicySigning(CLI::App& app, PolicySigningArgs& args);

/// The envelope of a claim about the document, for the revision after the one that is there.
absl::StatusOr<std::string> SignPolicy(Context& context, const PolicySigningArgs& args,
                                       const std::string& environment, const std::string& document);

}  // namespace dml
