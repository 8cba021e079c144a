// Who relates to a thing, by versions of it.
#include "storage/views/relation_index.h"

#include <random>

#include <gmock/gmock.h>

#include "storage/engine/memory_engine.h"
#include "storage/views/index_rows.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::SpecBuilder;
using testing::Target;

// Counts the rows that somebody looks at.
class CountingCursor : public Cursor {
 public:
  CountingCursor(std::unique_ptr<Cursor> inner, size_t& looks)
      : inner_(std::move(inner)), looks_(looks) {}
  void SeekToFirst() override { inner_->SeekToFirst(); }
  void SeekToLast() override { inner_->SeekToLast(); }
  void Seek(std::string_view key) override { inner_->Seek(key); }
  bool Valid() const override { return inner_->Valid(); }
  void Next() override { inner_->Next(); }
  void Prev() override { inner_->Prev(); }
  std::string_view key() const override { return inner_->key(); }
  std::string_view value() const override {
    ++looks_;
    return inner_->value();
  }
  absl::Status status() const override { return inner_->status(); }

 private:
  const std::unique_ptr<Cursor> inner_;
  size_t& looks_;
};

class CountingReader : public Reader {
 public:
  explicit CountingReader(const Reader& inner) : inner_(inner) {}
  absl::StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    return inner_.Get(table, key);
  }
  std::unique_ptr<Cursor> NewCursor(Table table, KeyRange range) const override {
    return std::make_unique<CountingCursor>(inner_.NewCursor(table, std::move(range)), looks_);
  }
  size_t looks() const { return looks_; }

 private:
  const Reader& inner_;
  mutable size_t looks_ = 0;
};

class RelationIndexTest : public ::testing::Test {
 protected:
  void Add(const PackageSpec& spec) {
    auto batch = engine_->NewBatch();
    const VariantName name{spec.package, spec.version.text(), spec.platform};
    const auto rows = IndexRows(name, spec);
    ASSERT_TRUE(rows.ok()) << rows.status();
    for (const IndexRow& row : *rows) {
      batch->Put(Table::kViews, row.key, row.value);
    }
    ASSERT_TRUE(engine_->Commit(std::move(batch), Durability::kSynced).ok());
  }
  static VersionsAsked Exactly(std::string_view text) {
    return {testing::MakeVersion(text), std::nullopt};
  }
  static VersionsAsked Within(std::string_view vers) {
    return {std::nullopt, *VersionRange::ParseVers(vers)};
  }
  // "PACKAGE VERSION" of each match, over pages of `size`.
  std::vector<std::string> Who(const VersionsAsked& asked, bool provides = false,
                               size_t size = 100) {
    const auto snapshot = engine_->NewSnapshot();
    const CountingReader reader(*snapshot);
    const RelationIndex index(reader);
    std::vector<std::string> out;
    PageRequest page{size, ""};
    do {
      const auto found = provides
                             ? index.Provides(RelationKind::kPackage, "acme/lib", asked, page)
                             : index.Relations(RelationKind::kPackage, "acme/lib", asked, page);
      EXPECT_TRUE(found.ok()) << found.status();
      if (!found.ok()) break;
      for (const RelationMatch& match : found->items) {
        out.push_back(match.variant.package.name + " " + match.variant.version);
      }
      page.after_key = found->next_key;
    } while (!page.after_key.empty());
    looks_ = reader.looks();
    std::ranges::sort(out);
    return out;
  }

  const std::unique_ptr<Engine> engine_ = NewMemoryEngine();
  size_t looks_ = 0;
};

TEST_F(RelationIndexTest, FindsThoseWhoseRangeHoldsTheVersion) {
  Add(SpecBuilder("acme/any", "1").Requires({Target("acme/lib")}).Build());
  Add(SpecBuilder("acme/exact", "1").Requires({Target("acme/lib", "vers:deb/2")}).Build());
  Add(SpecBuilder("acme/least", "1").Requires({Target("acme/lib", "vers:deb/>=2")}).Build());
  Add(SpecBuilder("acme/below", "1").Conflicts(Target("acme/lib", "vers:deb/<2")).Build());
  Add(SpecBuilder("acme/between", "1").Requires({Target("acme/lib", "vers:deb/>1|<3")}).Build());
  Add(SpecBuilder("acme/other", "1").Requires({Target("acme/lib", "vers:semver/>=1.0.0")}).Build());
  Add(SpecBuilder("acme/else", "1").Requires({Target("acme/libs", "vers:deb/2")}).Build());
  EXPECT_THAT(Who(Exactly("1")), ElementsAre("any 1", "below 1"));
  EXPECT_THAT(Who(Exactly("2")), ElementsAre("any 1", "between 1", "exact 1", "least 1"));
  EXPECT_THAT(Who(Exactly("3")), ElementsAre("any 1", "least 1"));
  EXPECT_THAT(Who(Exactly("semver:1.0.0")), ElementsAre("any 1", "other 1"));
  EXPECT_THAT(Who(Within("vers:deb/>=2|<3")),
              ElementsAre("any 1", "between 1", "exact 1", "least 1"));
  EXPECT_THAT(Who(Within("vers:deb/<1")), ElementsAre("any 1", "below 1"));
  EXPECT_EQ(Who({}).size(), 6u) << "without versions: all";
}

