// Names of the people and machines behind principals: beside the journal, so that they can be
// erased without touching it.
#pragma once

#include <string>

#include "storage/engine/engine.h"
#include "storage/views/list_view.h"

namespace dml {

inline constexpr size_t kMaxDisplayName = 256;

struct PrincipalName {
  std::string principal;
  std::string display_name;
};

/// Durable when it returns; "" erases the name. INVALID_ARGUMENT (PRINCIPAL_INVALID, TEXT_TOO_LONG,
/// TEXT_NOT_UTF8).
absl::Status SetPrincipalName(Engine& engine, std::string_view principal,
                              std::string_view display_name);

/// "" where there is none.
absl::StatusOr<std::string> FindPrincipalName(const Reader& reader, std::string_view principal);

/// By principal.
absl::StatusOr<Page<PrincipalName>> ListPrincipalNames(const Reader& reader,
                                                       const PageRequest& page);

}  // namespace dml
