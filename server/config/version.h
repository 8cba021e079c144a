// The version of this build, from CMake's project().
#pragma once

namespace dml {

inline constexpr char kServerVersion[] = DML_VERSION;

}  // namespace dml
