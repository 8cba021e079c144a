// views == fold(Apply, empty, journal): random commands, then a rebuild, compared byte by byte.
#include <random>

#include <gtest/gtest.h>

#include "storage/views/library_view.h"
#include "storage/views/projector.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::NameOf;
using testing::Rows;
using testing::SpecBuilder;
using testing::Target;
using testing::TestLibrary;

// Random but repeatable: publishes, withdrawals, collections, attestations, policies and the rest.
class RandomCommands {
 public:
  RandomCommands(TestLibrary& library, unsigned seed) : library_(library), random_(seed) {}

  // Whether the library took it; many are refused, as in life.
  bool Step() {
    switch (Pick(11)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return Publish();
      case 4:
        return Withdraw();
      case 5:
        return Collect();
      case 6:
        return Attach();
      case 7:
        return SetPolicy();
      case 8:
        return SetRetention();
      case 9:
        return library_.Commit(EnvironmentCreated{"env" + std::to_string(Pick(4)), "", {}}).ok();
      default:
        return library_
            .Commit(NodeCreated{"env" + std::to_string(Pick(4)),
                                "node" + std::to_string(Pick(9)),
                                {{"tier", std::to_string(Pick(3))}}})
            .ok();
    }
  }

 private:
  unsigned Pick(unsigned n) { return random_() % n; }

  bool Publish() {
    std::string name = "acme/p" + std::to_string(Pick(6));
    SpecBuilder builder(name, std::to_string(Pick(3)) + "." + std::to_string(Pick(4)));
    if (Pick(2) == 0) builder.On("linux", Pick(2) == 0 ? "amd64" : "arm64");
    if (Pick(2) == 0) {
      builder.Requires({Target("acme/p" + std::to_string(Pick(6)), "vers:deb/>=1.0"),
                        Target("acme/p" + std::to_string(Pick(6)))});
    }
    if (Pick(3) == 0) builder.Provides(RelationKind::kCapability, "mail", "1.0");
    if (Pick(3) == 0) builder.Conflicts(Target("acme/p" + std::to_string(Pick(6))));
    PackageSpec spec = builder.Build();
    spec.declared_license = Pick(2) == 0 ? "MIT" : "GPL-2.0-or-later OR Apache-2.0";
    spec.title = "title " + std::to_string(Pick(100));
    if (!library_.Publish(spec).ok()) return false;
    published_.push_back(NameOf(spec));
    return true;
  }
  bool Withdraw() {
    if (published_.empty()) return false;
    return library_.Commit(VersionWithdrawn{published_[Pick(published_.size())], "broken"}).ok();
  }
  bool Collect() {
    if (published_.empty()) return false;
    std::string list = "sha256:" + std::string(64, 'a') + "\n";
    PayloadCollected collected{{published_[Pick(published_.size())]}, {Sha256(list), list.size()}};
    return library_.Commit(collected, {list}).ok();
  }
  bool SetRetention() {
    RetentionPolicy policy;
    policy.collect_withdrawn = Pick(2) == 0;
    if (Pick(2) == 0) policy = {RetentionKeep::kMatching, 1 + Pick(3), std::chrono::seconds(0)};
    const auto set = LibraryView(*library_->Read()).FindRetention("acme").value();
    return library_
        .Commit(NamespaceRetentionSet{"acme", policy, set.has_value() ? set->Etag() : ""})
        .ok();
  }
  bool Attach() {
    if (published_.empty()) return false;
    VariantName name = published_[Pick(published_.size())];
    auto snapshot = library_->Read();
    VariantRecord record = LibraryView(*snapshot).FindVariant(name).value().value();
    std::string envelope =
        testing::Envelope(library_.publisher(), record.manifest.digest, kTestResultPredicate,
                          "{\"run\":" + std::to_string(random_()) + "}");
    AttestationRef ref{{Sha256(envelope), envelope.size()},
                       std::string(kTestResultPredicate),
                       record.manifest.digest,
                       {library_.publisher().public_key().id()}};
    return library_.Commit(AttestationAttached{name, ref}, {envelope}).ok();
  }
  bool SetPolicy() {
    std::string environment = "env" + std::to_string(Pick(4));
    auto snapshot = library_->Read();
    auto policy = LibraryView(*snapshot).FindPolicy(environment).value();
    std::string document = "policy " + std::to_string(Pick(50));
    return library_
        .Commit(PolicySet{environment,
                          {Sha256(document), document.size()},
                          policy.has_value() ? policy->Etag() : ""},
                {document}, "req-" + std::to_string(random_()))
        .ok();
  }

