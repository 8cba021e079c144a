// The log over HTTPS, read by `dml log verify|monitor`, by witnesses and by x/mod.
#include <gtest/gtest.h>

#include "core/base/bytes.h"
#include "core/trust/checkpoint.h"
#include "core/trust/cosignature.h"
#include "tests/integration/support/command_library.h"
#include "tests/support/paths.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::ReadBytes;

class LogTilesTest : public testing::CommandLibrary {
 protected:
  explicit LogTilesTest(std::string_view config = "http:\n  listen: 127.0.0.1:0\n")
      : CommandLibrary(config) {}

  // Where the daemon says that it serves the log.
  std::string Url() const {
    constexpr std::string_view kSays = "serving the log over HTTPS on ";
    const std::string log = library_.Log();
    const size_t at = log.rfind(kSays);
    if (at == std::string::npos) return "";
    const size_t begin = at + kSays.size();
    return "https://" + log.substr(begin, log.find_first_of("\n \"", begin) - begin);
  }
  std::string Data(const std::string& name) const { return library_.data_dir() / name; }
  std::string Origin() const { return library_.AdminOptions().log_origin; }
  // As somebody without a profile.
  Words Anonymous(Words words) const {
    words.insert(words.end(), {"--url", Url(), "--origin", Origin(), "--log-key", LogKeyFile(),
                               "--ca", Data("tls/ca.pem")});
    return words;
  }
  std::string LogKeyFile() const {
    return testing::WriteBytes(folder_.path() / "log.pub", library_.AdminOptions().log_key_pem);
  }
  void Namespaces(int count) {
    for (int i = 0; i < count; ++i) Do({"namespace", "create", "n" + std::to_string(++names_)});
  }
  Note NewestNote() { return *ParseNote(Do({"log", "checkpoint"})["note"].get<std::string>()); }

  // A signed root whose witnesses are these keys, of a holder each.
  std::string RootNaming(const Words& keys) {
    Do({"root", "fetch", "--out", Path("seen-root.json")});
    std::string from = Path("seen-root.json");
    for (const std::string& key : keys) {
      const std::string to = Path("root-" + key + ".json");
      Do({"root", "add-key", from, "--out", to, "--role", "witness", "--holder", key, "--machine",
          "--key", Path(key)});
      from = to;
    }
    Do({"root", "sign", from, "--key", Data("client/root.key")});
    return from;
  }

  int names_ = 0;
};

TEST_F(LogTilesTest, AreVerifiedLikeTheLibraryItself) {
  Begin();
  Publish("1.0.0", testing::Noise("a", 1000));
  const Json asked = Do({"log", "verify"});
  EXPECT_EQ(asked["verified"], true);
  EXPECT_EQ(asked["entries"], 5);
  const Json read = Do({"log", "verify", "--url", Url()});
  EXPECT_EQ(read, asked);
}

// attack 43
TEST_F(LogTilesTest, AreForNobodyWithoutACertificate) {
  Begin();
  Do(Anonymous({"log", "verify"}), 6);
  EXPECT_EQ(library_.Log().find("http.publicLog"), std::string::npos);
}

TEST_F(LogTilesTest, AreForAnAuditorWithoutAProfile) {
  Begin();
  Words words = Anonymous({"log", "verify"});
  words.insert(words.end(), {"--certificate", Data("client/admin.pem")});
  EXPECT_EQ(Do(words, 2)["error"]["reason"], "ARGUMENT_INVALID") << "and its key?";
  words.insert(words.end(), {"--private-key", Data("client/admin.key")});
  profile_ = Path("no-profile");
  EXPECT_EQ(Do(words)["verified"], true);
  words.back() = Path("ann");
  Do(words, 1);  // Of another certificate.
}

