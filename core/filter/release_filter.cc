#include "core/filter/release_filter.h"

#include <fmt/ranges.h>

namespace dml {
namespace {

constexpr std::string_view kTypes[] = {"MAJOR", "MINOR", "PATCH", "EMERGENCY"};
constexpr std::string_view kStates[] = {"SEALED", "TESTED", "WITHDRAWN"};

FilterValue ValueOf(const ReleaseRecord& record, std::string_view field) {
  if (field == "name") return record.name;
  if (field == "version") return record.version;
  if (field == "release") return fmt::format("{}@{}", record.name, record.version);
  if (field == "type") return std::string(ReleaseTypeName(record.type));
  if (field == "state") return std::string(ReleaseStateName(record.state));
  if (field == "environments") return fmt::format("{}", fmt::join(record.environments, " "));
  if (field == "evidence") return fmt::format("{}", fmt::join(record.evidence, " "));
  if (field == "author") return record.author;
  if (field == "digest") return record.document.digest.ToString();
  if (field == "sealed") return record.time;
  return {};
}

}  // namespace

const FilterSchema& ReleaseFilterSchema() {
  static const FilterSchema schema = {{"name"},
                                      {"version"},
                                      {"release"},
                                      {"type", FilterType::kEnum, kTypes},
                                      {"state", FilterType::kEnum, kStates},
                                      {"environments"},
                                      {"evidence"},
                                      {"author"},
                                      {"digest"},
                                      {"sealed", FilterType::kTime}};
  return schema;
}

bool Matches(const Filter& filter, const ReleaseRecord& record) {
  return filter.Matches([&](std::string_view field, std::string_view) -> FilterValue {
    return ValueOf(record, field);
  });
}

}  // namespace dml
