#include "server/http/http_server.h"

#include <atomic>
#include <memory>
#include <vector>

#include <absl/synchronization/mutex.h>
#include <gtest/gtest.h>

#include "tests/server/http/http_probe.h"
#include "tests/server/http/https_probe.h"
#include "tests/server/support/tls_world.h"

namespace dml {
namespace {

using testing::BodyOf;
using testing::HttpProbe;
using testing::HttpsProbe;
using testing::StatusOf;

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() { options_.listen = *ParseListenAddress("127.0.0.1:0"); }

  void Begin() {
    auto server = HttpServer::Start(options_, [this](const HttpRequest& request) {
      ++asked_;
      if (request.target == "/big") return HttpAnswer{200, std::string(32 << 20, 'b')};
      return HttpAnswer{200, "target " + request.target + "\n"};
    });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  int port() const { return server_->address().port; }
  std::string Say(std::string_view bytes) const {
    const HttpProbe probe(port());
    probe.Send(bytes);
    return probe.ReadAll();
  }

  HttpServerOptions options_;
  std::unique_ptr<HttpServer> server_;
  std::atomic<int> asked_ = 0;
};

TEST_F(HttpServerTest, AnswersGetAndHeadOnOneConnection) {
  Begin();
  const HttpProbe probe(port());
  probe.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string got = probe.ReadAnswer();
  EXPECT_EQ(StatusOf(got), 200);
  EXPECT_EQ(BodyOf(got), "target /a\n");
  probe.Send("HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string head = probe.ReadAll();
  EXPECT_EQ(StatusOf(head), 200);
  EXPECT_NE(head.find("Content-Length: 10\r\n"), std::string::npos) << head;
  EXPECT_EQ(BodyOf(head), "");
}

// attack 34
TEST_F(HttpServerTest, HandsTargetsOverAsTheyCame) {
  Begin();
  for (const char* target : {"/tile/..%2F..%2Fetc/passwd", "/%2e%2e/x", "//etc/passwd", "/a/../b",
                             "/a?b=c", "/%00", "/\\..\\"}) {
    EXPECT_EQ(BodyOf(testing::Get(port(), target)), std::string("target ") + target + "\n");
  }
}

TEST_F(HttpServerTest, RefusesWhatItDoesNotServe) {
  Begin();
  const std::pair<std::string, int> kRequests[] = {
      {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 405},
      {"PUT /a HTTP/1.1\r\nHost: h\r\n\r\n", 405},
      {"DELETE /a HTTP/1.1\r\nHost: h\r\n\r\n", 405},
      {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 405},
      {"BREW /a HTTP/1.1\r\nHost: h\r\n\r\n", 405},
      {"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 400},
      {"GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"GET /a HTTP/1.1\r\n\r\n", 400},
      {"GET /a HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400},
      {"GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /a HTTP/2.0\r\nHost: h\r\n\r\n", 400},
      {std::string("GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n", 30), 400},
      {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"\x16\x03\x01\x02\r\n\r\n", 400},
      {"nonsense\r\n\r\n", 400},
      {"GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n", 431},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n", 431},
  };
  for (const auto& [request, status] : kRequests) {
    const std::string answer = Say(request);
    EXPECT_EQ(StatusOf(answer), status) << request.substr(0, 60);
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << request.substr(0, 60);
    if (status == 405) EXPECT_NE(answer.find("Allow: GET, HEAD\r\n"), std::string::npos);
  }
  EXPECT_EQ(asked_, 0) << "the handler sees good requests only";
}

// attack 14: slow retrieval, of a request and of an answer.
TEST_F(HttpServerTest, EndsWhoeverIsTooSlow) {
  options_.idle = std::chrono::milliseconds(200);
  options_.grace = std::chrono::milliseconds(200);
  options_.min_bytes_per_second = uint64_t{1} << 40;
  Begin();
  bool silent = true;
  const HttpProbe idle(port());
  EXPECT_EQ(idle.ReadAll(&silent), "");
  EXPECT_FALSE(silent) << "a connection that asks nothing is closed";
  const HttpProbe trickling(port());
  trickling.Send("GET /a HT");
  EXPECT_EQ(trickling.ReadAll(&silent), "");
  EXPECT_FALSE(silent);

  // Nothing of the answer is read before the server must have given up; what the buffers hold is
  // all that there is then.
  const HttpProbe reader(port(), 4096);
  reader.Send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  const HttpProbe other(port());
  EXPECT_EQ(other.ReadAll(), "") << "meanwhile another has come to its end";
  while (asked_ == 0) {
  }
  const HttpProbe after(port());
  EXPECT_EQ(after.ReadAll(), "");
  const std::string got = reader.ReadAll(&silent);
  EXPECT_FALSE(silent);
  EXPECT_LT(got.size(), 32u << 20);
}

TEST_F(HttpServerTest, TellsTooManyConnectionsAndDropsManyMore) {
  options_.max_connections = 2;
  Begin();
  std::vector<std::unique_ptr<HttpProbe>> held;
  for (int i = 0; i < 2; ++i) {
    held.push_back(std::make_unique<HttpProbe>(port()));
    held.back()->Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(StatusOf(held.back()->ReadAnswer()), 200);
  }
  const std::string refused = testing::Get(port(), "/a");
  EXPECT_EQ(StatusOf(refused), 503);
  EXPECT_NE(refused.find("Retry-After: "), std::string::npos);
  held.clear();
  // The server sees the ends in its own time.
  while (StatusOf(testing::Get(port(), "/a")) != 200) {
  }
}

// attack 14: whoever holds what it can get leaves the others their part.
TEST_F(HttpServerTest, OneAddressHasItsPartOfTheConnections) {
  options_.max_connections = 6;
  options_.max_connections_per_address = 2;
  Begin();
  constexpr std::string_view kAsk = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  std::vector<std::unique_ptr<HttpProbe>> held;
  for (const char* from : {"127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2"}) {
    held.push_back(std::make_unique<HttpProbe>(port(), 0, from));
    held.back()->Send(kAsk);
    EXPECT_EQ(StatusOf(held.back()->ReadAnswer()), 200) << from;
  }
  for (const char* from : {"127.0.0.1", "127.0.0.2"}) {
    bool silent = true;
    EXPECT_EQ(HttpProbe(port(), 0, from).ReadAll(&silent), "") << from;
    EXPECT_FALSE(silent) << "closed without being asked";
  }
  const HttpProbe other(port(), 0, "127.0.0.3");
  other.Send(kAsk);
  EXPECT_EQ(StatusOf(other.ReadAnswer()), 200);
  held[1]->Send(kAsk);
  EXPECT_EQ(StatusOf(held[1]->ReadAnswer()), 200) << "who was there first stays";
  held.erase(held.begin());
  // The server sees the end in its own time.
  while (StatusOf(testing::Get(port(), "/a")) != 200) {
  }
}

TEST_F(HttpServerTest, EndsAConnectionThatAsksNothingMore) {
  options_.idle = std::chrono::milliseconds(200);
  Begin();
  const HttpProbe probe(port());
  probe.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(StatusOf(probe.ReadAnswer()), 200);
  bool silent = true;
  EXPECT_EQ(probe.ReadAll(&silent), "");
  EXPECT_FALSE(silent);
}

TEST_F(HttpServerTest, BoundsTheAnswersUnderWay) {
  options_.max_answer_bytes = 40 << 20;
  Begin();
  const HttpProbe slow(port(), 4096);
  slow.Send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  while (asked_ == 0) {
  }
  EXPECT_EQ(StatusOf(testing::Get(port(), "/big")), 503);
  EXPECT_EQ(StatusOf(testing::Get(port(), "/a")), 200);
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
  Begin();
  HttpServerOptions again = options_;
  again.listen = server_->address();
  const auto second = HttpServer::Start(again, [](const HttpRequest&) { return HttpAnswer{}; });
  EXPECT_EQ(Reason(second.status()), "LISTEN_FAILED") << second.status();
}

TEST_F(HttpServerTest, TheLastAnswerOfAnOldConnectionSaysSo) {
  options_.max_connection_age = std::chrono::milliseconds(0);
  Begin();
  const HttpProbe probe(port());
  probe.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string all = probe.ReadAll();
  EXPECT_EQ(BodyOf(all), "target /a\n");
  EXPECT_NE(all.find("Connection: close\r\n"), std::string::npos) << all;
}

class HttpServerTlsTest : public HttpServerTest {
 protected:
  HttpServerTlsTest() {
    options_.tls = HttpTls{[this] {
      absl::MutexLock lock(&mutex_);
      return material_;
    }};
    Use(MaterialOf(authority_));
  }
  // A server's certificate and clients, both of this authority.
  static TlsMaterial MaterialOf(const CertificateWithKey& authority) {
    const auto server = IssueServerCertificate(authority, {{"localhost"}, {"127.0.0.1"}},
                                               {testing::WallClock(), 10});
    EXPECT_TRUE(server.ok()) << server.status();
    return {server->certificate_pem, testing::KeyPem(server->key), authority.certificate_pem};
  }
  void Use(TlsMaterial material) {
    absl::MutexLock lock(&mutex_);
    material_ = std::make_shared<const TlsMaterial>(std::move(material));
  }
  HttpsProbe Probe(const CertificateWithKey& authority) const {
    return HttpsProbe(port(), authority.certificate_pem, &client_);
  }

  const CertificateWithKey authority_ = testing::NewAuthority();
  const CertificateWithKey client_ = testing::NewClient(authority_, {"reader"});
  absl::Mutex mutex_;
  std::shared_ptr<const TlsMaterial> material_;
};

TEST_F(HttpServerTlsTest, StartsOnlyWithMaterialThatTlsTakes) {
  Use({"no certificate", "no key", "none"});
  EXPECT_EQ(
      Reason(HttpServer::Start(options_, [](const HttpRequest&) { return HttpAnswer{}; }).status()),
      "TLS_FILES_INVALID");
}

TEST_F(HttpServerTlsTest, NewConnectionsAreServedWithTheNewestThatIsGood) {
  Begin();
  HttpsProbe old = Probe(authority_);
  EXPECT_EQ(BodyOf(old.Get("/a")), "target /a\n");
  const CertificateWithKey next = testing::NewAuthority();
  TlsMaterial mixed = MaterialOf(next);
  mixed.client_authorities = authority_.certificate_pem;
  Use(mixed);
  EXPECT_EQ(BodyOf(Probe(next).Get("/b")), "target /b\n");
  EXPECT_EQ(Probe(authority_).Get("/b"), "") << "it is another server now";
  EXPECT_EQ(BodyOf(old.Get("/c")), "target /c\n");
  mixed.private_key = "no key";
  Use(mixed);
  EXPECT_EQ(BodyOf(Probe(next).Get("/d")), "target /d\n");
  EXPECT_EQ(BodyOf(Probe(next).Get("/e")), "target /e\n");
}

}  // namespace
}  // namespace dml
