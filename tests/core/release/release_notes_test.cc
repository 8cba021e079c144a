#include "core/release/release_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/release/release_builder.h"

namespace dml {
namespace {

using testing::Configure;
using ::testing::HasSubstr;
using testing::Install;
using ::testing::Not;
using testing::ReleaseOf;
using testing::Remove;
using testing::Upgrade;

TEST(ReleaseNotesTest, TellsWhatIsNewAndWhatHappens) {
  Release release = ReleaseOf({Install("acme/a@1.0.0"), Upgrade("acme/b@2.0.0", "1.0.0"),
                               Remove("acme/c@1.0.0"), Configure("acme/d@1.0.0", "x")});
  release.items[0].nodes = {{"role", "db"}};
  release.window = {{*ParseTime("2027-01-01T00:00:00Z"), *ParseTime("2027-01-02T00:00:00Z")}};
  release.changes[0].problems = {"P-1", "P-2"};
  release.changes.push_back(testing::Change("CHG-2"));
  release.changes[1].kind = ChangeKind::kSecurity;
  release.changes[1].link = "https://changes.example/2";
  release.changes.push_back(testing::Change("CHG-3"));
  release.changes[2].kind = ChangeKind::kUnknown;
  release.changes[2].authorized_by = "";
  EXPECT_EQ(ReleaseNotes(release), R"(# payments 1\.0\.0

MINOR release for production, planned from 2027-01-01T00:00:00Z to 2027-01-02T00:00:00Z

## Security
- Change CHG\-2 (CHG\-2) <https://changes.example/2>

## Fixed
- Change CHG\-1 (CHG\-1); closes P\-1, P\-2

## Other changes
- Change CHG\-3 (CHG\-3) **not authorized**

## Packages
- Install acme/a 1\.0\.0 (linux\-amd64) on nodes with role\=db
- Upgrade acme/b from 1\.0\.0 to 2\.0\.0 (linux\-amd64)
- Remove acme/c 1\.0\.0 (linux\-amd64)
- Configure acme/d 1\.0\.0 (linux\-amd64)

## Way back
To what was in use before
)");
  release.back_out = Sha256("before");
  EXPECT_THAT(ReleaseNotes(release), HasSubstr("To the release " + Sha256("before").ToString()));
}

TEST(ReleaseNotesTest, TextIsNotMarkup) {
  Release release = ReleaseOf({Install("acme/a@1.0.0")});
  release.changes[0].title = "<script>[x](javascript:y)</script> `z`";
  for (const char* link : {"javascript:alert(1)", "https://x.example/> <b>", "https://x\\>y"}) {
    release.changes[0].link = link;
    const std::string notes = ReleaseNotes(release);
    EXPECT_THAT(notes, HasSubstr(R"(\<script\>\[x\]\(javascript\:y\)\</script\> \`z\`)")) << notes;
    EXPECT_THAT(notes, Not(HasSubstr(" <" + std::string(link)))) << notes;
  }
}

}  // namespace
}  // namespace dml
