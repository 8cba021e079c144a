#include "core/license/debian.h"

#include <algorithm>
#include <optional>
#include <set>

#include "core/base/bytes.h"
#include "core/license/debian_names.h"
#include "core/license/expression.h"

namespace dml {
namespace {

// Longer names are cut: a name serves to be recognized, not to carry text.
constexpr size_t kMaxNameLength = 100;

// Short words of a synopsis, and commas as words of their own.
std::vector<std::string> SplitWords(std::string_view synopsis) {
  std::vector<std::string> words;
  bool in_word = false;
  for (char c : synopsis) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      in_word = false;
    } else if (c == ',') {
      words.emplace_back(",");
      in_word = false;
    } else {
      if (!in_word) words.emplace_back();
      in_word = true;
      words.back() += c;
    }
  }
  return words;
}

// An idstring made of any text: "BSD~3 (new)+" gives "BSD-3-new-plus".
std::string ToIdString(std::string_view text) {
  std::string id;
  for (char c : text) {
    if (IsLicenseIdString(std::string_view(&c, 1)) && c != '-') {
      id += c;
    } else if (c == '+') {
      id += "-plus";
    } else if (!id.empty() && id.back() != '-') {
      id += '-';
    }
    if (id.size() >= kMaxNameLength) break;
  }
  while (id.ends_with('-')) id.pop_back();
  while (id.starts_with('-')) id.erase(0, 1);
  return id.empty() ? std::string(kDebianUnspecified) : id;
}

// Valid UTF-8 of bounded length, for a list that people read.
std::string Shown(std::string_view name) {
  std::string shown(name.substr(0, kMaxNameLength));
  if (!IsValidUtf8(shown)) {
    for (char& c : shown) c = c >= ' ' && c <= '~' ? c : '?';
  }
  return shown.empty() ? std::string(kDebianUnspecified) : shown;
}

// One synopsis, translated by the grammar of the header; no recursion.
class SynopsisReader {
 public:
  SynopsisReader(std::string_view synopsis, const LicenseList& list)
      : words_(SplitWords(synopsis)), list_(list) {}

  std::string AllParts() {
    std::string text;
    do {
      Join(text, " AND ", AnyOf());
      while (Take(",")) {
      }
      if (!Take("and")) Take("and/or");
    } while (position_ < words_.size());
    return text;
  }

  std::vector<std::string> TakeUnmapped() { return std::move(unmapped_); }

 private:
  static void Join(std::string& text, std::string_view separator, const std::string& part) {
    if (!text.empty()) text += separator;
    text += part;
  }

  bool At(size_t position, std::string_view word) const {
    return position < words_.size() && AsciiLower(words_[position]) == word;
  }
  bool Take(std::string_view word) {
    if (!At(position_, word)) return false;
    ++position_;
    return true;
  }

  std::string AnyOf() {
    std::string text = AllOf();
    bool several = false;
    while (At(position_, "or") || (At(position_, ",") && At(position_ + 1, "or"))) {
      Take(",");
      Take("or");
      Join(text, " OR ", AllOf());
      several = true;
    }
    return several ? "(" + text + ")" : text;
  }

  std::string AllOf() {
    std::string text = License();
    while (Take("and") || Take("and/or")) Join(text, " AND ", License());
    return text;
  }

  // The words up to the next operator, joined by "-" as names have no spaces.
  std::string Words(bool stop_at_with) {
    std::string words;
    while (position_ < words_.size() && !At(position_, ",") && !At(position_, "and") &&
           !At(position_, "or") && !At(position_, "and/or") &&
           !(stop_at_with && At(position_, "with"))) {
      Join(words, "-", words_[position_++]);
    }
    return words;
  }

  std::string License() {
    const std::string name = Words(/*stop_at_with=*/true);
    std::optional<std::string> spdx = SpdxOfDebianName(name, list_);
    if (!spdx.has_value()) {
      unmapped_.push_back(Shown(name));
      spdx = "LicenseRef-debian-" + ToIdString(name);
    }
    if (!Take("with")) return Simple(*spdx) ? *spdx : "(" + *spdx + ")";
    std::string words = Words(/*stop_at_with=*/false);
    if (!Simple(*spdx)) {
      // An exception to what is two licenses or has one already.
      unmapped_.push_back(Shown(name + " with " + words));
      return "LicenseRef-debian-" + ToIdString(name + "-with-" + words);
    }
    for (std::string_view end : {"-exceptions", "-exception"}) {
      if (AsciiLower(words).ends_with(end)) words.resize(words.size() - end.size());
    }
    std::optional<std::string> addition = SpdxOfDebianException(words, *spdx, list_);
    if (!addition.has_value()) {
      unmapped_.push_back(Shown("with " + words));
      addition = "AdditionRef-debian-" + ToIdString(words);
    }
    return *spdx + " WITH " + *addition;
  }

  static bool Simple(std::string_view spdx) { return spdx.find(' ') == spdx.npos; }

  std::vector<std::string> words_;
  const LicenseList& list_;
  size_t position_ = 0;
  std::vector<std::string> unmapped_;
};

void KeepFirstOfEach(std::vector<std::string>& texts) {
  std::set<std::string> seen;
  std::erase_if(texts, [&seen](const std::string& text) { return !seen.insert(text).second; });
}

DebianLicense OneUnknownName(std::string_view synopsis) {
  return {"LicenseRef-debian-" + ToIdString(synopsis), {Shown(synopsis)}};
}

}  // namespace

DebianLicense DebianLicenseToSpdx(std::string_view synopsis, const LicenseList& list) {
  if (synopsis.size() > kMaxDebianSynopsisBytes || synopsis.find_first_of("()") != synopsis.npos) {
    return OneUnknownName(synopsis);
  }
  SynopsisReader reader(synopsis, list);
  const std::string text = reader.AllParts();
  absl::StatusOr<LicenseExpression> expression = LicenseExpression::Parse(text, list);
  if (!expression.ok()) return OneUnknownName(synopsis);
  DebianLicense license{expression->ToString(), reader.TakeUnmapped()};
  KeepFirstOfEach(license.unmapped);
  return license;
}

absl::StatusOr<DebianLicense> JoinDebianLicenses(const std::vector<DebianLicense>& licenses,
                                                 const LicenseList& list) {
  std::vector<LicenseExpression> expressions;
  DebianLicense joined;
  for (const DebianLicense& license : licenses) {
    DML_ASSIGN_OR_RETURN(LicenseExpression expression,
                         LicenseExpression::Parse(license.expression, list));
    expressions.push_back(std::move(expression));
    joined.unmapped.insert(joined.unmapped.end(), license.unmapped.begin(), license.unmapped.end());
  }
  DML_ASSIGN_OR_RETURN(const LicenseExpression whole, JoinLicenses(expressions, list));
  joined.expression = whole.ToString();
  KeepFirstOfEach(joined.unmapped);
  return joined;
}

}  // namespace dml
