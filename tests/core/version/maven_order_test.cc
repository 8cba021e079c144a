// Maven's order as a comparison of trees of items, which is how Maven states it, against keys.
#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "core/version/version.h"
#include "tests/core/version/version_oracles.h"

namespace dml {
namespace {

struct Item {
  enum class Kind { kNumber, kWord, kWordAndNumber, kList } kind;
  std::string word;
  std::string digits;
  std::vector<Item> items;

  bool IsNull() const {
    return kind == Kind::kNumber ? digits.find_first_not_of('0') == std::string::npos
                                 : kind == Kind::kList && items.empty();
  }
};
using Kind = Item::Kind;

// Items of the version from `at` on, up to its end: a list within is always the last item.
class TreeReader {
 public:
  explicit TreeReader(std::string text) : text_(std::move(text)) {
    for (char& c : text_) c = static_cast<char>(std::tolower(c));
  }

  Item Read() {
    Item root{Kind::kList, "", "", {}};
    ReadInto(root, 0);
    return root;
  }

 private:
  // Reads tokens: a run of digits, or of other characters, between dots and dashes.
  void ReadInto(Item& list, size_t at) {
    while (at < text_.size()) {
      size_t end = at;
      const bool digits = IsDigit(at);
      while (end < text_.size() && text_[end] != '.' && text_[end] != '-' &&
             IsDigit(end) == digits) {
        ++end;
      }
      if (end == at) {  // Nothing between separators counts as 0.
        list.items.push_back({Kind::kNumber, "", "0", {}});
      } else if (digits) {
        list.items.push_back({Kind::kNumber, "", text_.substr(at, end - at), {}});
      } else if (IsDigit(end) ||
                 (end + 1 < text_.size() && text_[end] == '-' && IsDigit(end + 1))) {
        return ReadWordAndNumber(list, at, end);
      } else if (end == text_.size() && !list.items.empty()) {
        list.items.push_back({Kind::kList, "", "", {Word(text_.substr(at))}});
      } else {
        list.items.push_back(Word(text_.substr(at, end - at)));
      }
      if (end == text_.size()) return;
      if (text_[end] == '.') {
        at = end + 1;
        continue;
      }
      return ReadNested(list, text_[end] == '-' ? end + 1 : end);
    }
  }

  void ReadNested(Item& list, size_t at) {
    list.items.push_back({Kind::kList, "", "", {}});
    ReadInto(list.items.back(), at);
  }

  void ReadWordAndNumber(Item& list, size_t at, size_t word_end) {
    Item* inner = &list;
    if (!list.items.empty()) {
      list.items.push_back({Kind::kList, "", "", {}});
      inner = &list.items.back();
    }
    const size_t digits = IsDigit(word_end) ? word_end : word_end + 1;
    size_t end = digits;
    while (IsDigit(end)) ++end;
    Item item = Word(text_.substr(at, word_end - at));
    item.kind = Kind::kWordAndNumber;
    item.digits = text_.substr(digits, end - digits);
    if (item.word == "a") item.word = "alpha";
    if (item.word == "b") item.word = "beta";
    if (item.word == "m") item.word = "milestone";
    inner->items.push_back(item);
    if (end == text_.size()) return;
    if (text_[end] == '.') return ReadInto(*inner, end + 1);
    ReadNested(*inner, text_[end] == '-' ? end + 1 : end);
  }

  bool IsDigit(size_t i) const { return i < text_.size() && std::isdigit(text_[i]); }
  static Item Word(std::string word) {
    return {Kind::kWord, word == "cr" ? "rc" : std::move(word), "", {}};
  }

