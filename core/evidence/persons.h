// How many different persons have signed, where somebody other than the trust root says how many it
// takes. Pure functions; any thread.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "core/trust/authority.h"

namespace dml {

struct Persons {
  std::set<std::string> holders;
  std::set<Digest> key_ids;
};

/// Everyone with a part in a role over the subject who has signed, whether that is enough or not.
Persons SignersOf(const TrustDomain& domain, SignatureSet& signatures, SigningRole role,
                  std::string_view subject);

/// That `count` different holders of one authority over the subject have signed, and as many as the
/// authority's own threshold. Whoever is in `excluded`, by name or by key, does not count; nor does
/// a machine in a role of persons. Under a delegation document, which names its holders itself, no
/// more count than it took to sign each document above them: one person who may pass a role on
/// does not become two. PERMISSION_DENIED: ROLE_NOT_HELD; THRESHOLD_NOT_MET, saying who has signed;
/// SEPARATION_OF_DUTIES where it would be enough but for `excluded`.
absl::StatusOr<std::set<std::string>> RequirePersons(const TrustDomain& domain,
                                                     SignatureSet& signatures, SigningRole role,
                                                     std::string_view subject, uint32_t count,
                                                     const Persons& excluded);

}  // namespace dml
