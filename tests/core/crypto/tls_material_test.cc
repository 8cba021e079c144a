#include "core/crypto/tls_material.h"

#include <gtest/gtest.h>

#include "core/crypto/x509.h"
#include "tests/core/crypto/openssl_cli.h"

namespace dml {
namespace {

std::chrono::sys_seconds Now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

class TlsMaterialTest : public ::testing::Test {
 protected:
  CertificateWithKey NewServer() const {
    return *IssueServerCertificate(authority_, {{"localhost"}, {}}, {Now(), 10});
  }
  std::string KeyOf(const CertificateWithKey& pair) const { return *pair.key.ToPkcs8Pem(); }

  const CertificateWithKey authority_ = *MakeCertificateAuthority("one", {Now(), 30});
  const CertificateWithKey server_ = NewServer();
  const std::string chain_ = server_.certificate_pem + authority_.certificate_pem;
};

// What is wrong, or "".
std::string Fault(const absl::Status& status) {
  EXPECT_TRUE(status.ok() || Reason(status) == "TLS_FILES_INVALID") << status;
  return std::string(Message(status));
}

TEST_F(TlsMaterialTest, TakesWhatBelongsTogether) {
  EXPECT_EQ(Fault(CheckCertificateChain(server_.certificate_pem)), "");
  EXPECT_EQ(Fault(CheckCertificateChain(chain_)), "");
  EXPECT_EQ(Fault(CheckServerKey(server_.certificate_pem, KeyOf(server_))), "");
  EXPECT_EQ(Fault(CheckServerKey(chain_, KeyOf(server_))), "");
  EXPECT_EQ(Fault(CheckAuthorities(authority_.certificate_pem)), "");
  const auto other = MakeCertificateAuthority("two", {Now(), 30});
  EXPECT_EQ(Fault(CheckAuthorities("# two\n" + authority_.certificate_pem + "\n\n" +
                                   other->certificate_pem + "# end\n")),
            "");
}

TEST_F(TlsMaterialTest, DoesNotJudgeDates) {
  const auto old = Now() - std::chrono::days(20);
  const auto expired = IssueServerCertificate(authority_, {{"localhost"}, {}}, {old, 1});
  ASSERT_TRUE(expired.ok()) << expired.status();
  EXPECT_EQ(Fault(CheckServerKey(expired->certificate_pem, KeyOf(*expired))), "");
}

TEST_F(TlsMaterialTest, RefusesAKeyOfAnotherCertificate) {
  const CertificateWithKey other = NewServer();
  const std::string fault = Fault(CheckServerKey(server_.certificate_pem, KeyOf(other)));
  EXPECT_NE(fault.find("not the key of the certificate"), std::string::npos) << fault;
  // The key of a certificate further on in the chain is not the server's.
  EXPECT_NE(Fault(CheckServerKey(chain_, KeyOf(authority_))), "");
  EXPECT_NE(Fault(CheckServerKey(server_.certificate_pem,
                                 *PrivateKey::Generate(KeyAlgorithm::kEd25519).ToPkcs8Pem())),
            "")
      << "of another kind";
}

TEST_F(TlsMaterialTest, RefusesWhatIsNoneOrIsCutOff) {
  using std::string_literals::operator""s;
  const std::string key = KeyOf(server_);
  for (const std::string& bad : {""s, "\n"s, "no PEM"s, key, std::string(100'000, 'x')}) {
    EXPECT_NE(Fault(CheckCertificateChain(bad)), "") << bad;
    EXPECT_NE(Fault(CheckAuthorities(bad)), "") << bad;
  }
  for (const std::string& bad : {""s, "no PEM"s, chain_}) {
    EXPECT_NE(Fault(CheckServerKey(chain_, bad)), "") << bad;
  }
  for (size_t size = 0; size + 6 < key.size(); ++size) {  // Five dashes and a newline may lack.
    EXPECT_NE(Fault(CheckServerKey(chain_, key.substr(0, size))), "") << size;
  }
  const size_t second = server_.certificate_pem.size() + sizeof("-----BEGIN CERTIFICATE-----");
  for (size_t size = second; size + 6 < chain_.size(); ++size) {
    EXPECT_NE(Fault(CheckCertificateChain(chain_.substr(0, size))), "") << size;
  }
  std::string damaged = chain_;
  damaged[second + 100] = '!';
  EXPECT_NE(Fault(CheckCertificateChain(damaged)), "");
  EXPECT_NE(Fault(CheckAuthorities(damaged)), "");
}

TEST_F(TlsMaterialTest, RefusesNulThatWouldHideTheRest) {
  using std::string_literals::operator""s;
  EXPECT_NE(Fault(CheckCertificateChain(server_.certificate_pem + "\0"s)), "");
  EXPECT_NE(Fault(CheckAuthorities("\0"s + authority_.certificate_pem)), "");
  EXPECT_NE(Fault(CheckServerKey(chain_, KeyOf(server_) + "\0"s)), "");
}

TEST_F(TlsMaterialTest, RefusesAnEncryptedKey) {
  const std::string fault = Fault(CheckServerKey(chain_, *server_.key.ToPkcs8Pem("secret")));
  EXPECT_NE(fault.find("passphrase"), std::string::npos) << fault;
}

TEST_F(TlsMaterialTest, AuthoritiesMustHoldOne) {
  EXPECT_NE(Fault(CheckAuthorities(server_.certificate_pem)), "");
  EXPECT_EQ(Fault(CheckAuthorities(chain_)), "");
}

TEST_F(TlsMaterialTest, RefusesMoreThanItWillHold) {
  std::string many;
  for (size_t i = 0; i <= kMaxTlsCertificates; ++i) many += authority_.certificate_pem;
  EXPECT_NE(Fault(CheckAuthorities(many)), "");
  EXPECT_EQ(Fault(CheckAuthorities(many.substr(authority_.certificate_pem.size()))), "");
}

TEST_F(TlsMaterialTest, AClientIsTrustedWhileAnAuthoritySignsIt) {
  const CertificateWithKey other = *MakeCertificateAuthority("one", {Now(), 30});
  const auto client = IssueClientCertificate(authority_, {"d", "p", {}}, {Now(), 1});
  ASSERT_TRUE(client.ok()) << client.status();
  auto reason = [](const std::string& chain, const std::string& authorities) {
    return Reason(CheckClientChain(chain, authorities));
  };
  const std::string own = client->certificate_pem;
  const std::string kNotTrusted = "CERTIFICATE_NOT_TRUSTED";
  EXPECT_EQ(reason(own, authority_.certificate_pem), "");
  EXPECT_EQ(reason(own, other.certificate_pem + authority_.certificate_pem), "");
  EXPECT_EQ(reason(own, other.certificate_pem), kNotTrusted) << "of the same name, but another";
  EXPECT_EQ(reason(own + authority_.certificate_pem, other.certificate_pem), kNotTrusted)
      << "what a client sends is not trusted for that";
  EXPECT_EQ(reason(server_.certificate_pem, authority_.certificate_pem), kNotTrusted)
      << "a certificate for servers";
  const auto past =
      IssueClientCertificate(authority_, {"d", "p", {}}, {Now() - std::chrono::days(3), 1});
  EXPECT_EQ(reason(past->certificate_pem, authority_.certificate_pem), kNotTrusted);
  for (const char* bad : {"", "garbage"}) {
    EXPECT_EQ(reason(bad, authority_.certificate_pem), kNotTrusted);
    EXPECT_EQ(reason(own, bad), kNotTrusted);
  }
}

TEST_F(TlsMaterialTest, AClientMayBringTheAuthoritiesBetween) {
  DML_SKIP_WITHOUT_OPENSSL();
  const testing::ScratchFolder folder;
  folder.Write("ext", "basicConstraints=critical,CA:TRUE\n");
  for (const char* step :
       {"req -x509 -nodes -subj /CN=root -keyout root.key -out root -newkey ed25519",
        "req -new -nodes -subj /CN=middle -keyout middle.key -out middle.csr -newkey ed25519",
        "x509 -req -in middle.csr -CA root -CAkey root.key -out middle -extfile ext -days 2",
        "req -new -nodes -subj /CN=leaf -keyout leaf.key -out leaf.csr -newkey ed25519",
        "x509 -req -in leaf.csr -CA middle -CAkey middle.key -out leaf -days 2"}) {
    ASSERT_TRUE(testing::RunOpenSsl(folder, step)) << step << ": " << folder.Read("output");
  }
  const std::string chain = folder.Read("leaf") + folder.Read("middle");
  EXPECT_EQ(Reason(CheckClientChain(chain, folder.Read("root"))), "");
  EXPECT_EQ(Reason(CheckClientChain(folder.Read("leaf"), folder.Read("root"))),
            "CERTIFICATE_NOT_TRUSTED");
}

// Certificates of other authorities: what TLS 1.3 can be served with, and what it cannot.
TEST_F(TlsMaterialTest, TriesTheHandshake) {
  DML_SKIP_WITHOUT_OPENSSL();
  const testing::ScratchFolder folder;
  const std::pair<const char*, bool> kKinds[] = {
      {"rsa:2048", true},
      {"ed25519", true},
      {"ec -pkeyopt ec_paramgen_curve:P-384", true},
      {"ec -pkeyopt ec_paramgen_curve:secp256k1", false},  // No signature scheme of TLS 1.3.
  };
  for (const auto& [kind, good] : kKinds) {
    ASSERT_TRUE(testing::RunOpenSsl(
        folder, std::string("req -x509 -nodes -subj /CN=x -keyout key -out cert -newkey ") + kind))
        << folder.Read("output");
    const std::string fault = Fault(CheckServerKey(folder.Read("cert"), folder.Read("key")));
    EXPECT_EQ(fault.empty(), good) << kind << ": " << fault;
  }
}

}  // namespace
}  // namespace dml
