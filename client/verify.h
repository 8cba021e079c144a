// What a variant's documents, signatures and log entries prove. Internal to client/.
#pragma once

#include <filesystem>
#include <vector>

#include <absl/functional/function_ref.h>

#include "client/transfer.h"
#include "client/upload.h"

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

/// Reads a file of a variant as a download does; `sink` gets its bytes in order. Whose signatures
/// the variant has is not looked at. DATA_LOSS (VARIANT_NOT_VERIFIED) at the end where they were
/// not those of `blob`.
absl::Status ReadStoredFile(Connection& connection, const VariantName& name, const BlobRef& blob,
                            ProgressReporter& progress,
                            absl::FunctionRef<absl::Status(std::string_view raw)> sink);

/// A step for every file of the manifest, in a folder that must hold just these, and one for what
/// else is there.
absl::Status CheckFolder(const std::filesystem::path& path, const Manifest& manifest,
                         std::vector<VerificationStep>& steps);

}  // namespace dml
