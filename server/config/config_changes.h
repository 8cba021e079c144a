// What differs between two configurations.
#pragma once

#include <string>
#include <vector>

#include "server/config/server_config.h"

namespace dml {

/// The settings that differ, as paths ("limits.maxTransfers"), ascending; of a list the list. Flags
/// that no file has are not compared.
std::vector<std::string> ChangedSettings(const ServerConfig& before, const ServerConfig& after);

}  // namespace dml
