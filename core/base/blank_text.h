// Text that says nothing.
#pragma once

#include <string_view>

namespace dml {

/// Whether the text is empty or nothing but white space, Unicode's among it.
bool IsOnlySpace(std::string_view text);

}  // namespace dml
