// Logs that lie to `dml log verify|monitor`: what is found out, and which evidence is kept.
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "core/tlog/tile.h"
#include "core/trust/checkpoint.h"
#include "server/http/log_site.h"
#include "storage/engine/memory_engine.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/integration/support/running_library.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
constexpr char kOrigin[] = "dml.test/library";

class LyingLogTest : public ::testing::Test {
 protected:
  using Words = std::vector<std::string>;

  LyingLogTest() {
    HttpServerOptions options;
    options.listen = *ParseListenAddress("127.0.0.1:0");
    server_ = HttpServer::Start(options, [this](const HttpRequest& request) {
                return answer_ ? answer_(request) : HttpAnswer{503, ""};
              }).value();
    testing::WriteBytes(folder_.path() / "log.pub", key_.public_key().ToPem());
  }

  // A history under the one key: namespaces of these names.
  std::unique_ptr<Library> History(const std::vector<std::string>& names) const {
    LibraryOptions options;
    options.origin = kOrigin;
    options.clock = [] { return FromMicros(1'767'225'600'000'000); };
    auto library =
        Library::Open(NewMemoryEngine(), *PrivateKey::FromPkcs8Pem(*key_.ToPkcs8Pem()), options)
            .value();
    for (const std::string& name : names) Append(*library, name);
    return library;
  }
  static void Append(Library& library, const std::string& name) {
    Command command;
    command.author = "ann";
    command.payload = NamespaceCreated{name, "", {}};
    EXPECT_TRUE(library.Commit(std::move(command)).ok());
  }
  void Show(Library& library) {
    site_ = std::make_unique<LogSite>(library, guard_, LogSiteOptions{.insecure_loopback = true});
    answer_ = [this](const HttpRequest& request) { return site_->Answer(request); };
  }

  // Runs a command on the log as the client that remembers in this file.
  Json Do(Words words, const std::string& state, int code) {
    words.insert(words.begin(), {"--output", "json", "log"});
    words.insert(words.end(), {"--url", "http://" + server_->address().ToString(), "--log-key",
                               folder_.path() / "log.pub", "--origin", kOrigin});
    if (!state.empty()) words.insert(words.end(), {"--state", folder_.path() / state});
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunDml(words, out, err), code) << err.str() << out.str();
    return Json::parse(code == 0 || code == 3 ? out.str() : err.str(), nullptr, false);
  }
  Json Look(const std::string& state, int code) { return Do({"monitor", "--once"}, state, code); }
  std::string Accusation(const std::string& state) {
    return Look(state, 3)["error"]["reason"].get<std::string>();
  }
  // Signed checkpoints that were kept beside a state file.
  std::vector<Checkpoint> Evidence() const {
    std::vector<Checkpoint> out;
    for (const auto& file : fs::directory_iterator(folder_.path())) {
      if (file.path().string().find(".evidence-") == std::string::npos) continue;
      const auto opened =
          OpenCheckpoint(testing::ReadBytes(file.path()), kOrigin, key_.public_key());
      EXPECT_TRUE(opened.ok()) << opened.status();
      if (opened.ok()) out.push_back(*opened);
    }
    return out;
  }

  testing::ScratchFolder folder_;
  PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  Authenticator authenticator_{{}, nullptr};
  CallGuard guard_{authenticator_};
  std::unique_ptr<LogSite> site_;
  HttpHandler answer_;  // Set while nobody asks.
  std::unique_ptr<HttpServer> server_;
};

TEST_F(LyingLogTest, AnHonestLogIsFollowed) {
  auto library = History({"aa", "bb"});
  Show(*library);
  EXPECT_EQ(Look("m", 0)["entries"], 3);
  Append(*library, "cc");
  EXPECT_EQ(Look("m", 0)["newEntries"], 1);
  EXPECT_TRUE(Evidence().empty());
}

// attack: forked log shown to two clients, who compare what they remember.
TEST_F(LyingLogTest, AForkShownToTwoClientsIsFoundOutOnceTheyMeet) {
  auto ours = History({"aa", "bb", "cc"});
  auto theirs = History({"aa", "bb", "evil", "dd"});
  Show(*ours);
  Look("first", 0);
  Show(*theirs);
  Look("second", 0);
  EXPECT_TRUE(Evidence().empty()) << "each alone sees nothing wrong";
  fs::copy_file(folder_.path() / "first", folder_.path() / "met");
  EXPECT_EQ(Accusation("met"), "LOG_FORKED");
  const std::vector<Checkpoint> evidence = Evidence();
  ASSERT_EQ(evidence.size(), 2u);
  EXPECT_EQ(evidence[0].size + evidence[1].size, 4u + 5u);
  EXPECT_EQ(testing::ReadBytes(folder_.path() / "met"),
            testing::ReadBytes(folder_.path() / "first"))
      << "what was remembered stays";
}

// attack: removed entry
TEST_F(LyingLogTest, ARemovedEntryIsFoundOut) {
  auto whole = History({"aa", "bb", "cc"});
  auto without = History({"aa", "cc", "dd", "ee"});
  Show(*whole);
  Look("m", 0);
  Show(*without);
  EXPECT_EQ(Accusation("m"), "LOG_FORKED");
  EXPECT_EQ(Evidence().size(), 2u);
}

// attack 9
TEST_F(LyingLogTest, ALogThatGoesBackIsFoundOut) {
  auto long_one = History({"aa", "bb", "cc"});
  auto short_one = History({"aa", "bb"});
  Show(*long_one);
  Look("m", 0);
  Show(*short_one);
  EXPECT_EQ(Accusation("m"), "LOG_WENT_BACK");
  EXPECT_EQ(Evidence().size(), 2u);
}

// attack 1, attack 2
TEST_F(LyingLogTest, TilesThatWereTouchedAreRefused) {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back(fmt::format("n{}", i));
  auto library = History(names);
  Show(*library);
  EXPECT_EQ(Do({"verify"}, "", 0)["verified"], true);
  for (const std::string target : {"/tile/0/000", "/tile/0/001.p/45", "/tile/1/000.p/1",
                                   "/tile/entries/000", "/tile/entries/001.p/45"}) {
    for (const bool longer : {false, true}) {
      Show(*library);
      answer_ = [this, target, longer](const HttpRequest& request) {
        HttpAnswer answer = site_->Answer(request);
        if (request.target != target) return answer;
        if (longer) answer.body += "x";
        if (!longer) answer.body[answer.body.size() / 2] ^= 1;
        return answer;
      };
      const Json refused = Do({"verify"}, "", 3);
      EXPECT_EQ(refused["verified"], false);
      const std::string reason = refused["error"]["reason"];
      EXPECT_TRUE(reason == "TILE_INVALID" || reason == "HTTP_TOO_LARGE") << target << reason;
    }
  }
}

// attack 2: what else is in the answer is not looked at, and what is not signed is not believed.
// attack T6: of two mirrors one lies, and the client goes on with the other.
TEST_F(LyingLogTest, AfterALyingMirrorAnHonestOneIsBelieved) {
  auto library = History({"aa", "bb"});
  Show(*library);
  EXPECT_EQ(Look("m", 0)["entries"], 3);
  Append(*library, "cc");
  answer_ = [this](const HttpRequest& request) {
    HttpAnswer answer = site_->Answer(request);
    if (request.target.starts_with("/tile/entries/")) answer.body.back() ^= 1;
    return answer;
  };
  EXPECT_EQ(Accusation("m"), "TILE_INVALID");
  Show(*library);
  EXPECT_EQ(Look("m", 0)["newEntries"], 1);
  EXPECT_TRUE(Evidence().empty()) << "a mirror's lie is none of the log's";
}

TEST_F(LyingLogTest, OnlyWhatTheKeyHasSignedCounts) {
  auto library = History({"aa"});
  Show(*library);
  const std::string note = library->checkpoint()->note;
  std::string offered = note + "\xe2\x80\x94 stranger AAAAAAAA\n";
  answer_ = [&](const HttpRequest& request) {
    return request.target == "/checkpoint" ? HttpAnswer{200, offered} : site_->Answer(request);
  };
  EXPECT_EQ(Do({"verify"}, "", 0)["verified"], true);
  offered = *SignCheckpoint(library->checkpoint()->checkpoint,
                            PrivateKey::Generate(KeyAlgorithm::kEd25519));
  EXPECT_EQ(Do({"verify"}, "", 3)["error"]["reason"], "SIGNATURE_MISSING");
  offered = note + "one line more\n";
  EXPECT_EQ(Do({"verify"}, "", 3)["error"]["reason"], "NOTE_INVALID");
  offered = std::string(1 << 20, 'x');
  Do({"verify"}, "", 3);
}

// attack 13
TEST_F(LyingLogTest, AnswersThatAreNoLogsEndInAnError) {
  for (const auto& [status, code] : std::map<int, int>{{404, 4}, {403, 5}, {500, 6}, {302, 1}}) {
    answer_ = [status = status](const HttpRequest&) { return HttpAnswer{status, "no"}; };
    Do({"verify"}, "", code);
  }
}

}  // namespace
}  // namespace dml
