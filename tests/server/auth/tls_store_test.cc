#include "server/auth/tls_store.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "core/os/file.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/server/support/tls_world.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::KeyPem;
using testing::WallClock;
using Outcome = TlsStore::Outcome;

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(log_)));
  }
  void TearDown() override { spdlog::set_default_logger(before_); }

  // What was logged since it was asked last.
  std::string Logged() {
    std::string out = log_.str();
    log_.str("");
    return out;
  }

 private:
  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

class TlsStoreTest : public LogTest {
 protected:
  TlsStoreTest() {
    WritePair(NewServer());
    Write("ca.pem", authority_.certificate_pem);
  }

  CertificateWithKey NewServer(int days = 100) const {
    return *IssueServerCertificate(authority_, {{"localhost"}, {}}, {WallClock(), days});
  }
  void Write(const char* name, std::string_view text) {
    ASSERT_TRUE(WriteFileAtomically(folder_.path() / name, AsBytes(text), 0600).ok());
  }
  void WritePair(const CertificateWithKey& pair) {
    Write("server.pem", pair.certificate_pem);
    Write("server.key", KeyPem(pair.key));
  }
  TlsFiles Files() const {
    return {folder_.path() / "server.pem", folder_.path() / "server.key",
            folder_.path() / "ca.pem"};
  }
  std::unique_ptr<TlsStore> Open() {
    auto store = TlsStore::Open(Files(), [this] { return now_; });
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  // That the files as they are now are refused once, with this in the log, and change nothing.
  void ExpectRefused(TlsStore& store, const std::string& why) {
    const auto before = store.Current();
    Logged();
    EXPECT_EQ(store.Check(), Outcome::kRefused) << why;
    EXPECT_THAT(Logged(), AllOf(HasSubstr("[warning]"), HasSubstr(why),
                                HasSubstr("what was read before stays in use")));
    EXPECT_EQ(store.Check(), Outcome::kRefused) << why;
    EXPECT_EQ(Logged(), "") << "once for each fault";
    EXPECT_EQ(store.Current(), before) << why;
    const absl::Status at_start = TlsStore::Open(Files()).status();
    EXPECT_EQ(Reason(at_start), "TLS_FILES_INVALID");
    EXPECT_THAT(std::string(Message(at_start)), HasSubstr(why));
  }

  testing::ScratchFolder folder_;
  const CertificateWithKey authority_ =
      *MakeCertificateAuthority("test authority", {WallClock(), 200});
  std::chrono::sys_seconds now_ = WallClock();
};

TEST_F(TlsStoreTest, WhatHasNotChangedStaysTheSameObject) {
  const auto store = Open();
  const auto before = store->Current();
  EXPECT_EQ(before->certificate_chain, folder_.Read("server.pem"));
  EXPECT_EQ(before->private_key, folder_.Read("server.key"));
  EXPECT_EQ(before->client_authorities, authority_.certificate_pem);
  EXPECT_EQ(store->Check(), Outcome::kUnchanged);
  Write("server.pem", folder_.Read("server.pem"));  // Another file, the same content.
  EXPECT_EQ(store->Check(), Outcome::kUnchanged);
  EXPECT_EQ(store->Current(), before);
  EXPECT_EQ(Logged(), "");
}

TEST_F(TlsStoreTest, TakesANewPairAndNewAuthorities) {
  const auto store = Open();
  const auto before = store->Current();
  const std::string old_pem = before->certificate_chain;
  const CertificateWithKey next = NewServer();
  WritePair(next);
  EXPECT_EQ(store->Check(), Outcome::kReplaced);
  EXPECT_THAT(Logged(), AllOf(HasSubstr("[info]"), HasSubstr("server.pem")));
  EXPECT_EQ(store->Current()->certificate_chain, next.certificate_pem);
  EXPECT_EQ(before->certificate_chain, old_pem) << "whoever holds the old one keeps it";
  const CertificateWithKey other = testing::NewAuthority();
  Write("ca.pem", authority_.certificate_pem + other.certificate_pem);
  EXPECT_EQ(store->Check(), Outcome::kReplaced);
  EXPECT_EQ(store->Check(), Outcome::kUnchanged);
  EXPECT_EQ(store->Current()->client_authorities,
            authority_.certificate_pem + other.certificate_pem);
}

TEST_F(TlsStoreTest, AHalfRotatedPairIsRefusedUntilItIsWhole) {
  const auto store = Open();
  const CertificateWithKey next = NewServer();
  Write("server.pem", next.certificate_pem);
  ExpectRefused(*store, "server.key (certificate " + Files().certificate.string() +
                            "): it is not the key of the certificate");
  Write("server.key", KeyPem(next.key));
  EXPECT_EQ(store->Check(), Outcome::kReplaced);
  EXPECT_EQ(store->Current()->private_key, KeyPem(next.key));
}

TEST_F(TlsStoreTest, RefusesWhatIsNotGood) {
  const auto store = Open();
  const TlsMaterial good = *store->Current();
  Write("ca.pem", "garbage");
  ExpectRefused(*store, "ca.pem: it holds no certificate");
  Write("ca.pem", good.client_authorities.substr(0, 200));
  ExpectRefused(*store, "ca.pem: certificate 1 in it is damaged or cut off");
  Write("ca.pem", good.certificate_chain);
  ExpectRefused(*store, "ca.pem: none of the certificates in it is an authority's");
  Write("ca.pem", good.client_authorities);

  Write("server.pem", good.certificate_chain.substr(0, 300));
  ExpectRefused(*store, "server.pem: certificate 1 in it is damaged or cut off");
  fs::remove(Files().certificate);
  ExpectRefused(*store, "server.pem");
  Write("server.pem", good.certificate_chain);

  Write("server.key", good.private_key.substr(0, 100));
  ExpectRefused(*store, "it holds no whole private key");
  Write("server.key", good.private_key);
  fs::permissions(Files().key, fs::perms::group_read, fs::perm_options::add);
  ExpectRefused(*store, "server.key");
  fs::permissions(Files().key, fs::perms::owner_read | fs::perms::owner_write);
  Write("server.key", std::string(300 << 10, 'x'));
  ExpectRefused(*store, "server.key");

  Write("server.key", good.private_key);
  EXPECT_EQ(store->Check(), Outcome::kUnchanged);
  EXPECT_THAT(Logged(), HasSubstr("those in use again"));
  EXPECT_EQ(store->Check(), Outcome::kUnchanged);
  EXPECT_EQ(Logged(), "");
}

TEST_F(TlsStoreTest, AFaultThatComesBackIsToldAgain) {
  const auto store = Open();
  for (int i = 0; i < 2; ++i) {
    Write("ca.pem", "garbage");
    ExpectRefused(*store, "ca.pem: it holds no certificate");
    Write("ca.pem", authority_.certificate_pem);
    EXPECT_EQ(store->Check(), Outcome::kUnchanged);
  }
}

TEST_F(TlsStoreTest, WarnsOfTheEndAtTheStartAtEachChangeAndOnceADay) {
  WritePair(NewServer(20));
  const auto store = Open();
  EXPECT_THAT(Logged(), HasSubstr("server.pem expires on "));
  store->Check();
  now_ += std::chrono::hours(23);
  store->Check();
  EXPECT_EQ(Logged(), "");
  now_ += std::chrono::hours(1);
  store->Check();
  EXPECT_THAT(Logged(), AllOf(HasSubstr("[warning]"), HasSubstr("server.pem expires on ")));
  WritePair(NewServer(10));
  EXPECT_EQ(store->Check(), Outcome::kReplaced);
  EXPECT_THAT(Logged(), HasSubstr("server.pem expires on "));
  WritePair(NewServer(100));
  EXPECT_EQ(store->Check(), Outcome::kReplaced);
  EXPECT_THAT(Logged(), ::testing::Not(HasSubstr("expires on ")));
}

class CertificateDatesTest : public LogTest {
 protected:
  // What is logged so many days after a certificate of 100 days was made.
  std::string LoggedAfter(int days) {
    const CertificateWithKey authority =
        *MakeCertificateAuthority("test authority", {WallClock(), 200});
    const auto certificate =
        IssueServerCertificate(authority, {{"localhost"}, {}}, {WallClock(), 100});
    EXPECT_TRUE(certificate.ok()) << certificate.status();
    LogCertificateDates("server.pem", certificate->certificate_pem,
                        WallClock() + std::chrono::days(days));
    return Logged();
  }
};

TEST_F(CertificateDatesTest, AreSilentWhileAllIsWell) { EXPECT_EQ(LoggedAfter(60), ""); }

TEST_F(CertificateDatesTest, WarnAMonthBeforeTheEnd) {
  EXPECT_THAT(LoggedAfter(80), AllOf(HasSubstr("[warning]"), HasSubstr("server.pem expires on ")));
}

TEST_F(CertificateDatesTest, AreAnErrorAfterwardsAndBefore) {
  EXPECT_THAT(LoggedAfter(101), AllOf(HasSubstr("[error]"), HasSubstr("server.pem expired on ")));
  EXPECT_THAT(LoggedAfter(-10), AllOf(HasSubstr("[error]"), HasSubstr("is good only from ")));
}

}  // namespace
}  // namespace dml