  std::string text_;
};

void Normalize(Item& list) {
  if (!list.items.empty() && list.items.back().kind == Kind::kList) Normalize(list.items.back());
  for (size_t i = list.items.size(); i-- > 0;) {
    if (!list.items[i].IsNull()) continue;
    const Item* next = i + 1 < list.items.size() ? &list.items[i + 1] : nullptr;
    if (next != nullptr && next->kind == Kind::kList) next = &next->items[0];
    if (next == nullptr || next->kind == Kind::kWord || next->kind == Kind::kWordAndNumber) {
      list.items.erase(list.items.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

std::string Qualifier(const std::string& word) {
  static const std::vector<std::string> kWords = {"alpha",    "beta", "milestone", "rc",
                                                  "snapshot", "",     "sp"};
  if (word == "ga" || word == "final" || word == "release") return "5";
  const auto it = std::ranges::find(kWords, word);
  return it == kWords.end() ? "7-" + word : std::to_string(it - kWords.begin());
}

int CompareItems(const Item* a, const Item* b);

int CompareToNothing(const Item& item) {
  if (item.kind == Kind::kNumber) return item.IsNull() ? 0 : 1;
  if (item.kind != Kind::kList) return testing::SignOf(Qualifier(item.word).compare("5"));
  for (const Item& inner : item.items) {
    if (int order = CompareToNothing(inner)) return order;
  }
  return 0;
}

int CompareItems(const Item* a, const Item* b) {
  if (a == nullptr || b == nullptr) {
    return a != nullptr ? CompareToNothing(*a) : b != nullptr ? -CompareToNothing(*b) : 0;
  }
  auto rank = [](const Item& item) {
    return item.kind == Kind::kNumber ? 2 : item.kind == Kind::kList ? 1 : 0;
  };
  if (rank(*a) != rank(*b)) return rank(*a) < rank(*b) ? -1 : 1;
  if (a->kind == Kind::kNumber) return testing::CompareDigits(a->digits, b->digits);
  if (a->kind == Kind::kList) {
    for (size_t i = 0; i < std::max(a->items.size(), b->items.size()); ++i) {
      const int order = CompareItems(i < a->items.size() ? &a->items[i] : nullptr,
                                     i < b->items.size() ? &b->items[i] : nullptr);
      if (order) return order;
    }
    return 0;
  }
  if (int order = testing::SignOf(Qualifier(a->word).compare(Qualifier(b->word)))) return order;
  if (a->kind != b->kind) return a->kind == Kind::kWord ? -1 : 1;
  return a->kind == Kind::kWord ? 0 : testing::CompareDigits(a->digits, b->digits);
}

// Where Maven contradicts itself: a word that is not the first item of its list, a list that begins
// with a list, and a number behind a release word, which it ignores in some comparisons.
bool IsConsistent(const Item& list) {
  for (size_t i = 0; i < list.items.size(); ++i) {
    const Item& item = list.items[i];
    if (item.kind == Kind::kList && (i == 0 || !IsConsistent(item))) return false;
    const bool word = item.kind == Kind::kWord || item.kind == Kind::kWordAndNumber;
    if (word && i > 0) return false;
    if (word && Qualifier(item.word) == "5" && list.items.size() + item.digits.size() > 1) {
      return false;
    }
  }
  return true;
}

TEST(KeyOrderTest, MavenKeysOrderAsItsTreesDo) {
  std::mt19937 random(6007);
  auto text = [&] {
    const char* parts[] = {"0",  "1",        "2",  "10", "alpha", "b",
                           "rc", "SNAPSHOT", "ga", "sp", "x",     "m"};
    std::string out = std::to_string(random() % 3);
    for (size_t n = random() % 5; n > 0; --n) {
      out += random() % 3 ? (random() % 2 ? "." : "-") : "";
      out += parts[random() % 12];
    }
    return out;
  };
  int compared = 0, equal = 0;
  for (int i = 0; i < 30'000; ++i) {
    const std::string a = text();
    const std::string b = random() % 2 ? text() : a + (random() % 2 ? ".0" : "-rc1");
    Item x = TreeReader(a).Read(), y = TreeReader(b).Read();
    Normalize(x);
    Normalize(y);
    if (!IsConsistent(x) || !IsConsistent(y)) continue;
    const auto order = Compare(*Version::Parse(VersionScheme::kMaven, a),
                               *Version::Parse(VersionScheme::kMaven, b));
    const int expected = CompareItems(&x, &y);
    ASSERT_EQ(order < 0 ? -1 : order > 0 ? 1 : 0, expected) << a << " " << b;
    ++compared;
    equal += expected == 0;
  }
  EXPECT_GT(compared, 5'000);
  EXPECT_GT(equal, 500);
}

}  // namespace
}  // namespace dml
