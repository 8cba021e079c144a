#include "core/package/references.h"

#include <algorithm>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/package/manifest.h"
#include "core/package/names.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("REFERENCES_INVALID");
constexpr size_t kMaxSourceBytes = 256;
constexpr size_t kDigestTextBytes = 71;

absl::StatusOr<ReferenceBatch> Read(const nlohmann::json& document) {
  ObjectReader in(document, kInvalid);
  ReferenceBatch out;
  const std::string schema = in.String("schema", kMaxSourceBytes);
  if (schema != kReferenceBatchSchema) {
    in.Check("schema", InvalidArgument(kInvalid, "schema '{}' is not known here; write '{}'",
                                       Excerpt(schema), kReferenceBatchSchema));
  }
  out.ns = in.String("namespace", kMaxSourceBytes);
  in.Check("namespace", ValidateNamespace(out.ns));
  out.source = in.String("source", kMaxSourceBytes);
  if (out.source.empty() || HasControlCharacters(out.source)) {
    in.Check("source", InvalidArgument(kInvalid, "must say in one line where they come from"));
  }
  for (const std::string& text : in.Strings("specs", kMaxReferenceBatch, kDigestTextBytes)) {
    absl::StatusOr<Digest> digest = Digest::Parse(text);
    in.Check("specs", digest.status());
    if (digest.ok()) out.specs.push_back(*digest);
  }
  std::vector<Digest> sorted = out.specs;
  std::ranges::sort(sorted);
  if (sorted.empty() || std::ranges::adjacent_find(sorted) != sorted.end()) {
    in.Check("specs", InvalidArgument(kInvalid, "must name at least one spec, and none twice"));
  }
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

}  // namespace

absl::StatusOr<ReferenceBatch> ParseReferenceBatch(std::string_view json) {
  absl::StatusOr<nlohmann::json> document =
      ParseStrictJson(json, kMaxReferenceBatchBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "reference batch");
  absl::StatusOr<ReferenceBatch> out = Read(*document);
  if (!out.ok()) return LocateError(out.status(), "reference batch");
  return out;
}

std::string FormatReferenceBatch(const ReferenceBatch& batch) {
  nlohmann::ordered_json out = {{"schema", kReferenceBatchSchema},
                                {"namespace", batch.ns},
                                {"source", batch.source},
                                {"specs", nlohmann::ordered_json::array()}};
  for (const Digest& digest : batch.specs) out["specs"].push_back(digest.ToString());
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string FormatReferenceManifest(const BlobRef& spec) {
  Manifest manifest;
  manifest.config = spec;
  return FormatManifest(manifest);
}

}  // namespace dml