TEST_F(LogTilesTest, TheMonitorRunsACommandForEachNewEntryUntilItSucceeds) {
  Begin();
  const Words once = {
      "log", "monitor", "--once", "--url", Url(), "--exec", "cat >> " + Path("seen")};
  EXPECT_EQ(Do(once)["newEntries"], 0) << "what is there at first is not new";
  Namespaces(2);
  Words failing = once;
  failing.back() = "cat > /dev/null; exit 7";
  EXPECT_EQ(Do(failing, 1)["error"]["reason"], "COMMAND_FAILED");
  EXPECT_FALSE(fs::exists(Path("seen")));
  EXPECT_EQ(Do(once)["newEntries"], 2);
  EXPECT_EQ(Do(once)["newEntries"], 0);
  std::istringstream lines(ReadBytes(Path("seen")));
  std::string line;
  for (int index = 4; index < 6; ++index) {
    ASSERT_TRUE(std::getline(lines, line));
    const Json entry = Json::parse(line);
    EXPECT_EQ(entry["index"], index);
    EXPECT_EQ(entry["kind"], "namespace_created");
    EXPECT_TRUE(Base64Decode(entry["leaf"].get<std::string>()).has_value());
  }
  EXPECT_FALSE(std::getline(lines, line));
  // The library asked instead, and the same memory.
  Namespaces(1);
  EXPECT_EQ(Do({"log", "monitor", "--once"})["newEntries"], 1);
}

TEST_F(LogTilesTest, WitnessesMeetAtACheckpoint) {
  Begin();
  for (const char* name : {"w1", "w2"}) Do({"key", "generate", "--out", Path(name)});
  const Words first = {"log", "witness", "--key", Path("w1"), "--name", "example.org/w1"};
  const Words second = {"log", "witness", "--key", Path("w2"), "--name", "example.org/w2"};
  EXPECT_EQ(Do(first)["cosignedSizes"], Json::array({4}));
  EXPECT_EQ(Do(first)["cosignedSizes"], Json::array());
  Namespaces(1);
  EXPECT_EQ(Do(second)["cosignedSizes"], Json::array({4, 5}));
  EXPECT_EQ(NewestNote().signatures.size(), 2u);
  EXPECT_EQ(Do(first)["cosignedSizes"], Json::array({5}));

  const Note note = NewestNote();
  EXPECT_EQ(note.signatures.size(), 3u);
  std::vector<Witness> witnesses;
  for (const std::string name : {"w1", "w2"}) {
    const auto key = PrivateKey::FromPkcs8Pem(ReadBytes(Path(name)));
    ASSERT_TRUE(key.ok()) << key.status();
    witnesses.push_back({"example.org/" + name, key->public_key(), name});
  }
  EXPECT_TRUE(RequireWitnesses(note, witnesses, 2, Timestamp()).ok());
  EXPECT_EQ(Do({"log", "verify", "--url", Url()})["verified"], true);
  // What is demanded of them: the profile's root names none yet, one that names both does.
  EXPECT_EQ(Do({"log", "verify", "--witnesses", "1"}, 3)["error"]["reason"], "WITNESSES_MISSING");
  const std::string root = RootNaming({"w1", "w2"});
  for (const Words& where : {Words{}, Words{"--url", Url()}}) {
    Words words = {"log", "verify", "--witnesses", "2", "--root", root};
    words.insert(words.end(), where.begin(), where.end());
    const Json met = Do(words);
    EXPECT_EQ(met["witnessed"]["size"], 5);
    EXPECT_EQ(met["witnessed"]["witnesses"].size(), 2u);
    words[3] = "3";
    EXPECT_EQ(Do(words, 3)["error"]["reason"], "WITNESSES_MISSING");
  }
  Namespaces(1);
  EXPECT_EQ(Do({"log", "monitor", "--once", "--witnesses", "2", "--root", root})["entries"], 6)
      << "what was cosigned may be older than what is verified";
  EXPECT_EQ(Do(first)["cosignedSizes"], Json::array({6}));
  EXPECT_EQ(Do(second)["cosignedSizes"], Json::array({6}));
  const Note last = NewestNote();
  // They are still there after a restart.
  EXPECT_EQ(library_.Stop(), 0);
  ASSERT_TRUE(library_.Start());
  EXPECT_EQ(NewestNote(), last);
}

