// Which trust a state of the library holds, and how it comes to hold another.
#include "storage/library/trust.h"

#include <gtest/gtest.h>

#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::NameOf;
using testing::SpecBuilder;
using testing::TestLibrary;

const Timestamp kNow = *ParseTime("2026-01-01T00:00:00Z");

class LibraryTrustTest : public ::testing::Test {
 protected:
  std::string SetRoot(const std::string& envelope) {
    auto command =
        PrepareSetRoot(*library_->Read(), envelope, library_->origin(), library_->log_key(), kNow);
    if (!command.ok()) return Reason(command.status());
    return Reason(library_->Commit(*std::move(command)).status());
  }
  std::string SetDelegation(const DelegationDocument& document,
                            const std::vector<const Signer*>& keys, Timestamp now = kNow) {
    const std::string text = FormatDelegationDocument(document).value();
    auto command = PrepareSetDelegation(
        *library_->Read(), FormatEnvelope(SignEnvelope(kDelegationPayloadType, text, keys).value()),
        now);
    if (!command.ok()) return Reason(command.status());
    return Reason(library_->Commit(*std::move(command)).status());
  }
  KeyRecord Key(const PrivateKey& key) {
    return LibraryView(*library_->Read()).FindKey(key.public_key().id()).value().value();
  }

  TestLibrary library_;
};

// A name is of one history: every root that was in force is looked at.
TEST_F(LibraryTrustTest, ANameThatTheJournalHadIsNotNew) {
  EXPECT_EQ(Reason(CheckOriginIsNew(*library_->Read(), library_->origin())), "ROOT_ORIGIN_USED");
  EXPECT_TRUE(CheckOriginIsNew(*library_->Read(), "library.example/new").ok());
  // Two moves: each root sets the name from there on.
  for (const char* name : {"library.example/2", "library.example/3"}) {
    TrustRoot& root = library_.trust().root();
    root.previous_origin = std::exchange(root.origin, name);
    auto command = PreparePastRoot(*library_->Read(), library_.trust().Next());
    ASSERT_TRUE(command.ok()) << command.status();
    ASSERT_TRUE(library_->Commit(*std::move(command)).ok());
  }
  for (const char* name : {"dml.test/library", "library.example/2", "library.example/3"}) {
    EXPECT_EQ(Reason(CheckOriginIsNew(*library_->Read(), name)), "ROOT_ORIGIN_USED") << name;
  }
}

TEST_F(LibraryTrustTest, KeysTellWhatTheRootLetsThemVouchFor) {
  const PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  library_.Register(key, "kim", "publisher", "acme");
  KeyRecord record = Key(key);
  EXPECT_EQ(record.holder, "kim");
  ASSERT_EQ(record.grants.size(), 1u);
  EXPECT_EQ(record.grants[0].delegation, "acme-publisher");
  EXPECT_EQ(record.grants[0].subjects, std::vector<std::string>{"acme/*"});
  const uint64_t registered = record.registered_index;

  library_.Register(key, "kim", "tester", "*");
  record = Key(key);
  EXPECT_EQ(record.grants.size(), 2u);
  EXPECT_EQ(record.registered_index, registered);

  ASSERT_TRUE(RemoveTrustKey(library_.trust().root(), key.public_key().id()).ok());
  ASSERT_TRUE(library_.trust().Set(*library_).ok());
  record = Key(key);
  EXPECT_TRUE(record.grants.empty()) << "it stays known, and vouches for nothing";
  EXPECT_FALSE(MayVouch(record, "", "acme/api"));
}

// attacks T8, 9 and "root version skipped"
TEST_F(LibraryTrustTest, OnlyTheNextRootOfItsHoldersIsSet) {
  library_.trust().root().version += 1;  // Skips one.
  EXPECT_EQ(SetRoot(library_.trust().Next()), "ROOT_VERSION_UNEXPECTED");
  library_.trust().root().version -= 2;
  const std::string good = library_.trust().Next();

  testing::TestTrust stranger(library_->log_key());
  stranger.root().version = library_.trust().root().version - 1;
  EXPECT_EQ(SetRoot(stranger.Next()), "THRESHOLD_NOT_MET");
  EXPECT_EQ(SetRoot(good), "");
  EXPECT_EQ(SetRoot(good), "ROOT_EXISTS");
}

