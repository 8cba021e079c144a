#include "tools/import/deb_references.h"

#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/package/package_spec.h"
#include "tools/import/deb_import.h"

namespace dml {
namespace {

constexpr size_t kItemBytes = 64;  // Of an item of an entry, beside its names.

class Reader {
 public:
  Reader(std::string_view ns, const std::function<absl::Status(ReferenceSpecs)>& take,
         const ReferenceBatchLimits& limits)
      : ns_(ns), take_(take), limits_(limits) {}

  absl::Status Add(const DebControl& control) {
    ++out_.packages;
    absl::StatusOr<PackageImport> import = ReadDebStanza(control, ns_);
    if (!import.ok()) return Fault(control, import.status());
    std::string document = FormatPackageSpec(import->spec);
    const absl::StatusOr<PackageSpec> read = ParsePackageSpec(document);
    if (!read.ok()) return Fault(control, read.status());
    VariantName variant{read->package, read->version.text(), read->platform};
    const size_t entry_bytes = variant.package.name.size() + variant.version.size() + kItemBytes;
    if (!seen_.insert(std::move(variant)).second) {
      return Fault(control, AlreadyExists(ErrorReason("DEB_REPEATED"),
                                          "the index has this version for this architecture "
                                          "before; that one counts"));
    }
    for (const std::string& line : import->unmapped) NoteGap(import->spec, line);
    const bool is_full = specs_.size() == limits_.specs ||
                         bytes_ + document.size() > limits_.spec_bytes ||
                         entry_bytes_ + entry_bytes > limits_.entry_bytes;
    if (is_full && !specs_.empty()) DML_RETURN_IF_ERROR(Flush());
    bytes_ += document.size();
    entry_bytes_ += entry_bytes;
    specs_.push_back(std::move(document));
    return absl::OkStatus();
  }

  absl::StatusOr<DebReferences> Finish() {
    if (!specs_.empty()) DML_RETURN_IF_ERROR(Flush());
    return std::move(out_);
  }

 private:
  absl::Status Flush() {
    bytes_ = 0;
    entry_bytes_ = 0;
    return take_(std::exchange(specs_, {}));
  }

  absl::Status Fault(const DebControl& control, const absl::Status& why) {
    ++out_.fault_count;
    if (out_.faults.size() < kMaxFaultsTold) {
      out_.faults.push_back(
          {fmt::format("paragraph {} ({} {})", out_.packages, Excerpt(control.Get("Package")),
                       Excerpt(control.Get("Version"))),
           why});
    }
    return absl::OkStatus();
  }

  // "FIELD: what: why" becomes one line for each FIELD and why.
  void NoteGap(const PackageSpec& spec, const std::string& line) {
    const size_t field = line.find(": ");
    const size_t why = line.rfind(": ");
    std::string key = field == why ? line : line.substr(0, field) + line.substr(why);
    DebReferences::Gap& gap = out_.unmapped[std::move(key)];
    if (gap.packages++ > 0) return;
    gap.example = fmt::format("{} {}", spec.package.name, spec.version.text());
    if (field != why) {
      gap.example += ": " + Excerpt(std::string_view(line).substr(field + 2, why - field - 2), 80);
    }
  }

  const std::string_view ns_;
  const std::function<absl::Status(ReferenceSpecs)>& take_;
  const ReferenceBatchLimits& limits_;
  DebReferences out_;
  std::set<VariantName> seen_;
  ReferenceSpecs specs_;
  size_t bytes_ = 0;
  size_t entry_bytes_ = 0;
};

}  // namespace

absl::StatusOr<DebReferences> ReadDebReferences(
    const std::filesystem::path& path, std::string_view ns,
    const std::function<absl::Status(ReferenceSpecs)>& take, const ReferenceBatchLimits& limits) {
  DML_RETURN_IF_ERROR(ValidateNamespace(ns));
  Reader reader(ns, take, limits);
  DML_RETURN_IF_ERROR(
      ReadDebIndex(path, [&](const DebControl& control) { return reader.Add(control); }));
  return reader.Finish();
}

}  // namespace dml