// The verifier key of golang.org/x/mod/sumdb/note: name, key id and key.
std::string VerifierKey(const std::string& name, const PublicKey& key) {
  const std::string bytes = "\x01" + std::string(key.raw_ed25519());
  return fmt::format("{}+{:08x}+{}", name, NoteKeyId(name, key), Base64Encode(AsBytes(bytes)));
}

TEST_F(LogTilesTest, AreReadByGolangXMod) {
  if (std::system("go version > /dev/null 2>&1") != 0 ||
      !fs::exists("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog/tile.go")) {
    GTEST_SKIP() << "no Go with x/mod: apt-get install golang-go golang-golang-x-mod-dev";
  }
  Begin();
  Namespaces(260);
  const std::string program = testing::SourceDir() / "tests/interop/tiles/main.go";
  const std::string build = fmt::format(
      "HOME={0} GOCACHE={0}/cache GOFLAGS= GO111MODULE=off GOPATH=/usr/share/gocode "
      "go build -o {0}/tiles {1}",
      folder_.path().string(), program);
  ASSERT_EQ(std::system(build.c_str()), 0);
  const std::string key =
      VerifierKey(Origin(), *PublicKey::FromSpkiPem(library_.AdminOptions().log_key_pem));
  auto run = [&](const std::string& verifier_key) {
    return std::system(fmt::format("{}/tiles {} '{}' {} {} {} > {}", folder_.path().string(), Url(),
                                   verifier_key, Data("tls/ca.pem"), Data("client/admin.pem"),
                                   Data("client/admin.key"), Path("said"))
                           .c_str());
  };
  EXPECT_EQ(run(key), 0) << ReadBytes(Path("said"));
  EXPECT_EQ(ReadBytes(Path("said")), "checked 264 entries\n");
  const PublicKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519).public_key();
  EXPECT_NE(run(VerifierKey(Origin(), stranger)), 0) << "the program can fail";
}

class LogTilesByTokenTest : public LogTilesTest {
 protected:
  LogTilesByTokenTest()
      : LogTilesTest("http:\n  listen: 127.0.0.1:0\nauth: {clientCertificates: OPTIONAL}\n") {}
};

// attack 43
TEST_F(LogTilesByTokenTest, AreForWhoHasTheRoleByAToken) {
  Begin();
  for (const char* role : {"auditor", "publisher"}) {
    Do({"token", "issue", "--role", role, "--out", Path(role)});
  }
  const uint64_t entries = Do({"log", "checkpoint"})["checkpoint"]["size"];
  Words words = Anonymous({"log", "verify"});
  profile_ = Path("no-profile");
  EXPECT_EQ(Do(words, 5)["error"]["reason"], "HTTP_REFUSED");
  words.insert(words.end(), {"--token-file", Path("publisher")});
  EXPECT_EQ(Do(words, 5)["error"]["reason"], "HTTP_REFUSED");
  words.back() = Path("auditor");
  const Json verdict = Do(words);
  EXPECT_EQ(verdict["verified"], true);
  EXPECT_EQ(verdict["entries"], entries);
  fs::permissions(Path("auditor"), fs::perms::others_read, fs::perm_options::add);
  EXPECT_EQ(Do(words, 2)["error"]["reason"], "FILE_NOT_PRIVATE");
}

class PublicLogTest : public LogTilesTest {
 protected:
  PublicLogTest() : LogTilesTest("http:\n  listen: 127.0.0.1:0\n  publicLog: true\n") {}
};

TEST_F(PublicLogTest, IsForAnyoneAndSaysSo) {
  Begin();
  EXPECT_EQ(Do(Anonymous({"log", "verify"}))["entries"], 4);
  const std::string log = library_.Log();
  EXPECT_NE(log.find("http.publicLog: every entry of the journal is published"), std::string::npos);
}

}  // namespace
}  // namespace dml
