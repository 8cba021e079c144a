// Reads Prometheus' text format as strictly as tests want it.
#pragma once

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace dml::testing {

/// A scrape: values by series ("name{label=\"v\"}") and kinds by family. A line that the format
/// (prometheus.io, "Exposition formats", 0.0.4) does not allow, a series twice, or one without HELP
/// and TYPE before it fails the test.
class MetricsText {
 public:
  explicit MetricsText(const std::string& text) {
    static const std::regex comment("# (HELP|TYPE) ([a-z_][a-z0-9_]*) (.+)");
    static const std::regex series(
        R"(([a-z_][a-z0-9_]*)(\{([a-z_]+="([^"\\]|\\.)*",?)*\})? ([-+0-9.eEInfNa]+))");
    std::set<std::string> helped;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      std::smatch match;
      if (std::regex_match(line, match, comment)) {
        if (match[1] == "HELP") {
          EXPECT_TRUE(helped.insert(match[2]).second) << "twice: " << line;
        } else {
          kinds_[match[2]] = match[3];
        }
        continue;
      }
      if (!std::regex_match(line, match, series)) {
        ADD_FAILURE() << "no line of the format: " << line;
        continue;
      }
      EXPECT_TRUE(helped.contains(FamilyOf(match[1]))) << line;
      EXPECT_TRUE(values_.try_emplace(match[1].str() + match[2].str(), std::stod(match[5])).second)
          << "twice: " << line;
    }
  }

  /// Of one series; -1 where there is none.
  double Value(const std::string& series) const {
    auto it = values_.find(series);
    return it == values_.end() ? -1 : it->second;
  }
  const std::map<std::string, std::string>& kinds() const { return kinds_; }
  const std::map<std::string, double>& values() const { return values_; }

  /// The family of a series' name: a histogram has three names.
  std::string FamilyOf(const std::string& name) const {
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      if (!name.ends_with(suffix)) continue;
      const std::string base = name.substr(0, name.size() - std::string(suffix).size());
      const auto kind = kinds_.find(base);
      if (kind != kinds_.end() && kind->second == "histogram") return base;
    }
    return name;
  }

 private:
  std::map<std::string, double> values_;
  std::map<std::string, std::string> kinds_;
};

}  // namespace dml::testing
