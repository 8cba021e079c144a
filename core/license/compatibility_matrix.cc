// CompatibilityMatrix: reading, which finds all faults before it refuses, looking up, and diffs.
#include <algorithm>
#include <array>
#include <optional>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/license/compatibility.h"

namespace dml {

namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("LICENSE_MATRIX_INVALID");
constexpr size_t kMaxFaults = 64;  // Told; all are counted.
constexpr size_t kMaxNameBytes = 512;
constexpr std::array<std::string_view, 5> kAnswers = {"Same", "Yes", "No", "Unknown",
                                                      "Check dependency"};

bool IsBlank(std::string_view text) { return text.find_first_not_of(' ') == text.npos; }

// The outcome of a cell alone, for choosing among versions.
int Rank(MatrixAnswer answer) {
  if (answer == MatrixAnswer::kSame || answer == MatrixAnswer::kYes) return 0;
  return answer == MatrixAnswer::kNo ? 2 : 1;
}

}  // namespace

/// One reading. Rows may name licenses that have no row, so names are collected first.
class MatrixReader {
 public:
  MatrixReader(const LicenseList& list) : list_(list) {}

  absl::StatusOr<CompatibilityMatrix> Run(const json& document, std::string source) {
    ObjectReader in(document, kInvalid);
    in.StringOr("timeformat", kMaxNameBytes, "");
    const std::string timestamp = in.String("timestamp", kMaxNameBytes);
    in.ForEach("licenses", kMaxMatrixLicenses, [this](const json& row) { return AddName(row); });
    DML_RETURN_IF_ERROR(in.Finish());
    if (out_.licenses_.empty()) {
      return InvalidArgument(kInvalid, "the matrix has no license; is this another file?");
    }
    if (IsBlank(timestamp)) Fault("timestamp", "is blank");
    out_.version_ = fmt::format("{} of {}", source, timestamp);
    cells_.resize(out_.licenses_.size() * out_.licenses_.size());
    size_t row = 0;
    for (const json& value : document.at("licenses")) {
      if (rows_[row].has_value()) DML_RETURN_IF_ERROR(ReadRow(value, *rows_[row]));
      ++row;
    }
    CheckCells();
    if (faults_ > 0) return Refusal();
    for (std::optional<MatrixCell>& cell : cells_) out_.cells_.push_back(*std::move(cell));
    return std::move(out_);
  }

 private:
  void Fault(std::string where, std::string what) {
    if (++faults_ <= kMaxFaults) told_.push_back({std::move(where), std::move(what)});
  }

  absl::Status Refusal() {
    absl::Status status = InvalidArgument(
        kInvalid, "the matrix has {} faults, first {}: {}; what was loaded before stays", faults_,
        told_.front().field, told_.front().description);
    SetFieldViolations(status, told_);
    return status;
  }

  std::string PairName(size_t outbound, size_t inbound) const {
    return fmt::format("{} <- {}", out_.licenses_[outbound], out_.licenses_[inbound]);
  }

  // nullopt where it is not one license on the list.
  std::optional<CompatibilityMatrix::Key> KeyOf(const std::string& name, std::string& canonical) {
    const auto expression = LicenseExpression::Parse(name, list_);
    if (!expression.ok() || expression->leaves().size() != 1) return std::nullopt;
    const LicenseLeaf& leaf = expression->leaves()[0];
    canonical = leaf.ToString();
    return CompatibilityMatrix::Key(leaf.version(), leaf.addition);
  }

  absl::Status AddName(const json& row) {
    ObjectReader in(row, kInvalid);
    const std::string name = in.String("name", kMaxNameBytes);
    in.ForEach("compatibilities", kMaxMatrixLicenses, [](const json&) { return absl::OkStatus(); });
    DML_RETURN_IF_ERROR(in.Finish());
    std::string canonical;
    const auto key = KeyOf(name, canonical);
    rows_.emplace_back();
    if (!key.has_value()) {
      Fault(Excerpt(name), "is not one license on the list " + list_.version());
    } else if (!out_.index_.emplace(*key, out_.licenses_.size()).second) {
      Fault(Excerpt(name), "has two rows");
    } else {
      rows_.back() = out_.licenses_.size();
      out_.licenses_.push_back(std::move(canonical));
    }
    return absl::OkStatus();
  }

  absl::Status ReadRow(const json& row, size_t outbound) {
    ObjectReader in(row, kInvalid);
    in.String("name", kMaxNameBytes);
    in.ForEach("compatibilities", kMaxMatrixLicenses, [&](const json& value) -> absl::Status {
      ObjectReader cell(value, kInvalid);
      const std::string name = cell.String("name", kMaxNameBytes);
      const std::string answer = cell.String("compatibility", kMaxNameBytes);
      std::string explanation = cell.String("explanation", kMaxMatrixExplanationBytes);
      DML_RETURN_IF_ERROR(cell.Finish());
      AddCell(outbound, name, answer, std::move(explanation));
      return absl::OkStatus();
    });
    return AtField(in.Finish(), "licenses");
  }

