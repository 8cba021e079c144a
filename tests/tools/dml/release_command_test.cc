// dml release: documents made and looked at without a library.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/crypto/sha256.h"
#include "core/os/file.h"
#include "core/release/release.h"
#include "tests/support/paths.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_data.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome Dml(std::vector<std::string> args) {
  std::ostringstream out;
  std::ostringstream err;
  Outcome run;
  args.insert(args.begin(), {"release"});
  run.code = RunDml(args, out, err);
  run.out = out.str();
  run.err = err.str();
  return run;
}

constexpr std::string_view kDraft = R"(schema: dml.release/v1
name: payments
version: 2.4.0
type: MAJOR
environments: [staging]
items:
  - variant: packages/acme/api/versions/2.4.0/variants/linux-amd64
    manifest: {digest: "sha256:1111111111111111111111111111111111111111111111111111111111111111",
               size: 10}
    action: UPGRADE
    previous: packages/acme/api/versions/1.9.0/variants/linux-amd64
backOut: {to: BASELINE}
)";

class ReleaseCommandTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, std::string_view text) {
    const std::string path = (dir_.path() / name).string();
    EXPECT_TRUE(WriteFileAtomically(path, AsBytes(text), 0644).ok());
    return path;
  }
  std::string Path(const std::string& name) { return (dir_.path() / name).string(); }

  testing::TempDir dir_;
};

TEST_F(ReleaseCommandTest, ComposesOfADraftAndOptionsWithoutALibrary) {
  const std::string changes = Write("changes.json", R"({"schema": "dml.changes/v1", "changes": [
      {"id": "CHG-1", "title": "Pay by card", "authorizedBy": "p-1", "packages": ["acme/api"]}]})");
  const std::string out = Path("release.json");
  const Outcome run =
      Dml({"compose", Write("draft.yaml", kDraft), "--environment", "production", "--changes",
           changes, "--evidence", "https://slsa.dev/provenance/v1", "--from",
           "2027-03-27T22:00:00Z", "--until", "2027-03-28T02:00:00Z", "--out", out});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("UPGRADE"));
  const auto release = ParseSealedRelease(testing::ReadFileOrDie(out));
  ASSERT_TRUE(release.ok()) << release.status();
  EXPECT_EQ(release->type, ReleaseType::kMajor) << "as the draft says";
  EXPECT_EQ(release->environments, (std::vector<std::string>{"production", "staging"}));
  EXPECT_EQ(release->items[0].changes, std::vector<std::string>{"CHG-1"});
  EXPECT_EQ(release->changes[0].title, "Pay by card");
  EXPECT_TRUE(release->window.has_value());
  EXPECT_EQ(release->evidence.size(), 1u);

  const Outcome check = Dml({"check", out, "--output", "json"});
  ASSERT_EQ(check.code, 0) << check.err;
  EXPECT_EQ(json::parse(check.out)["risk"]["score"], 21);
  EXPECT_EQ(json::parse(check.out)["digest"], Sha256(testing::ReadFileOrDie(out)).ToString());
}

TEST_F(ReleaseCommandTest, ComposesAgainstWhatIsInUse) {
  const std::string draft = Write("draft.yaml", kDraft);
  const std::string lockfile =
      (testing::SourceDir() / "tests/golden/package/lockfile.json").string();
  const Outcome run = Dml({"compose", draft, "--type", "PATCH", "--in-use", lockfile,
                           "--remove-others", "--profile", Path("no-profile.yaml")});
  EXPECT_EQ(run.code, 2) << "manifests of what is removed are the library's to tell";
  EXPECT_THAT(run.err, HasSubstr("no-profile.yaml"));
  const Outcome bad = Dml({"compose", draft, "--in-use", draft + ".none"});
  EXPECT_EQ(bad.code, 2);
  const Outcome neither = Dml({"compose", draft, "--in-use", Write("x", "{}")});
  EXPECT_EQ(neither.code, 2);
  EXPECT_THAT(neither.err, HasSubstr("is no lockfile"));
}

TEST_F(ReleaseCommandTest, RefusesBadOptionsBeforeAnybodyIsAsked) {
  const std::string draft = Write("draft.yaml", kDraft);
  const auto refused = [&](std::vector<std::string> more, const std::string& message) {
    more.insert(more.begin(), {"compose", draft});
    const Outcome run = Dml(more);
    EXPECT_EQ(run.code, 2) << run.out;
    EXPECT_THAT(run.err, HasSubstr(message));
  };
  refused({"--type", "HUGE"}, "one of");
  refused({"--from", "2027-03-27T22:00:00Z"}, "--until");
  refused({"--from", "2027-03-27T22:00:00Z", "--until", "2027-03-27T22:00:00Z"}, "the later one");
  refused({"--back-out", "2.3.0"}, "sha256");
  refused({"--environment", "Production"}, "environments");
  refused({"--changes", draft}, "changes");
  refused({"--lockfile", draft}, "malformed JSON");
  EXPECT_THAT(Dml({"compose", "--name", "a", "--version", "1", "--environment", "e"}).err,
              HasSubstr("items: "));
}

TEST_F(ReleaseCommandTest, ChecksDraftsAndDocumentsApart) {
  const std::string draft = Write("draft.yaml", kDraft);
  EXPECT_EQ(Dml({"check", "--draft", draft}).code, 0);
  const Outcome run = Dml({"check", draft});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("draft.yaml: release: malformed JSON at line 1"));
  const Outcome bad = Dml({"check", "--draft", Write("bad.yaml", std::string(kDraft) + "x: 1\n")});
  EXPECT_EQ(bad.code, 2);
  EXPECT_THAT(bad.err, HasSubstr("line 13: x: unknown member 'x'"));
}

TEST_F(ReleaseCommandTest, NotesAndDifferences) {
  const std::string golden = (testing::SourceDir() / "tests/golden/release/release.json").string();
  const Outcome notes = Dml({"notes", golden});
  ASSERT_EQ(notes.code, 0) << notes.err;
  EXPECT_THAT(notes.out, HasSubstr("## Fixed\n- Mend the rounding (CHG\\-1)"));
  const Outcome file = Dml({"notes", golden, "--out", Path("notes.md")});
  ASSERT_EQ(file.code, 0) << file.err;
  EXPECT_THAT(testing::ReadFileOrDie(Path("notes.md")), HasSubstr("## Packages"));

  const Outcome same = Dml({"diff", golden, golden, "--output", "json"});
  ASSERT_EQ(same.code, 0) << same.err;
  EXPECT_EQ(json::parse(same.out)["same"], true);
  const Outcome diff = Dml({"diff", golden, Write("draft.yaml", kDraft), "--output", "json"});
  ASSERT_EQ(diff.code, 0) << diff.err;
  const json found = json::parse(diff.out);
  EXPECT_EQ(found["same"], false);
  EXPECT_EQ(found["items"].size(), 5u);
  EXPECT_EQ(found["changes"].size(), 3u);
  EXPECT_FALSE(found.contains("bytes")) << "the library was not asked";
}

}  // namespace
}  // namespace dml
