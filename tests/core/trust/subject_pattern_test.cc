#include "core/trust/subject_pattern.h"

#include <random>

#include <gtest/gtest.h>

namespace dml {
namespace {

bool Covers(std::string_view pattern, std::string_view subject) {
  absl::StatusOr<SubjectPattern> parsed = SubjectPattern::Parse(pattern);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() && parsed->Covers(subject);
}

// attack 18
TEST(SubjectPatternTest, AStarNeverCrossesASlash) {
  EXPECT_TRUE(Covers("acme/api", "acme/api"));
  EXPECT_TRUE(Covers("acme/*", "acme/api"));
  EXPECT_TRUE(Covers("acme/lib*-dev", "acme/libssl-dev"));
  EXPECT_TRUE(Covers("acme/lib*-dev", "acme/lib-dev"));
  EXPECT_TRUE(Covers("*/*", "acme/api"));
  EXPECT_TRUE(Covers("acme/**", "acme/api"));
  EXPECT_FALSE(Covers("*", "acme/api"));
  EXPECT_FALSE(Covers("**", "acme/api"));
  EXPECT_FALSE(Covers("acme/*", "acme"));
  EXPECT_FALSE(Covers("acme/*", "acme/a/b"));
  EXPECT_FALSE(Covers("acme/*", "acme-evil/api"));
  EXPECT_FALSE(Covers("acme*/api", "acme/x/api"));
  EXPECT_FALSE(Covers("acme/api", "acme/api2"));
  EXPECT_FALSE(Covers("acme/api", "acme/"));
}

// attack 12: nothing but the narrow alphabet is a pattern, whatever it looks like.
TEST(SubjectPatternTest, OtherCharactersAreRefused) {
  for (std::string_view bad : {"", "/", "acme/", "/api", "acme//api", "Acme/api", "acme/%2e%2e",
                               "acme/a b", "acme/[a]", "acme/a?i", "acme/{a,b}", "acm\xc3\xa9/api",
                               "acme/a\\b", "acme/a\nb", "a/b/c/d/e/f/g/h/i"}) {
    EXPECT_EQ(Reason(SubjectPattern::Parse(bad).status()), "PATTERN_INVALID") << bad;
  }
  EXPECT_EQ(Reason(SubjectPattern::Parse(std::string("acme/a\0b", 8)).status()), "PATTERN_INVALID");
  EXPECT_TRUE(SubjectPattern::Parse(std::string(128, 'a')).ok());
  EXPECT_FALSE(SubjectPattern::Parse(std::string(129, 'a')).ok());
}

// What a star means, as written down: recursion over every possible run.
bool Oracle(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] != '*') {
    return !text.empty() && pattern[0] == text[0] && Oracle(pattern.substr(1), text.substr(1));
  }
  if (Oracle(pattern.substr(1), text)) return true;
  return !text.empty() && text[0] != '/' && Oracle(pattern, text.substr(1));
}

TEST(SubjectPatternTest, AgreesWithItsDefinition) {
  std::mt19937 random(7);
  auto word = [&](std::string_view alphabet) {
    std::string out;
    for (size_t size = 1 + random() % 7; out.size() < size;) {
      out += alphabet[random() % alphabet.size()];
    }
    return out;
  };
  int covered = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string pattern = word("ab*/");
    const std::string subject = word("ab/");
    absl::StatusOr<SubjectPattern> parsed = SubjectPattern::Parse(pattern);
    if (!parsed.ok() || subject.starts_with('/') || subject.ends_with('/') ||
        subject.find("//") != std::string::npos) {
      continue;
    }
    EXPECT_EQ(parsed->Covers(subject), Oracle(pattern, subject)) << pattern << " " << subject;
    covered += parsed->Covers(subject) ? 1 : 0;
  }
  EXPECT_GT(covered, 1000);
}

}  // namespace
}  // namespace dml
