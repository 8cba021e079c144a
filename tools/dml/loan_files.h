// What a node takes along of seats that it borrowed: two proofs of its library's log, in a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "tools/dml/command.h"

namespace dml {

/// The entry of the loan, and the one that set the entitlement's terms; each a tlog-proof.
std::string LoanFile(const std::filesystem::path& folder);
std::string LoanTermsFile(const std::filesystem::path& folder);

/// Fetches and writes both; makes the folder where it is not there.
absl::Status WriteLoan(Client& client, uint64_t terms_index, uint64_t loan_index,
                       const std::filesystem::path& folder);

void AddLoanCommand(CommandTree& tree, CLI::App& noun);  // verify-loan

}  // namespace dml
