// What publishers sign before a library has anything: for a namespace whose publications need
// several signatures, made in several places. Asks no library.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "client/transfer.h"

namespace dml {

struct PublicationDraft {
  VariantName variant;
  BlobRef manifest;       // Of the spec and the files.
  std::string statement;  // The exact bytes to sign: an in-toto statement.
};

/// Reads the files and says what publishing them is. The same files under the same names, and the
/// same bytes of the spec, give the same statement wherever that is done. The errors of
/// ParsePackageSpec, OpenRegular and HashFile; FILE_NAME_REPEATED, FILE_NAME_CONFLICT.
absl::StatusOr<PublicationDraft> DraftPublication(const std::string& spec_json,
                                                  const std::vector<LocalFile>& files);

/// What a statement publishes. INVALID_ARGUMENT (PUBLICATION_INVALID) where it does not publish
/// exactly one manifest, or not as this program does; the errors of ParseStatement.
absl::StatusOr<PublicationDraft> ReadPublicationDraft(std::string_view statement);

/// That one of the envelopes at least publishes what the draft does, whoever signed it: INVALID_
/// ARGUMENT (PUBLICATION_MISSING) saying what the first publication among them is of instead.
absl::Status RequirePublicationOf(const PublicationDraft& draft,
                                  std::span<const std::string> envelopes);

}  // namespace dml
