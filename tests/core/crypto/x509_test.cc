#include "core/crypto/x509.h"

#include <functional>

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "core/crypto/sha256.h"
#include "tests/core/crypto/openssl_cli.h"

namespace dml {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using testing::RunOpenSsl;
using testing::ScratchFolder;

const sys_seconds kNow = sys_days(std::chrono::year(2031) / 3 / 1) + std::chrono::hours(12);

sys_seconds WallClock() {
  return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
}

CertificateWithKey Authority(sys_seconds now = kNow) {
  absl::StatusOr<CertificateWithKey> made = MakeCertificateAuthority("Test authority", {now, 3650});
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

TEST(X509Test, ClientCertificateCarriesTheIdentity) {
  CertificateWithKey ca = Authority();
  absl::StatusOr<CertificateWithKey> issued = IssueClientCertificate(
      ca, {"library.example", "release-bot.1", {"publisher", "release-manager"}}, {kNow, 90});
  ASSERT_TRUE(issued.ok()) << issued.status();
  absl::StatusOr<CertificateIdentity> identity = ParseClientIdentity(issued->certificate_pem);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->subject_name, "release-bot.1");
  EXPECT_EQ(identity->organizational_units,
            (std::vector<std::string>{"publisher", "release-manager"}));
  EXPECT_EQ(identity->spiffe_id, "spiffe://library.example/principals/release-bot.1");
  EXPECT_EQ(identity->not_before, kNow - std::chrono::minutes(5));
  EXPECT_EQ(identity->not_after, kNow + days(90));
  std::string body = issued->certificate_pem.substr(28);
  std::string base64;
  for (char c : body.substr(0, body.find('-'))) {
    if (c != '\n') base64 += c;
  }
  EXPECT_EQ(identity->fingerprint, Sha256(*Base64Decode(base64)));
}

TEST(X509Test, DatesBeyond2049AreRight) {
  sys_seconds late = sys_days(std::chrono::year(2049) / 12 / 31);
  CertificateWithKey ca = Authority(late);
  auto issued = IssueClientCertificate(ca, {"d", "p", {}}, {late, 366});
  ASSERT_TRUE(issued.ok()) << issued.status();
  EXPECT_EQ(ParseClientIdentity(issued->certificate_pem)->not_after, late + days(366));
}

TEST(X509Test, EveryCertificateHasItsOwnKeyAndSerial) {
  CertificateWithKey ca = Authority();
  auto one = IssueClientCertificate(ca, {"d", "p", {}}, {kNow, 1});
  auto two = IssueClientCertificate(ca, {"d", "p", {}}, {kNow, 1});
  EXPECT_NE(one->certificate_pem, two->certificate_pem);
  EXPECT_FALSE(one->key.public_key() == two->key.public_key());
}

TEST(X509Test, OpenSslCommandAccepts) {
  DML_SKIP_WITHOUT_OPENSSL();
  ScratchFolder folder;
  CertificateWithKey ca = Authority(WallClock());
  auto server = IssueServerCertificate(ca, {{"localhost", "dml.example.com"}, {"127.0.0.1", "::1"}},
                                       {WallClock(), 30});
  ASSERT_TRUE(server.ok()) << server.status();
  auto client = IssueClientCertificate(ca, {"d.example", "alice", {"reader"}}, {WallClock(), 30});
  ASSERT_TRUE(client.ok()) << client.status();
  folder.Write("ca", ca.certificate_pem);
  folder.Write("other-ca", Authority(WallClock()).certificate_pem);
  folder.Write("server", server->certificate_pem);
  folder.Write("client", client->certificate_pem);
  std::string verify = "verify -x509_strict -check_ss_sig -CAfile ca ";
  EXPECT_TRUE(RunOpenSsl(folder, verify + "-purpose sslserver -verify_hostname localhost server"));
  EXPECT_TRUE(RunOpenSsl(folder, verify + "-verify_hostname dml.example.com server"));
  EXPECT_TRUE(RunOpenSsl(folder, verify + "-verify_ip 127.0.0.1 server"));
  EXPECT_TRUE(RunOpenSsl(folder, verify + "-verify_ip ::1 server"));
  EXPECT_TRUE(RunOpenSsl(folder, verify + "-purpose sslclient client"));
  EXPECT_FALSE(RunOpenSsl(folder, verify + "-verify_hostname other.example.com server"));
  EXPECT_FALSE(RunOpenSsl(folder, verify + "-purpose sslclient server"));
  EXPECT_FALSE(RunOpenSsl(folder, verify + "-purpose sslserver client"));
  EXPECT_FALSE(RunOpenSsl(folder, "verify -CAfile other-ca client"));
}

TEST(X509Test, RefusesBadRequests) {
  CertificateWithKey ca = Authority();
  Validity good{kNow, 30};
  auto server = [&](ServerNames names) {
    return Reason(IssueServerCertificate(ca, names, good).status());
  };
  EXPECT_EQ(server({}), "CERTIFICATE_INVALID");
  EXPECT_EQ(server({std::vector<std::string>(65, "a"), {}}), "CERTIFICATE_INVALID");
  using std::string_literals::operator""s;
  for (std::string name : {""s, "a..b"s, "-a"s, "a-"s, "a.-b"s, "*.a"s, "A"s, "a b"s, "a\0b"s,
                           "a."s, ".a"s, "a,URI:spiffe://x/y"s, std::string(64, 'a'), "\xc3\xa9"s,
                           std::string(127, 'a') + "." + std::string(127, 'b')}) {
    EXPECT_EQ(server({{name}, {}}), "CERTIFICATE_INVALID") << name;
  }
  for (std::string ip : {""s, "1.2.3"s, "256.1.1.1"s, "1.2.3.4/8"s, "::1\0x"s, "localhost"s}) {
    EXPECT_EQ(server({{}, {ip}}), "CERTIFICATE_INVALID") << ip;
  }
  auto client = [&](ClientName name) {
    return Reason(IssueClientCertificate(ca, name, good).status());
  };
  for (std::string principal : {""s, "."s, ".."s, "a/b"s, "a b"s, "a\0b"s, "a\nb"s, "\xc3\xa9"s,
                                "a%2fb"s, "a?b"s, "a#b"s, std::string(65, 'a')}) {
    EXPECT_EQ(client({"d", principal, {}}), "CERTIFICATE_INVALID") << principal;
  }
  for (std::string domain : {""s, "D"s, "d/x"s, "d:1"s, "u@d"s, std::string(256, 'd')}) {
    EXPECT_EQ(client({domain, "p", {}}), "CERTIFICATE_INVALID") << domain;
  }
  for (std::string role : {""s, "Admin"s, "a,b"s, "a\0"s, std::string(65, 'r')}) {
    EXPECT_EQ(client({"d", "p", {role}}), "CERTIFICATE_INVALID") << role;
  }
  EXPECT_EQ(client({"d", "p", std::vector<std::string>(17, "r")}), "CERTIFICATE_INVALID");
  for (int bad_days : {-1, 0, 36'501}) {
    EXPECT_EQ(Reason(MakeCertificateAuthority("a", {kNow, bad_days}).status()),
              "CERTIFICATE_INVALID");
  }
  for (std::string name : {""s, "a\nb"s, std::string(65, 'a')}) {
    EXPECT_EQ(Reason(MakeCertificateAuthority(name, good).status()), "CERTIFICATE_INVALID");
  }
}

TEST(X509Test, RefusesBadAuthorities) {
  CertificateWithKey ca = Authority(), other = Authority();
  ClientName name{"d", "p", {}};
  auto leaf = IssueClientCertificate(ca, name, {kNow, 30});
  EXPECT_EQ(Reason(IssueClientCertificate(*leaf, name, {kNow, 1}).status()),
            "CERTIFICATE_AUTHORITY_INVALID")
      << "an end certificate signs nothing";
  EXPECT_EQ(Reason(IssueClientCertificate(ca, name, {kNow, 3651}).status()),
            "CERTIFICATE_AUTHORITY_INVALID")
      << "would outlive its authority";
  std::swap(ca.certificate_pem, other.certificate_pem);
  EXPECT_EQ(Reason(IssueClientCertificate(ca, name, {kNow, 1}).status()),
            "CERTIFICATE_AUTHORITY_INVALID")
      << "another authority's key";
  ca.certificate_pem = "nothing";
  EXPECT_EQ(Reason(IssueClientCertificate(ca, name, {kNow, 1}).status()),
            "CERTIFICATE_AUTHORITY_INVALID");
}

// A self-signed certificate with any bytes in its names: what our own functions refuse to make.
struct Forged {
  std::vector<std::pair<const char*, std::string>> subject;
  std::vector<std::pair<int, std::string>> names;
  bool twice = false;  // The extension of alternative names is there twice.
};

std::string Forge(const Forged& forged) {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  X509_set_pubkey(certificate, key);
  ASN1_TIME_set(X509_getm_notBefore(certificate), 1'000'000'000);
  ASN1_TIME_set(X509_getm_notAfter(certificate), 2'000'000'000);
  for (const auto& [field, value] : forged.subject) {
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), field, V_ASN1_UTF8STRING,
                               reinterpret_cast<const unsigned char*>(value.data()),
                               static_cast<int>(value.size()), -1, 0);
  }
  GENERAL_NAMES* names = GENERAL_NAMES_new();
  for (const auto& [type, value] : forged.names) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_STRING* text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, value.data(), static_cast<int>(value.size()));
    GENERAL_NAME_set0_value(name, type, text);
    sk_GENERAL_NAME_push(names, name);
  }
  for (int i = 0; i < (forged.twice ? 2 : 1); ++i) {
    X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND);
  }
  X509_sign(certificate, key, nullptr);
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* text = nullptr;
  long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<size_t>(size));
  BIO_free(bio);
  GENERAL_NAMES_free(names);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pem;
}

