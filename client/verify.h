// What a variant's documents, signatures and log entries prove. Internal to client/.
#pragma once

#include "client/transfer.h"

namespace dml {

/// A variant as the library shows it, and what of it was proven. `details` and `manifest` mean
/// something only where report.passed.
struct Examination {
  VariantDetails details;
  Manifest manifest;
  VerificationReport report;
};

/// All steps of VerifyVariant that need no files. An error only where nothing can be said: the
/// variant is not there, the library does not answer, or its log forked.
absl::StatusOr<Examination> ExamineVariant(Client& client, const VariantName& name);

}  // namespace dml
