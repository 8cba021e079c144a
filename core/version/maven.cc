// Maven versions, ordered as org.apache.maven.artifact.versioning.ComparableVersion (Maven 3.9).
//
// Maven compares trees of items and pads the shorter side with nothing. A tree here is a chain of
// lists, as a list is always the last item of its parent, so a key is its items in sequence. What
// stands at a place has one of these ranks:
//   words before a release < a list that sorts before nothing < a release word with more of that
//   kind behind it < the end < such a word with more after it < other words < a list that sorts
//   after nothing < numbers
// Maven itself is not transitive where a word follows a dot in the middle of a version ("1.sp.1" <
// "1-alpha" < "1" < "1.sp.1"); there, and only there, this order decides otherwise for one pair.
#include <algorithm>
#include <array>
#include <vector>

#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

constexpr std::array<std::string_view, 5> kEarlyWords = {"alpha", "beta", "milestone", "rc",
                                                         "snapshot"};
// Ranks; the early words have 1 to 5.
constexpr char kEarlyList = '\6';
constexpr char kEarlyRelease = '\7';
constexpr char kEnd = '\10';
constexpr char kLateRelease = '\11';
constexpr char kServicePack = '\12';
constexpr char kOtherWord = '\13';
constexpr char kLateList = '\14';
constexpr char kNumber = '\15';

struct Item {
  std::string word;              // Empty: a number.
  std::string_view digits = {};  // Of a number, or behind a word.
  bool has_digits = false;

  bool is_number() const { return word.empty(); }
  bool IsZero() const { return is_number() && WithoutLeadingZeros(digits).empty(); }
  bool IsRelease() const { return word == "ga" || word == "final" || word == "release"; }
  /// How it compares with nothing: -1, 0 or 1.
  int Sign() const {
    if (is_number()) return IsZero() ? 0 : 1;
    if (IsRelease()) return 0;
    return std::find(kEarlyWords.begin(), kEarlyWords.end(), word) == kEarlyWords.end() ? 1 : -1;
  }
};
using List = std::vector<Item>;

/// Cuts a version into its chain of lists, as Maven does.
class MavenReader {
 public:
  explicit MavenReader(std::string_view text) : text_(text), lists_(1) {}

  std::vector<List> Read() {
    for (size_t i = 0; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '.') {
        AddUntil(i);
        start_ = i + 1;
        combined_ = false;
      } else if (c == '-') {
        // "x-1" is "x1".
        if (i > start_ && !digit_ && i + 1 < text_.size() && IsDigit(text_[i + 1])) {
          combined_ = true;
          continue;
        }
        AddUntil(i);
        start_ = i + 1;
        combined_ = false;
        Nest();
      } else if (IsDigit(c) != digit_ && i > start_) {
        Turn(i, IsDigit(c));
        digit_ = IsDigit(c);
      } else {
        digit_ = IsDigit(c);
      }
    }
    if (text_.size() > start_) {
      if (!digit_) Nest();  // ".x" at the end is "-x".
      Add(text_.size());
    }
    return std::move(lists_);
  }

 private:
  void Nest() {
    if (!lists_.back().empty()) lists_.emplace_back();
  }

  // Between a number and a word begins a list.
  void Turn(size_t i, bool to_digit) {
    if (to_digit) {
      combined_ = true;
      Nest();
      return;
    }
    Add(i);
    start_ = i;
    combined_ = false;
    lists_.emplace_back();
  }

  void AddUntil(size_t end) {
    if (end > start_) return Add(end);
    lists_.back().push_back({"", "0", true});
  }

  void Add(size_t end) {
    std::string_view part = text_.substr(start_, end - start_);
    Item item;
    if (combined_) {
      const size_t digits = part.find_first_of("0123456789");
      item.word = ToLower(part.substr(0, digits));
      if (item.word.ends_with('-')) item.word.pop_back();
      item.digits = part.substr(digits);
      item.has_digits = true;
      if (item.word == "a") item.word = "alpha";
      if (item.word == "b") item.word = "beta";
      if (item.word == "m") item.word = "milestone";
    } else if (digit_) {
      item.digits = part;
      item.has_digits = true;
    } else {
      item.word = ToLower(part);
    }
    if (item.word == "cr") item.word = "rc";
    lists_.back().push_back(std::move(item));
  }

  const std::string_view text_;
  std::vector<List> lists_;
  size_t start_ = 0;
  bool digit_ = false;
  bool combined_ = false;  // What is read now is a word and a number.
};