  TestLibrary& library_;
  std::mt19937 random_;
  std::vector<VariantName> published_;
};

TEST(ReplayTest, RebuiltViewsAreByteIdentical) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TestLibrary library;
    RandomCommands commands(library, seed);
    int accepted = 0;
    for (int i = 0; i < 300; ++i) accepted += commands.Step();
    EXPECT_GT(accepted, 50);

    auto comparison = library->VerifyViews().value();
    EXPECT_TRUE(comparison.differing_keys.empty());
    EXPECT_GT(comparison.rows, 100u);

    auto before = Rows(*library->Read(), Table::kViews);
    ASSERT_TRUE(RebuildViews(library->engine()).ok());
    EXPECT_EQ(before, Rows(*library->Read(), Table::kViews));
  }
}

TEST(ReplayTest, VerifyViewsFindsATamperedRow) {
  TestLibrary library;
  ASSERT_TRUE(library.Publish(SpecBuilder("acme/api", "1.0").Build()).ok());
  auto rows = Rows(*library->Read(), Table::kViews);
  auto batch = library->engine().NewBatch();
  batch->Put(Table::kViews, rows[rows.size() / 2].first, "forged");
  batch->Delete(Table::kViews, rows[0].first);
  ASSERT_TRUE(library->engine().Commit(std::move(batch), Durability::kSynced).ok());
  EXPECT_EQ(library->VerifyViews().value().differing_keys.size(), 2u);
}

TEST(ReplayTest, AnInterruptedRebuildIsFinishedOnOpening) {
  TestLibrary library;
  ASSERT_TRUE(library.Publish(SpecBuilder("acme/api", "1.0").Build()).ok());
  auto before = Rows(*library->Read(), Table::kViews);
  auto batch = library->engine().NewBatch();
  SetViewCursor(0, *batch);
  batch->Delete(Table::kViews, before[1].first);
  ASSERT_TRUE(library->engine().Commit(std::move(batch), Durability::kSynced).ok());
  ASSERT_TRUE(RebuildViews(library->engine()).ok());
  EXPECT_EQ(before, Rows(*library->Read(), Table::kViews));
}

TEST(ReplayTest, RequestIdsAreForgottenAfterSevenDaysOfJournalTime) {
  auto now = std::make_shared<Timestamp>(FromMicros(1767225600000000));
  LibraryOptions options;
  options.origin = "dml.test/library";
  options.clock = [now] { return *now; };
  auto library = Library::Open(NewMemoryEngine(), testing::LogKey(), options).value();
  auto create = [&](std::string name, std::string request_id) {
    return library->Commit({"pat", std::move(request_id), NamespaceCreated{name, "", {}}, {}, {}});
  };
  ASSERT_TRUE(create("one", "id-1").ok());
  EXPECT_TRUE(create("one", "id-1")->replayed);
  *now += kRequestMemory + std::chrono::hours(1);
  ASSERT_TRUE(create("two", "id-2").ok());
  EXPECT_EQ(Reason(create("one", "id-1").status()), "NAMESPACE_EXISTS");
  EXPECT_TRUE(library->VerifyViews().value().differing_keys.empty());
}

}  // namespace
}  // namespace dml
