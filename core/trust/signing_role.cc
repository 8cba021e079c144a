#include "core/trust/signing_role.h"

#include "core/base/text.h"

namespace dml {

const SigningRoleTraits& TraitsOf(SigningRole role) {
  return kSigningRoleTable[static_cast<size_t>(role) - 1];
}

absl::StatusOr<SigningRole> ParseSigningRole(std::string_view word) {
  std::string words;
  for (const SigningRoleTraits& traits : kSigningRoleTable) {
    if (traits.word == word) return traits.role;
    words += (words.empty() ? "" : ", ") + std::string(traits.word);
  }
  return InvalidArgument(ErrorReason("ROLE_UNKNOWN"), "'{}' is no signing role; one of: {}",
                         Excerpt(word), words);
}

}  // namespace dml