  void AddCell(size_t outbound, const std::string& name, const std::string& answer,
               std::string explanation) {
    std::string canonical;
    const auto key = KeyOf(name, canonical);
    const auto column = key.has_value() ? out_.index_.find(*key) : out_.index_.end();
    if (column == out_.index_.end()) {
      return Fault(fmt::format("{} <- {}", out_.licenses_[outbound], Excerpt(name)),
                   "names a license that has no row");
    }
    const size_t inbound = column->second;
    const auto word = std::ranges::find(kAnswers, answer);
    if (IsBlank(answer) || IsBlank(explanation)) {
      return Fault(PairName(outbound, inbound), "is blank");
    }
    if (word == kAnswers.end()) {
      return Fault(
          PairName(outbound, inbound),
          fmt::format("'{}' is none of Same, Yes, No, Unknown, Check dependency", Excerpt(answer)));
    }
    if (!Utf8Fault(explanation).empty() || HasControlCharacters(explanation)) {
      return Fault(PairName(outbound, inbound), "its explanation has control characters");
    }
    MatrixCell cell{static_cast<MatrixAnswer>(word - kAnswers.begin()), std::move(explanation)};
    std::optional<MatrixCell>& place = cells_[outbound * out_.licenses_.size() + inbound];
    if (place.has_value()) {
      return Fault(
          PairName(outbound, inbound),
          place->answer == cell.answer
              ? std::string("is answered twice")
              : fmt::format("is answered '{}' and '{}'", MatrixAnswerName(place->answer), answer));
    }
    place = std::move(cell);
  }

  void CheckCells() {
    const size_t count = out_.licenses_.size();
    for (size_t i = 0; i < count; ++i) {
      for (size_t k = 0; k < count; ++k) {
        const std::optional<MatrixCell>& cell = cells_[i * count + k];
        if (!cell.has_value()) {
          Fault(PairName(i, k), "has no answer");
        } else if ((cell->answer == MatrixAnswer::kSame) != (i == k)) {
          Fault(PairName(i, k),
                fmt::format("is answered '{}' for {}", MatrixAnswerName(cell->answer),
                            i == k ? "one license" : "two licenses"));
        }
      }
    }
  }

  const LicenseList& list_;
  CompatibilityMatrix out_;
  std::vector<std::optional<size_t>> rows_;  // Index of each row of the document.
  std::vector<std::optional<MatrixCell>> cells_;
  size_t faults_ = 0;
  std::vector<FieldViolation> told_;
};

std::string_view MatrixAnswerName(MatrixAnswer answer) {
  return kAnswers[static_cast<size_t>(answer)];
}

absl::StatusOr<CompatibilityMatrix> CompatibilityMatrix::Parse(std::string_view text,
                                                               std::string source,
                                                               const LicenseList& list) {
  DML_ASSIGN_OR_RETURN(const json document, ParseStrictJson(text, kMaxMatrixBytes, kInvalid));
  return MatrixReader(list).Run(document, std::move(source));
}

const MatrixCell* CompatibilityMatrix::Find(const LicenseLeaf& outbound, const LicenseLeaf& inbound,
                                            const LicenseList& list) const {
  const auto row = index_.find({outbound.version(), outbound.addition});
  if (row == index_.end()) return nullptr;
  const LicenseVersion version = inbound.version();
  if (auto it = index_.find({version, inbound.addition}); it != index_.end()) {
    return &at(row->second, it->second);
  }
  const MatrixCell* best = nullptr;
  if (!version.or_later) return best;
  for (const std::string& base : list.VersionsFrom(version.base)) {
    for (bool or_later : {false, true}) {
      auto it = index_.find({{base, or_later}, inbound.addition});
      if (it == index_.end()) continue;
      const MatrixCell& cell = at(row->second, it->second);
      if (best == nullptr || Rank(cell.answer) < Rank(best->answer)) best = &cell;
    }
  }
  return best;
}

std::vector<std::string> DiffMatrices(const CompatibilityMatrix& before,
                                      const CompatibilityMatrix& after, size_t max_lines) {
  std::vector<std::string> lines;
  size_t more = 0;
  auto add = [&](std::string line) {
    if (lines.size() < max_lines) {
      lines.push_back(std::move(line));
    } else {
      ++more;
    }
  };
  std::map<std::string, size_t> now;
  for (size_t i = 0; i < after.licenses().size(); ++i) now[after.licenses()[i]] = i;
  std::vector<std::pair<size_t, size_t>> both;
  std::map<std::string, size_t> added = now;
  for (size_t i = 0; i < before.licenses().size(); ++i) {
    auto it = now.find(before.licenses()[i]);
    if (it == now.end()) {
      add("- " + before.licenses()[i]);
      continue;
    }
    both.emplace_back(i, it->second);
    added.erase(it->first);
  }
  for (const auto& [license, index] : added) add("+ " + license);
  for (const auto& [old_row, new_row] : both) {
    for (const auto& [old_column, new_column] : both) {
      const MatrixCell& old_cell = before.at(old_row, old_column);
      const MatrixCell& new_cell = after.at(new_row, new_column);
      if (old_cell.answer == new_cell.answer) continue;
      add(fmt::format("{} <- {}: {}, now {}", before.licenses()[old_row],
                      before.licenses()[old_column], MatrixAnswerName(old_cell.answer),
                      MatrixAnswerName(new_cell.answer)));
    }
  }
  if (more > 0) lines.push_back(fmt::format("... and {} more", more));
  return lines;
}

}  // namespace dml
