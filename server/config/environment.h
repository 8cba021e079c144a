// Settings by environment variables.
//
// Every setting of the configuration file that is no section and no list of sections has a
// variable: DMLD_ and its path, words parted by '_' ("limits.maxTransfers" is
// DMLD_LIMITS_MAX_TRANSFERS). It comes before the file and after the flags. Lists are written as in
// YAML ("[a, b]"); relative paths are relative to the file's folder, without a file to the working
// folder.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/base/status.h"

namespace dml {

/// "limits.maxTransfers" -> "DMLD_LIMITS_MAX_TRANSFERS".
std::string VariableOf(std::string_view path);

/// Puts the variables of `environment` ("NAME=VALUE" each) into the document of a configuration
/// file; whether there was any. Names that do not begin with DMLD_ are passed over; of those an
/// unknown one is INVALID_ARGUMENT (CONFIG_INVALID) that tells the nearest. DMLD_CONFIG is the
/// command line's (server/config/command_line.h). Values are not judged here but for their form.
absl::StatusOr<bool> ApplyEnvironment(std::span<const std::string> environment,
                                      nlohmann::json& document);

/// This process's.
std::vector<std::string> ProcessEnvironment();

}  // namespace dml