TEST_F(LibraryTrustTest, ARootIsOfThisJournalAndNamesItsLogKey) {
  library_.trust().root().origin = "dml.test/other";
  EXPECT_EQ(SetRoot(library_.trust().Next()), "ROOT_ORIGIN_UNEXPECTED");
  --library_.trust().root().version;
  library_.trust().root().origin = library_->origin();
  const PrivateKey other = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  ASSERT_TRUE(ReplaceTrustKey(library_.trust().root(), library_->log_key().id(),
                              {other.public_key(), SignatureScheme::kEd25519, "log", false})
                  .ok());
  EXPECT_EQ(SetRoot(library_.trust().Next()), "ROOT_LOG_KEY_MISSING");
}

// "expired root"
TEST_F(LibraryTrustTest, ARootThatHasEndedIsNotSet) {
  library_.trust().root().expires = kNow;
  EXPECT_EQ(SetRoot(library_.trust().Next()), "ROOT_EXPIRED");
}

TEST_F(LibraryTrustTest, ATeamPassesOnWhatItHas) {
  const PrivateKey lead = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey member = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  library_.Register(lead, "lead", "publisher", "acme");
  DelegationDocument document;
  document.chain = {"acme-publisher"};
  document.expires = *ParseTime("2027-01-01T00:00:00Z");
  document.keys = {{member.public_key(), SignatureScheme::kEd25519, "mia", true}};
  document.delegations = {{"tools",
                           SigningRole::kPublisher,
                           {SubjectPattern::Parse("acme/tool-*").value()},
                           {1, {member.public_key().id()}},
                           false}};
  EXPECT_EQ(SetDelegation(document, {&stranger}), "THRESHOLD_NOT_MET");
  EXPECT_EQ(SetDelegation(document, {&lead}, document.expires), "DELEGATION_EXPIRED");
  EXPECT_EQ(SetDelegation(document, {&lead}), "");
  EXPECT_EQ(SetDelegation(document, {&lead}), "DELEGATION_VERSION_UNEXPECTED") << "rolled back";
  EXPECT_EQ(Key(member).grants.at(0).delegation, "acme-publisher > tools");

  auto may_publish = [&](const std::string& package) {
    for (const Authority& authority :
         library_.Domain()->AuthoritiesFor(SigningRole::kPublisher, package)) {
      for (const TrustKey& key : authority.keys) {
        if (key.holder == "mia") return true;
      }
    }
    return false;
  };
  EXPECT_TRUE(may_publish("acme/tool-1"));
  EXPECT_FALSE(may_publish("acme/api"));
  EXPECT_FALSE(may_publish("other/tool-1"));

  // With the lead's key goes what it signed.
  ASSERT_TRUE(library_.Commit(KeyRevoked{lead.public_key().id(), "stolen"}).ok());
  EXPECT_FALSE(may_publish("acme/tool-1"));
  EXPECT_EQ(library_.Domain()->lapsed().size(), 1u);
}

TEST_F(LibraryTrustTest, TheCacheSeesChangesAndTime) {
  TrustCache cache;
  auto holders = [&](Timestamp now) {
    return cache.Get(*library_->Read(), now).value()->root().keys.size();
  };
  const size_t before = holders(kNow);
  EXPECT_EQ(cache.Get(*library_->Read(), kNow).value(), cache.Get(*library_->Read(), kNow).value());
  library_.Register(PrivateKey::Generate(KeyAlgorithm::kEd25519), "kim", "publisher", "acme");
  EXPECT_EQ(holders(kNow), before + 1);
}

TEST_F(LibraryTrustTest, WhatAKeySignedIsListedInTheOrderOfTheJournal) {
  ASSERT_TRUE(library_.Publish(SpecBuilder("acme/a", "1.0").Build()).ok());
  ASSERT_TRUE(library_.Publish(SpecBuilder("acme/b", "1.0").Build()).ok());
  auto page = ListView(*library_->Read()).Signatures(library_.publisher().public_key().id(), {});
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->items.size(), 2u);
  EXPECT_EQ(page->items[0].variant, NameOf(SpecBuilder("acme/a", "1.0").Build()));
  EXPECT_LT(page->items[0].index, page->items[1].index);
}

}  // namespace
}  // namespace dml
