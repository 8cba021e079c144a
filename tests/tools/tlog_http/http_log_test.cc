#include "tools/tlog_http/http_log.h"

#include <atomic>
#include <thread>

#include <absl/synchronization/mutex.h>

#include "tests/support/http_peer.h"

namespace dml {
namespace {

// Says the same to every connection: `answer`, then for ever `then`, a piece at a time.
class OneAnswerServer {
 public:
  OneAnswerServer(std::string answer, std::string then = "",
                  std::chrono::milliseconds pause = std::chrono::milliseconds(0))
      : answer_(std::move(answer)), then_(std::move(then)), pause_(pause) {
    thread_ = std::thread([this] { Run(); });
  }
  ~OneAnswerServer() {
    listener_.Stop();
    thread_.join();
  }

  std::string url() const { return listener_.url(); }
  int connections() const { return connections_; }
  std::string asked() const {
    absl::MutexLock lock(&mutex_);
    return asked_;
  }

 private:
  void Run() {
    while (true) {
      const int peer = listener_.Accept();
      if (peer < 0) return;
      ++connections_;
      char buffer[4096];
      const ssize_t got = ::recv(peer, buffer, sizeof buffer, 0);
      {
        absl::MutexLock lock(&mutex_);
        if (got > 0) asked_.assign(buffer, static_cast<size_t>(got));
      }
      bool open = Send(peer, answer_);
      while (open && !then_.empty()) {
        if (pause_.count() > 0) std::this_thread::sleep_for(pause_);
        open = Send(peer, then_);
      }
      ::close(peer);
    }
  }
  static bool Send(int peer, const std::string& text) {
    return ::send(peer, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  const std::string answer_;
  const std::string then_;
  const std::chrono::milliseconds pause_;
  testing::LoopbackListener listener_;
  std::atomic<int> connections_ = 0;
  mutable absl::Mutex mutex_;
  std::string asked_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

absl::StatusOr<std::string> Get(HttpLogOptions options, size_t max_bytes = 100) {
  DML_ASSIGN_OR_RETURN(std::unique_ptr<HttpLog> log, HttpLog::Create(std::move(options)));
  return log->Get("checkpoint", max_bytes);
}

HttpLogOptions At(const std::string& url) {
  HttpLogOptions options;
  options.url = url;
  return options;
}

TEST(HttpLogTest, FetchesWhatIsBelowTheUrl) {
  const OneAnswerServer server("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
  const auto got = Get(At(server.url() + "/logs/one/"));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(*got, "abc");
  EXPECT_TRUE(server.asked().starts_with("GET /logs/one/checkpoint HTTP/1.1\r\n"))
      << server.asked();
  EXPECT_EQ(server.asked().find("Accept-Encoding"), std::string::npos);
}

// attack 14, T2: endless data.
TEST(HttpLogTest, ReadsNoMoreThanItMay) {
  const OneAnswerServer endless("HTTP/1.1 200 OK\r\n\r\n", std::string(1000, 'x'));
  EXPECT_EQ(Reason(Get(At(endless.url()), 100'000).status()), "HTTP_TOO_LARGE");
  const OneAnswerServer header("HTTP/1.1 200 OK\r\n", "X: " + std::string(1000, 'x') + "\r\n");
  EXPECT_FALSE(Get(At(header.url())).ok());
}

// attack: slow retrieval
TEST(HttpLogTest, GivesUpOnServersThatTrickle) {
  const OneAnswerServer slow("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "x",
                             std::chrono::milliseconds(50));
  HttpLogOptions options = At(slow.url());
  options.stall = std::chrono::seconds(1);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Reason(Get(options, 100'000).status()), "HTTP_UNAVAILABLE");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

// attack 29
TEST(HttpLogTest, FollowsNobodyElsewhere) {
  const OneAnswerServer elsewhere("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
  const OneAnswerServer server("HTTP/1.1 302 Found\r\nLocation: " + elsewhere.url() +
                               "/\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(Reason(Get(At(server.url())).status()), "HTTP_UNEXPECTED");
  EXPECT_EQ(elsewhere.connections(), 0);
}

TEST(HttpLogTest, StatusesAreErrorsOfTheirKind) {
  const std::pair<const char*, std::string> kAnswers[] = {
      {"404 Not Found", "HTTP_NOT_FOUND"},  {"410 Gone", "HTTP_NOT_FOUND"},
      {"401 Unauthorized", "HTTP_REFUSED"}, {"403 Forbidden", "HTTP_REFUSED"},
      {"429 Too Many", "HTTP_UNAVAILABLE"}, {"503 Busy", "HTTP_UNAVAILABLE"},
      {"206 Partial", "HTTP_UNEXPECTED"},   {"204 No Content", "HTTP_UNEXPECTED"},
  };
  for (const auto& [status, reason] : kAnswers) {
    const OneAnswerServer server(
        fmt::format("HTTP/1.1 {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status));
    EXPECT_EQ(Reason(Get(At(server.url())).status()), reason) << status;
  }
  const OneAnswerServer cut("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(Reason(Get(At(cut.url())).status()), "HTTP_UNAVAILABLE");
  EXPECT_EQ(Reason(Get(At("http://127.0.0.1:1")).status()), "HTTP_UNAVAILABLE");
}

TEST(HttpLogTest, TakesAddressesOfLogsOnly) {
  for (const char* url : {"", "library.example", "ftp://library.example", "file:///etc/passwd",
                          "https://", "https://user:secret@library.example", "https://a/?x=1",
                          "https://a/#x", "HTTPS://library.example"}) {
    EXPECT_EQ(Reason(HttpLog::Create(At(url)).status()), "ARGUMENT_INVALID") << url;
  }
}

// attack 32: a stolen token.
TEST(HttpLogTest, ATokenIsSentOverTlsAlone) {
  const OneAnswerServer server("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
  HttpLogOptions options = At(server.url());
  options.token = "dml_abc_def";
  EXPECT_EQ(Reason(Get(options).status()), "ARGUMENT_INVALID");
  EXPECT_EQ(server.connections(), 0);
  options.url = "https://127.0.0.1:1";
  EXPECT_EQ(Reason(Get(options).status()), "HTTP_UNAVAILABLE") << "it would be sent there";
  for (const char* none : {"a b", "a\r\nX: y", "a\n", "t\xc3\xb6ken"}) {
    options.token = none;
    EXPECT_EQ(Reason(Get(options).status()), "ARGUMENT_INVALID") << none;
  }
}

}  // namespace
}  // namespace dml