TEST(X509Test, AmbiguousIdentitiesAreRefused) {
  using std::string_literals::operator""s;
  const std::string kUri = "spiffe://d/principals/p";
  auto good = ParseClientIdentity(Forge({{{"CN", "p"}}, {{GEN_URI, kUri}, {GEN_DNS, "d"}}}));
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(good->spiffe_id, kUri);
  EXPECT_EQ(good->not_after, sys_seconds(std::chrono::seconds(2'000'000'000)));
  EXPECT_TRUE(ParseClientIdentity(Forge({{}, {{GEN_URI, kUri}}})).ok()) << "no common name";
  const Forged cases[] = {
      {{{"CN", "p"}}, {}},
      {{{"CN", "p"}}, {{GEN_DNS, "d"}}},
      {{{"CN", "p"}}, {{GEN_URI, kUri}, {GEN_URI, kUri}}},
      {{{"CN", "p"}}, {{GEN_URI, kUri}, {GEN_URI, "spiffe://d/principals/admin"}}},
      {{{"CN", "p"}}, {{GEN_URI, kUri}}, /*twice=*/true},
      {{{"CN", "p"}, {"CN", "admin"}}, {{GEN_URI, kUri}}},
      {{{"CN", "admin\0.example"s}}, {{GEN_URI, kUri}}},
      {{{"CN", "p"}, {"OU", "admin\0x"s}}, {{GEN_URI, kUri}}},
      {{{"CN", "p"}, {"O", "a\nb"}}, {{GEN_URI, kUri}}},
      {{{"CN", "p\xff"}}, {{GEN_URI, kUri}}},
      {{{"CN", "p"}}, {{GEN_URI, kUri + "\0.evil"s}}},
      {{{"CN", "p"}}, {{GEN_URI, kUri}, {GEN_DNS, "good\0.evil"s}}},
      {{{"CN", "p"}}, {{GEN_URI, kUri}, {GEN_EMAIL, "a@b\0.evil"s}}},
      {{{"CN", "p"}}, {{GEN_URI, "https://d/principals/p"}}},
      {{{"CN", "p"}}, {{GEN_URI, "spiffe://d"}}},
      {{{"CN", "p"}}, {{GEN_URI, "spiffe://d/" + std::string(2048, 'x')}}},
  };
  int index = 0;
  for (const Forged& forged : cases) {
    EXPECT_EQ(Reason(ParseClientIdentity(Forge(forged)).status()), "CERTIFICATE_INVALID") << index;
    ++index;
  }
}

TEST(X509Test, DamagedCertificatesAreRefusedOrReadAlike) {
  std::string pem = Forge({{{"CN", "p"}}, {{GEN_URI, "spiffe://d/principals/p"}}});
  EXPECT_FALSE(ParseClientIdentity(pem + pem).ok()) << "a chain is not one certificate";
  EXPECT_FALSE(ParseClientIdentity("").ok());
  EXPECT_FALSE(ParseClientIdentity(pem + std::string(65'536, '\n')).ok());
  absl::StatusOr<CertificateIdentity> good = ParseClientIdentity(pem);
  ASSERT_TRUE(good.ok());
  for (size_t i = 28; i < pem.size() - 27; ++i) {
    std::string bad = pem;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    // The last letter before the padding has bits that say nothing: the same certificate.
    if (bad[i] == pem[i] || pem[i] == '\n' || pem[i + 1] == '=') continue;
    absl::StatusOr<CertificateIdentity> read = ParseClientIdentity(bad);
    if (read.ok()) {
      EXPECT_NE(read->fingerprint, good->fingerprint) << i;
    }
    ASSERT_FALSE(ParseClientIdentity(pem.substr(0, i)).ok());
  }
}

TEST(X509Test, SpiffeIds) {
  for (const char* good : {"spiffe://d/p", "spiffe://a.b-c_1/x/Y/z.-_"}) {
    EXPECT_TRUE(IsSpiffeId(good)) << good;
  }
  for (const char* bad : {"", "spiffe://", "spiffe:///p", "spiffe://d", "spiffe://d/",
                          "spiffe://d//p", "spiffe://d/p/", "spiffe://d/../p", "spiffe://d/./p",
                          "spiffe://D/p", "spiffe://d:1/p", "spiffe://u@d/p", "spiffe://d/p?q",
                          "spiffe://d/p#f", "spiffe://d/%41", "SPIFFE://d/p", "spiffe://d/p q"}) {
    EXPECT_FALSE(IsSpiffeId(bad)) << bad;
  }
}

}  // namespace
}  // namespace dml
