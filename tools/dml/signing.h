// Envelopes that commands sign for a library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/dml/app.h"

namespace dml {

/// An envelope over the payload by all of these keys, each signature in the form that the library's
/// trust root names for its key; the library is asked only where a key is ecdsa-p256. The errors of
/// Signers::Read, SignersFor and SignEnvelope.
absl::StatusOr<std::string> SignFor(Context& context, std::string_view payload_type,
                                    std::string_view payload, const std::vector<std::string>& keys,
                                    const std::string& passphrase_file);

}  // namespace dml
