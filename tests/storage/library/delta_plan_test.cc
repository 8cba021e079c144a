// Which chunks of a package are held against which.
#include "storage/library/delta_plan.h"

#include <gtest/gtest.h>

#include "tests/support/content_model.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::Content;
using testing::MakeRelease;
using testing::SpecBuilder;

class DeltaPlanTest : public ::testing::Test {
 protected:
  ManifestFile File(std::string path, const Content& content) {
    EXPECT_TRUE(testing::UploadAll(library_->content(), content).ok());
    return {std::move(path), content.blob()};
  }
  // Answers the index of the entry.
  uint64_t Publish(std::string_view version, std::string arch, std::vector<ManifestFile> files) {
    const PackageSpec spec = SpecBuilder("acme/api", version).On("linux", std::move(arch)).Build();
    absl::StatusOr<Receipt> receipt =
        library_->Commit(library_.PublishCommand(spec, std::move(files)));
    EXPECT_TRUE(receipt.ok()) << Message(receipt.status());
    return LibraryView(*library_->Read())
        .FindVariant(testing::NameOf(spec))
        .value()
        ->published_index;
  }
  std::vector<DeltaPlan> Plans(uint64_t done_index = 0) {
    std::vector<DeltaPlan> plans;
    const auto keep = [&](const DeltaPlan& plan) {
      plans.push_back(plan);
      return absl::OkStatus();
    };
    EXPECT_TRUE(
        PlanPackageDeltas(*library_->Read(), library_->content(), {"acme", "api"}, done_index, keep)
            .ok());
    return plans;
  }
  DeltaPlan PlanOf(const Content& before, const Content& after) {
    return PlanBlobDeltas(library_->content(), "acme", before.blob().digest, after.blob().digest)
        .value();
  }

  testing::TestLibrary library_;
  const Content one_ = MakeRelease(1, 6);
  const Content two_ = MakeRelease(2, 6);
  const Content ten_ = MakeRelease(10, 6);
};

TEST_F(DeltaPlanTest, VersionsGoInTheOrderOfTheirSchemeAndOnOnePlatform) {
  Publish("10.0", "amd64", {File("bin", ten_)});
  Publish("2.0", "amd64", {File("bin", two_)});
  Publish("2.0", "arm64", {File("bin", MakeRelease(20, 6))});
  Publish("1.0", "amd64", {File("bin", one_)});
  EXPECT_EQ(Plans(), (std::vector<DeltaPlan>{PlanOf(one_, two_), PlanOf(two_, ten_)}));
  EXPECT_EQ(PlanOf(one_, two_).targets.size(), 6u);
}

TEST_F(DeltaPlanTest, OnlyWhatWasPublishedSince) {
  Publish("1.0", "amd64", {File("bin", one_)});
  const uint64_t done = Publish("2.0", "amd64", {File("bin", two_)});
  EXPECT_TRUE(Plans(done).empty());
  Publish("10.0", "amd64", {File("bin", ten_)});
  EXPECT_EQ(Plans(done), std::vector<DeltaPlan>{PlanOf(two_, ten_)});
}

TEST_F(DeltaPlanTest, FilesMeetByPathAndTheOthersInOrder) {
  const Content same = MakeRelease(50, 6);
  const Content a1 = MakeRelease(61, 6);
  const Content a2 = MakeRelease(62, 6);
  Publish("1.0", "amd64", {File("a-1.so", a1), File("bin", one_), File("doc", same)});
  Publish("2.0", "amd64", {File("a-2.so", a2), File("bin", two_), File("doc", same)});
  EXPECT_EQ(Plans(), (std::vector<DeltaPlan>{PlanOf(one_, two_), PlanOf(a1, a2)}))
      << "and nothing for a file that did not change";
}

TEST_F(DeltaPlanTest, AVersionMadeIntoDeltasIsSeenByTheNextAndFileIsReadable) {
  Publish("1.0", "amd64", {File("bin", one_)});
  Publish("2.0", "amd64", {File("bin", two_)});
  Publish("10.0", "amd64", {File("bin", ten_)});
  ContentStore& content = library_->content();
  uint64_t made = 0;
  const auto make = [&](const DeltaPlan& plan) -> absl::Status {
    DML_ASSIGN_OR_RETURN(DeltaReport report,
                         DeltaMaker(content.chunks()).Make(plan, 0, UINT64_MAX));
    made += report.moved.chunks;
    return absl::OkStatus();
  };
  ASSERT_TRUE(PlanPackageDeltas(*library_->Read(), content, {"acme", "api"}, 0, make).ok());
  EXPECT_EQ(made, 12u) << "the third version rests on the first, as the second does";
  for (const Content* version : {&one_, &two_, &ten_}) {
    EXPECT_EQ(testing::ReadBack(content, version->blob().digest), version->bytes);
  }
  testing::ExpectSound(library_->engine(), content);
}

TEST_F(DeltaPlanTest, AFileThatIsGoneIsPassedOver) {
  Publish("1.0", "amd64", {{"bin", one_.blob()}});
  Publish("2.0", "amd64", {File("bin", two_)});
  Publish("10.0", "amd64", {File("bin", ten_)});
  EXPECT_EQ(Plans(), std::vector<DeltaPlan>{PlanOf(two_, ten_)});
}

}  // namespace
}  // namespace dml