/// Whether the tail that begins at an item compares with nothing as less (-1), equal or more.
int SignFrom(const std::vector<List>& lists, size_t list, size_t item) {
  for (; list < lists.size(); ++list, item = 0) {
    for (; item < lists[list].size(); ++item) {
      if (int sign = lists[list][item].Sign()) return sign;
    }
  }
  return 0;
}

/// Zeros before a word, before a list that begins with one, and at an end mean nothing.
void Normalize(std::vector<List>& lists) {
  for (size_t l = lists.size(); l-- > 0;) {
    List& items = lists[l];
    for (size_t i = items.size(); i-- > 0;) {
      if (!items[i].IsZero()) continue;
      const bool last = i + 1 == items.size();
      const bool nested = last && l + 1 < lists.size() && !lists[l + 1].empty();
      const Item* next = !last ? &items[i + 1] : nested ? &lists[l + 1][0] : nullptr;
      if (next == nullptr || !next->is_number() || SignFrom(lists, l, i + 1) < 0) {
        items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    if (items.empty() && l > 0) lists.erase(lists.begin() + static_cast<std::ptrdiff_t>(l));
  }
}

void AppendWord(const Item& item, int tail, std::string& key) {
  const auto early = std::find(kEarlyWords.begin(), kEarlyWords.end(), item.word);
  if (early != kEarlyWords.end()) {
    key += static_cast<char>(1 + (early - kEarlyWords.begin()));
  } else if (item.IsRelease()) {
    key += tail < 0 ? kEarlyRelease : kLateRelease;
  } else if (item.word == "sp") {
    key += kServicePack;
  } else {
    key += kOtherWord;
    key += item.word;
    key += '\0';
  }
  key += item.has_digits ? '\2' : '\1';
  if (item.has_digits) AppendNumber(item.digits, key);
}

/// Appends items up to where only what means nothing follows; returns whether all were.
void AppendLists(const std::vector<List>& lists, std::string& key) {
  for (size_t l = 0; l < lists.size(); ++l) {
    const int list_sign = SignFrom(lists, l, 0);
    if (l > 0) {
      if (list_sign == 0) break;
      key += list_sign < 0 ? kEarlyList : kLateList;
    }
    for (size_t i = 0; i < lists[l].size(); ++i) {
      const int tail = SignFrom(lists, l, i);
      if (tail == 0) return;
      const Item& item = lists[l][i];
      if (item.is_number()) {
        key += kNumber;
        AppendNumber(item.digits, key);
      } else {
        AppendWord(item, tail, key);
      }
    }
  }
}

absl::Status Check(std::string_view text) {
  if (!IsAlnum(text[0])) {
    return InvalidVersion("maven", text, 0, "a letter or digit must come first");
  }
  const size_t bad = FindEnd(text, 0, [](char c) {
    return IsAlnum(c) || std::string_view(".-_+~^!:").find(c) != std::string_view::npos;
  });
  if (bad == text.size()) return absl::OkStatus();
  return InvalidVersion("maven", text, bad, "this character is not allowed");
}

}  // namespace

absl::Status ReadMaven(std::string_view text, VersionKey& key) {
  DML_RETURN_IF_ERROR(Check(text));
  std::vector<List> lists = MavenReader(text).Read();
  Normalize(lists);
  AppendLists(lists, key.bytes);
  key.bytes += kEnd;
  return absl::OkStatus();
}

absl::StatusOr<VersionPattern> ReadMavenPattern(std::string_view text) {
  std::string_view numbers = text.substr(0, text.size() - 1);
  if (!numbers.ends_with('.')) {
    return InvalidVersion("maven", text, 0, "a pattern is numbers and \".*\", as in 1.2.*");
  }
  numbers.remove_suffix(1);
  std::string key(1, static_cast<char>(RulesOf(VersionScheme::kMaven).revision));
  VersionPattern out{key, key};
  for (size_t at = 0; at <= numbers.size();) {
    const size_t end = FindEnd(numbers, at, IsDigit);
    if (end == at || (end < numbers.size() && numbers[end] != '.')) {
      return InvalidVersion("maven", text, end, "a number expected, as in 1.2.*");
    }
    out.high += kNumber;
    AppendNumber(numbers.substr(at, end - at), out.high);
    // Zeros at the end are no part of a key: "1.0.1" lies in "1.0.*", and so does "1".
    if (!WithoutLeadingZeros(numbers.substr(at, end - at)).empty()) out.low = out.high;
    at = end + 1;
  }
  out.high += '\xff';
  return out;
}

}  // namespace dml
