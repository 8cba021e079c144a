// A scanner's answers: from a daemon made here that says what a test wants, and from ClamAV's own.
#include "server/admission/clamd.h"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "core/base/bytes.h"
#include "tests/core/os/scratch_folder.h"

namespace dml {
namespace {

using testing::ScratchFolder;

// Accepts connections on a socket and answers each with the same text once the stream has ended.
class FakeClamd {
 public:
  FakeClamd(const std::string& path, std::string answer, size_t close_after = SIZE_MAX)
      : answer_(std::move(answer)), close_after_(close_after) {
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    thread_ = std::jthread([this] { Serve(); });
  }
  ~FakeClamd() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }

  std::string received;  // Of the last stream, without the lengths.

 private:
  void Serve() {
    while (true) {
      const int client = ::accept(fd_, nullptr, nullptr);
      if (client < 0) return;
      Talk(client);
      ::close(client);
    }
  }
  static bool Read(int fd, char* out, size_t size) {
    for (size_t done = 0; done < size;) {
      const ssize_t got = ::recv(fd, out + done, size - done, 0);
      if (got <= 0) return false;
      done += static_cast<size_t>(got);
    }
    return true;
  }
  void Talk(int client) {
    std::string command(1, '\0');
    std::string word;
    while (Read(client, command.data(), 1) && command[0] != '\0') word += command[0];
    if (word == "zINSTREAM") {
      received.clear();
      unsigned char length[4];
      while (Read(client, reinterpret_cast<char*>(length), 4)) {
        const size_t size =
            (size_t{length[0]} << 24) | (length[1] << 16) | (length[2] << 8) | size_t{length[3]};
        if (size == 0) break;
        std::string piece(size, '\0');
        if (!Read(client, piece.data(), size)) return;
        received += piece;
        if (received.size() >= close_after_) break;
      }
    }
    if (!answer_.empty()) ::send(client, answer_.c_str(), answer_.size() + 1, MSG_NOSIGNAL);
  }

  const std::string answer_;
  const size_t close_after_;
  int fd_ = -1;
  std::jthread thread_;
};

// A process without output; killed at the end.
class Child {
 public:
  explicit Child(std::vector<std::string> words) {
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      const int nothing = ::open("/dev/null", O_RDWR);
      ::dup2(nothing, STDOUT_FILENO);
      ::dup2(nothing, STDERR_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~Child() {
    if (ended_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  bool HasEnded() const {
    ended_ = ended_ || ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    return ended_;
  }

 private:
  pid_t pid_ = -1;
  mutable bool ended_ = false;
};

class ClamdTest : public ::testing::Test {
 protected:
  ScanReport Scan(const std::string& bytes,
                  std::chrono::seconds timeout = std::chrono::seconds(20)) {
    ClamdScanner scanner({socket_, timeout, timeout});
    auto report = scanner.Scan([&](const MalwareScanner::Write& write) { return write(bytes); });
    EXPECT_TRUE(report.ok()) << report.status();
    return report.value_or(ScanReport());
  }

  ScratchFolder folder_;
  const std::string socket_ = folder_.path() / "clamd.sock";
};

TEST_F(ClamdTest, AllBytesAreSentAndTheAnswerIsTheVerdict) {
  FakeClamd daemon(socket_, "stream: OK");
  const std::string bytes(700'000, 'x');
  EXPECT_EQ(Scan(bytes).verdict, ScanVerdict::kClean);
  EXPECT_TRUE(daemon.received == bytes);
  EXPECT_EQ(Scan("").verdict, ScanVerdict::kClean);
}

TEST(ClamdAnswerTest, OnlyOkIsClean) {
  EXPECT_EQ(ReadClamdAnswer("stream: OK").verdict, ScanVerdict::kClean);
  const ScanReport found = ReadClamdAnswer("stream: Win.Test.EICAR_HDB-1 FOUND");
  EXPECT_EQ(found.verdict, ScanVerdict::kInfected);
  EXPECT_EQ(found.finding, "Win.Test.EICAR_HDB-1");
  EXPECT_EQ(ReadClamdAnswer("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND").verdict,
            ScanVerdict::kNotFullyScanned);
  EXPECT_EQ(ReadClamdAnswer("INSTREAM size limit exceeded. ERROR").verdict,
            ScanVerdict::kNotFullyScanned);
  for (const char* answer : {"", "OK", "stream: ok", "stream: OK FOUND OK", "stream: ",
                             "UNKNOWN "
                             "COMMAND",
                             "stream: Can't allocate memory ERROR", "stream:OK"}) {
    EXPECT_NE(ReadClamdAnswer(answer).verdict, ScanVerdict::kClean) << answer;
  }
}

TEST_F(ClamdTest, AScannerThatIsNotThereOrBreaksOffGivesNoVerdict) {
  EXPECT_EQ(Scan("x").verdict, ScanVerdict::kError);
  ClamdScanner scanner({socket_});
  EXPECT_EQ(Reason(scanner.Version().status()), "SCANNER_UNAVAILABLE");
  FakeClamd silent(socket_, "");
  EXPECT_EQ(Scan("x").verdict, ScanVerdict::kError);
}

TEST_F(ClamdTest, WhatTheScannerSaysBeforeItHasEverythingCounts) {
  FakeClamd daemon(socket_, "INSTREAM size limit exceeded. ERROR", 1000);
  EXPECT_EQ(Scan(std::string(5'000'000, 'x')).verdict, ScanVerdict::kNotFullyScanned);
}

// ClamAV itself, with a database of one signature.
TEST_F(ClamdTest, ClamAvFindsATestString) {
  const std::string program = "/usr/sbin/clamd";
  if (::access(program.c_str(), X_OK) != 0) GTEST_SKIP() << "no clamd: install clamav-daemon";
  const std::string needle = "DML-TEST-MALWARE-5f1c0a";
  std::filesystem::create_directory(folder_.path() / "db");
  folder_.Write("db/test.ndb", "Dml.Test.String:0:*:" + HexEncode(AsBytes(needle)) + "\n");
  folder_.Write("clamd.conf", "Foreground yes\nLocalSocket " + socket_ + "\nDatabaseDirectory " +
                                  (folder_.path() / "db").string() +
                                  "\nAlertExceedsMax yes\nStreamMaxLength 2M\nMaxFileSize 1M\n"
                                  "MaxScanSize 1M\n");
  const Child daemon({program, "--config-file=" + (folder_.path() / "clamd.conf").string()});
  ClamdScanner scanner({socket_});
  absl::StatusOr<ScanReport> version = scanner.Version();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!version.ok() && !daemon.HasEnded() && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
    version = scanner.Version();
  }
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_TRUE(version->scanner.starts_with("ClamAV ")) << version->scanner;
  EXPECT_EQ(Scan("nothing to see").verdict, ScanVerdict::kClean);
  const ScanReport found = Scan("before " + needle + " after");
  EXPECT_EQ(found.verdict, ScanVerdict::kInfected) << found.finding;
  EXPECT_TRUE(found.finding.starts_with("Dml.Test.String")) << found.finding;
  // Above its limits it has not looked at all of it, and that is not clean.
  EXPECT_EQ(Scan(std::string(1'500'000, 'x') + needle).verdict, ScanVerdict::kNotFullyScanned);
  EXPECT_EQ(Scan(std::string(3'000'000, 'x')).verdict, ScanVerdict::kNotFullyScanned);
}

}  // namespace
}  // namespace dml
