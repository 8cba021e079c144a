// Labels: what people and programs hang on things, for searching.
#pragma once

#include <map>
#include <string>

namespace dml {

using Labels = std::map<std::string, std::string>;

}  // namespace dml
