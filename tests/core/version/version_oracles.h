// The orders of the schemes once more, written as their documents have them, without keys.
#pragma once

#include <cctype>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace dml::testing {

/// -1, 0 or 1.
inline int SignOf(int order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

inline int CompareDigits(std::string a, std::string b) {
  a.erase(0, std::min(a.find_first_not_of('0'), a.size()));
  b.erase(0, std::min(b.find_first_not_of('0'), b.size()));
  return a.size() != b.size() ? (a.size() < b.size() ? -1 : 1) : SignOf(a.compare(b));
}

/// rpmvercmp, after lib/rpmvercmp.c's description in rpm-version(7).
inline int NaiveRpmPart(std::string_view a, std::string_view b) {
  auto skip = [](std::string_view& s) {
    while (!s.empty() && !std::isalnum(s[0]) && s[0] != '~' && s[0] != '^') s.remove_prefix(1);
  };
  auto take = [](std::string_view& s, bool digits) {
    size_t n = 0;
    while (n < s.size() && (digits ? std::isdigit(s[n]) : std::isalpha(s[n]))) ++n;
    std::string out(s.substr(0, n));
    s.remove_prefix(n);
    return out;
  };
  while (!a.empty() || !b.empty()) {
    skip(a);
    skip(b);
    bool ta = a.starts_with('~'), tb = b.starts_with('~');
    if (ta || tb) {
      if (!ta) return 1;
      if (!tb) return -1;
      a.remove_prefix(1);
      b.remove_prefix(1);
      continue;
    }
    bool ca = a.starts_with('^'), cb = b.starts_with('^');
    if (ca || cb) {
      if (a.empty()) return -1;
      if (b.empty()) return 1;
      if (!ca) return 1;
      if (!cb) return -1;
      a.remove_prefix(1);
      b.remove_prefix(1);
      continue;
    }
    if (a.empty() || b.empty()) break;
    bool digits = std::isdigit(a[0]);
    std::string x = take(a, digits), y = take(b, digits);
    if (y.empty()) return digits ? 1 : -1;
    int order = digits ? CompareDigits(x, y) : SignOf(x.compare(y));
    if (order) return order;
  }
  if (a.empty() && b.empty()) return 0;
  return a.empty() ? -1 : 1;
}

inline int NaiveRpmCompare(const std::string& a, const std::string& b) {
  struct Parts {
    std::string epoch = "0", version;
    std::optional<std::string> release;
    explicit Parts(std::string text) {
      if (size_t colon = text.find(':'); colon != std::string::npos) {
        epoch = text.substr(0, colon);
        text.erase(0, colon + 1);
      }
      size_t dash = text.find('-');
      version = text.substr(0, dash);
      if (dash != std::string::npos) release = text.substr(dash + 1);
    }
  };
  Parts x(a), y(b);
  if (int order = CompareDigits(x.epoch, y.epoch)) return order;
  if (int order = NaiveRpmPart(x.version, y.version)) return order;
  if (!x.release || !y.release) return x.release ? 1 : y.release ? -1 : 0;
  return NaiveRpmPart(*x.release, *y.release);
}

/// A version of PEP 440 made of parts, with the order that packaging's _cmpkey gives it.
struct Pep440Sample {
  int epoch = 0;
  std::vector<int> release;
  std::optional<std::pair<char, int>> pre;
  std::optional<int> post;
  std::optional<int> dev;
  std::vector<std::string> local;

  static Pep440Sample Random(std::mt19937& random) {
    Pep440Sample out;
    if (random() % 8 == 0) out.epoch = 1;
    for (size_t n = 1 + random() % 3; n > 0; --n) out.release.push_back(random() % 3);
    if (random() % 3 == 0) out.pre = {"abc"[random() % 3], random() % 12};
    if (random() % 3 == 0) out.post = random() % 12;
    if (random() % 3 == 0) out.dev = random() % 2;
    if (random() % 4 == 0) {
      for (size_t n = 1 + random() % 2; n > 0; --n) {
        const char* words[] = {"0", "1", "10", "a", "ab", "1a"};
        out.local.push_back(words[random() % 6]);
      }
    }
    return out;
  }

  std::string Text(std::mt19937& random) const {
    auto separator = [&] { return std::string(random() % 2 ? "." : random() % 2 ? "-" : ""); };
    std::string out = random() % 8 == 0 ? "v" : "";
    if (epoch) out += std::to_string(epoch) + "!";
    for (size_t i = 0; i < release.size(); ++i) {
      out +=
          (i ? "." : "") + std::string(random() % 8 == 0 ? "0" : "") + std::to_string(release[i]);
    }
    if (pre) {
      const char* names[][2] = {{"a", "Alpha"}, {"b", "beta"}, {"c", "rc"}};
      out += separator() + names[pre->first - 'a'][random() % 2] + std::to_string(pre->second);
    }
    if (post) out += (random() % 4 == 0 ? "-" : separator() + "post") + std::to_string(*post);
    if (dev) out += ".dev" + std::to_string(*dev);
    for (size_t i = 0; i < local.size(); ++i) out += (i ? "." : "+") + local[i];
    return out;
  }

  static int Order(const Pep440Sample& a, const Pep440Sample& b) {
    auto cmp = [](long x, long y) { return x < y ? -1 : x > y ? 1 : 0; };
    if (int order = cmp(a.epoch, b.epoch)) return order;
    for (size_t i = 0; i < std::max(a.release.size(), b.release.size()); ++i) {
      long x = i < a.release.size() ? a.release[i] : 0;
      long y = i < b.release.size() ? b.release[i] : 0;
      if (int order = cmp(x, y)) return order;
    }
    auto pre_of = [](const Pep440Sample& s) -> long {
      if (s.pre) return s.pre->first * 1000 + s.pre->second;
      return !s.post && s.dev ? -1 : 1'000'000;
    };
    if (int order = cmp(pre_of(a), pre_of(b))) return order;
    if (int order = cmp(a.post.value_or(-1), b.post.value_or(-1))) return order;
    if (int order = cmp(a.dev.value_or(1 << 20), b.dev.value_or(1 << 20))) return order;
    for (size_t i = 0; i < std::min(a.local.size(), b.local.size()); ++i) {
      bool x = std::isdigit(a.local[i].back()), y = std::isdigit(b.local[i].back());
      if (x != y) return x ? 1 : -1;
      int order =
          x ? CompareDigits(a.local[i], b.local[i]) : SignOf(a.local[i].compare(b.local[i]));
      if (order) return order;
    }
    return cmp(a.local.size(), b.local.size());
  }
};

}  // namespace dml::testing