TEST_F(RelationIndexTest, FindsProvidersByVersion) {
  Add(SpecBuilder("acme/one", "1").Provides(RelationKind::kPackage, "acme/lib", "1").Build());
  Add(SpecBuilder("acme/two", "1").Provides(RelationKind::kPackage, "acme/lib", "2").Build());
  Add(SpecBuilder("acme/bare", "1").Provides(RelationKind::kPackage, "acme/lib").Build());
  EXPECT_THAT(Who({}, true), ElementsAre("bare 1", "one 1", "two 1"));
  EXPECT_THAT(Who(Exactly("2"), true), ElementsAre("two 1"));
  EXPECT_THAT(Who(Within("vers:deb/>=1|<2"), true), ElementsAre("one 1"));
  EXPECT_THAT(Who(Within("vers:deb/>5"), true), IsEmpty());
  EXPECT_THAT(Who(Within("vers:semver/>=1.0.0"), true), IsEmpty());
}

TEST_F(RelationIndexTest, AgreesWithLookingAtAllOfThem) {
  std::mt19937 random(20260301);
  std::vector<std::pair<std::string, VersionRange>> all;
  const std::vector<std::string> forms = {"vers:deb/{}",       "vers:deb/>={}", "vers:deb/<{}",
                                          "vers:deb/<{}|>9{}", "vers:deb/!={}", "vers:all/*"};
  for (int i = 0; i < 300; ++i) {
    const std::string number = std::to_string(random() % 40);
    std::string text = forms[random() % forms.size()];
    for (size_t at; (at = text.find("{}")) != std::string::npos;) text.replace(at, 2, number);
    const std::string name = "p" + std::to_string(i);
    Add(SpecBuilder("acme/" + name, "1").Requires({Target("acme/lib", text)}).Build());
    all.emplace_back(name + " 1", *VersionRange::ParseVers(text));
  }
  std::ranges::sort(all, {}, &std::pair<std::string, VersionRange>::first);
  for (int i = 0; i < 45; ++i) {
    const Version version = testing::MakeVersion(std::to_string(i));
    const VersionRange range =
        *VersionRange::ParseVers(fmt::format("vers:deb/>={}|<={}", i, i + 5));
    std::vector<std::string> holding, meeting;
    for (const auto& [name, item] : all) {
      if (item.Contains(version)) holding.push_back(name);
      if (!Intersect(item, range).IsEmpty()) meeting.push_back(name);
    }
    EXPECT_EQ(Who({version, std::nullopt}, false, 7), holding) << i;
    EXPECT_EQ(Who({std::nullopt, range}, false, 7), meeting) << i;
  }
}

TEST_F(RelationIndexTest, LooksAtWhatIsFoundAndNotAtAll) {
  for (int i = 0; i < 500; ++i) {
    Add(SpecBuilder("acme/exact", std::to_string(i))
            .Requires({Target("acme/lib", fmt::format("vers:deb/{}", i))})
            .Build());
    Add(SpecBuilder("acme/old", std::to_string(i))
            .Requires({Target("acme/lib", "vers:deb/<10")})
            .Build());
  }
  EXPECT_THAT(Who(Exactly("400")), ElementsAre("exact 400"));
  EXPECT_LE(looks_, 2u) << "one of 500 equal ranges stands for all of them";
  EXPECT_EQ(Who(Within("vers:deb/>=100|<110")).size(), 10u);
  EXPECT_LE(looks_, 12u);
}

TEST_F(RelationIndexTest, ATokenOfAnotherListIsRefused) {
  Add(SpecBuilder("acme/any", "1").Requires({Target("acme/lib")}).Build());
  const auto snapshot = engine_->NewSnapshot();
  const auto found =
      RelationIndex(*snapshot).Relations(RelationKind::kPackage, "acme/lib", {}, {10, "elsewhere"});
  EXPECT_EQ(Reason(found.status()), "PAGE_TOKEN_INVALID");
}

}  // namespace
}  // namespace dml
