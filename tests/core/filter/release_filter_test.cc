#include "core/filter/release_filter.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

ReleaseRecord Sample() {
  ReleaseRecord record;
  record.name = "payments";
  record.version = "2.4.0";
  record.type = ReleaseType::kEmergency;
  record.environments = {"production", "staging"};
  record.evidence = {"https://example.test/report"};
  record.state = ReleaseState::kTested;
  record.author = "spiffe://x/principals/rita";
  record.time = *ParseTime("2027-03-01T00:00:00Z");
  return record;
}

bool Meets(const std::string& text) {
  const auto filter = Filter::Parse(text, ReleaseFilterSchema());
  EXPECT_TRUE(filter.ok()) << text << ": " << filter.status();
  return filter.ok() && Matches(*filter, Sample());
}

TEST(ReleaseFilterTest, EachFieldIsThere) {
  for (const char* text :
       {"", "name = payments", "version = 2.4.*", "release = payments@2.4.0", "type = EMERGENCY",
        "state = TESTED", "environments : staging", "evidence : report", "author = *rita",
        "sealed < 2027-03-02T00:00:00Z", "digest : sha256",
        "state = TESTED AND environments : production AND NOT type = MAJOR"}) {
    EXPECT_TRUE(Meets(text)) << text;
  }
  for (const char* text : {"name = other", "type = PATCH", "state = SEALED", "environments : test",
                           "evidence : sbom", "sealed > 2027-03-02T00:00:00Z", "author != *rita"}) {
    EXPECT_FALSE(Meets(text)) << text;
  }
}

TEST(ReleaseFilterTest, RefusesWhatIsNoField) {
  for (const char* text : {"title = x", "state = DONE", "type = HUGE", "sealed = now", "name ="}) {
    EXPECT_EQ(Reason(Filter::Parse(text, ReleaseFilterSchema()).status()), "FILTER_INVALID")
        << text;
  }
}

}  // namespace
}  // namespace dml
