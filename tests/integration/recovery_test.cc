// Loss and theft of each key, as docs/operations.md, "Recovery", says.
#include <gtest/gtest.h>

#include "core/merkle/merkle.h"
#include "core/trust/checkpoint.h"
#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::ReadBytes;

class RecoveryTest : public testing::CommandLibrary {
 protected:
  std::string Data(const std::string& name) const { return library_.data_dir() / name; }
  std::string RootKey() const { return Data("client/root.key"); }
  static std::string IdOf(const std::string& pem) {
    const auto key = PublicKey::FromSpkiPem(pem);
    EXPECT_TRUE(key.ok()) << key.status();
    return key->id().ToString();
  }
  // Runs dmld with these words to its end.
  int Dmld(Words words) {
    words.insert(words.begin() + 1, {"--data-dir", library_.data_dir().string()});
    return testing::ChildDaemon(words, folder_.path() / "home").Wait();
  }
  // Starts the daemon again; the profile outside the data directory learns its address.
  void Restart() {
    const std::string old = OwnAddress();
    ASSERT_TRUE(library_.Start());
    if (profile_.empty()) return;
    std::string text = ReadBytes(profile_);
    const size_t at = text.find(old);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, old.size(), library_.AdminOptions().target);
    testing::WriteBytes(profile_, text);
  }
  std::string OwnAddress() const {
    if (profile_.empty()) return "";
    return LoadProfile(profile_)->target;
  }
  fs::path StateFile() const { return LoadProfile(profile_)->state_file; }
  std::string ReasonOf(const Words& words, int code) {
    return Do(words, code)["error"]["reason"].get<std::string>();
  }
  // The reason of a fork that a command has found: a verdict, and told as an error.
  std::string ForkOf(Words words) {
    words.insert(words.begin(), {"--profile", profile_, "--output", "json"});
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunDml(words, out, err), 3) << err.str();
    return Json::parse(err.str(), nullptr, false)["error"]["reason"].get<std::string>();
  }
  void SignAndSetOffline(const std::string& root) {
    Do({"root", "sign", root, "--key", RootKey()});
    EXPECT_EQ(library_.Stop(), 0);
    EXPECT_EQ(Dmld({"set-root", root}), 0);
    Restart();
  }
};

// attack T4, T9
TEST_F(RecoveryTest, AStolenLogKeyIsReplacedAndWhatTheThiefHasSignedIsSetAside) {
  Begin();
  UseOwnProfile();
  Publish("1.0.0", "one");
  const std::string log_pem = ReadBytes(Data("client/log.pem"));
  // The thief signs a history that ends beyond every other, and shows it to the client.
  const auto stolen = PrivateKey::FromPkcs8Pem(ReadBytes(Data("keys/log.key")));
  const std::string origin = library_.AdminOptions().log_origin;
  const std::string forged =
      *SignCheckpoint({origin, (uint64_t{1} << 63) - 1, EmptyRoot()}, *stolen);
  ASSERT_TRUE(WriteFileAtomically(StateFile(), AsBytes(forged), 0600).ok());
  EXPECT_EQ(ForkOf({"log", "checkpoint"}), "LOG_WENT_BACK");

  EXPECT_EQ(Dmld({"new-log-key"}), 0) << "beside the running daemon";
  profile_.clear();
  Do({"root", "fetch", "--out", Path("root.json")});
  EXPECT_EQ(ReasonOf({"root", "rotate", Path("root.json"), IdOf(log_pem), "--key",
                      Data("client/log.next.pem"), "--out", Path("next.json")},
                     2),
            "ARGUMENT_INVALID");
  Do({"root", "rotate", Path("root.json"), IdOf(log_pem), "--key", Data("client/log.next.pem"),
      "--log-start-size", "7", "--out", Path("beyond.json")});
  Do({"root", "sign", Path("beyond.json"), "--key", RootKey()});
  Do({"root", "rotate", Path("root.json"), IdOf(log_pem), "--key", Data("client/log.next.pem"),
      "--log-start-size", "6", "--out", Path("next.json")});
  Do({"root", "sign", Path("next.json"), "--key", RootKey()});
  EXPECT_EQ(ReasonOf({"root", "set", Path("next.json")}, 1), "ROOT_LOG_KEY_MISSING")
      << "a daemon that signs with the key of now";
  EXPECT_EQ(Dmld({"set-root", Path("next.json")}), 3) << "while the daemon runs";
  profile_ = Path("profiles/1/profile.yaml");
  EXPECT_EQ(library_.Stop(), 0);
  EXPECT_EQ(Dmld({"set-root", Path("beyond.json")}), 2) << "no checkpoint could be believed";
  EXPECT_EQ(Dmld({"set-root", Path("none.json")}), 2);
  EXPECT_EQ(Dmld({"set-root", Path("next.json")}), 0);
  EXPECT_EQ(Dmld({"set-root", Path("root.json")}), 2) << "a root from before";
  EXPECT_FALSE(fs::exists(Data("keys/log.next.key")));
  EXPECT_NE(ReadBytes(Data("client/log.pem")), log_pem);
  // A crash before the new key took the old one's place is finished by the next start.
  fs::rename(Data("keys/log.key"), Data("keys/log.next.key"));
  ASSERT_TRUE(WriteFileAtomically(Data("keys/log.key"), AsBytes(*stolen->ToPkcs8Pem()), 0600).ok());
  testing::WriteBytes(Data("client/log.pem"), log_pem);
  Restart();
  EXPECT_FALSE(fs::exists(Data("keys/log.next.key")));

  EXPECT_EQ(Do({"log", "checkpoint"})["checkpoint"]["size"], 6);
  Publish("1.1.0", "two");
  ExpectThere("1.0.0", "one");
  EXPECT_EQ(Do({"log", "verify"})["verified"], true);
  int kept = 0;
  for (const auto& file : fs::directory_iterator(StateFile().parent_path())) {
    if (file.path().string().ends_with("-retired")) {
      EXPECT_EQ(ReadBytes(file.path()), forged);
      ++kept;
    }
  }
  EXPECT_EQ(kept, 1);
  // What the thief signs from here on is believed by nobody.
  ASSERT_TRUE(WriteFileAtomically(StateFile(), AsBytes(forged), 0600).ok());
  EXPECT_EQ(Do({"log", "verify"})["verified"], true);
}

TEST_F(RecoveryTest, ALostLogKeyIsReplaced) {
  Begin();
  UseOwnProfile();
  Do({"root", "fetch", "--out", Path("root.json")});
  const std::string log_pem = ReadBytes(Data("client/log.pem"));
  const Words monitor = {"log", "monitor", "--once", "--exec", "cat >> " + Path("seen")};
  EXPECT_EQ(Do(monitor)["newEntries"], 0);
  EXPECT_EQ(library_.Stop(), 0);
  fs::remove(Data("keys/log.key"));
  EXPECT_EQ(library_.Launch()->Wait(), 3);
  EXPECT_EQ(Dmld({"new-log-key"}), 0);
  EXPECT_EQ(library_.Launch()->Wait(), 3) << "no root names the new key yet";
  Do({"root", "rotate", Path("root.json"), IdOf(log_pem), "--key", Data("client/log.next.pem"),
      "--log-start-size", "4", "--out", Path("next.json")});
  EXPECT_EQ(Dmld({"set-root", Path("next.json")}), 2) << "nobody has signed it";
  Do({"root", "sign", Path("next.json"), "--key", RootKey()});
  EXPECT_EQ(Dmld({"set-root", Path("next.json")}), 0);
  Restart();
  EXPECT_EQ(Do({"log", "verify"})["entries"], 5);
  // The change itself is what a monitor is there for.
  EXPECT_EQ(Do(monitor)["newEntries"], 1);
  EXPECT_NE(ReadBytes(Path("seen")).find("\"kind\":\"root_set\""), std::string::npos);
  Publish("1.0.0", "one");
  EXPECT_EQ(Do(monitor)["newEntries"], 1);
}

// The database is of before entries that clients have seen, a trust root among them.
TEST_F(RecoveryTest, ARestoredBackupGoesOnUnderANewOriginThatClientsFollow) {
  Begin();
  UseOwnProfile();
  Publish("1.0.0", "one");
  EXPECT_EQ(library_.Stop(), 0);
  EXPECT_EQ(Dmld({"new-origin"}), 3) << "the journal has all that was signed";
  fs::copy(Data("db"), Path("backup"), fs::copy_options::recursive);
  Restart();
  Do({"root", "fetch", "--out", Path("root-1.json")});
  Do({"root", "renew", Path("root-1.json"), "--valid-for", "400d", "--out", Path("root-2.json")});
  Do({"root", "sign", Path("root-2.json"), "--key", RootKey()});
  Do({"root", "set", Path("root-2.json")});
  Publish("1.1.0", "two");
  const Json before = Do({"log", "checkpoint"})["checkpoint"];
  const std::string remembered = ReadBytes(StateFile());
  EXPECT_EQ(library_.Stop(), 0);
  fs::remove_all(Data("db"));
  fs::rename(Path("backup"), Data("db"));
  EXPECT_EQ(library_.Launch()->Wait(), 3) << "it would sign a second history";
  EXPECT_EQ(Dmld({"new-origin"}), 0);

  auto move = [&](const std::string& from, const std::string& size, const std::string& out) {
    Do({"root", "new-origin", Path(from), "--origin", "dml.local/moved", "--log-start-size", size,
        "--out", Path(out)});
    Do({"root", "sign", Path(out), "--key", RootKey()});
  };
  const std::string kept = std::to_string(before["size"].get<int>() - 2);
  move("root-2.json", "99", "beyond.json");
  move("root-2.json", kept, "root-3.json");
  EXPECT_EQ(Dmld({"set-root", Path("root-3.json")}), 2) << "root 2 is missing";
  EXPECT_EQ(Dmld({"set-root", Path("root-2.json"), Path("beyond.json")}), 2);
  EXPECT_EQ(Dmld({"set-root", Path("root-2.json")}), 3) << "the journal is still behind";
  EXPECT_EQ(Dmld({"set-root", Path("root-2.json"), Path("root-3.json")}), 0);
  EXPECT_EQ(ReadBytes(Data("signed-checkpoint.previous")).substr(0, 10), "dml.local/");
  // A crash before the first checkpoint under the new name was kept.
  fs::copy_file(Data("signed-checkpoint.previous"), Data("signed-checkpoint"),
                fs::copy_options::overwrite_existing);
  Restart();
  EXPECT_EQ(ReasonOf({"root", "set", Path("beyond.json")}, 5), "ROOT_VERSION_UNEXPECTED");

  const Json after = Do({"log", "checkpoint"})["checkpoint"];
  EXPECT_EQ(after["origin"], "dml.local/moved");
  EXPECT_EQ(after["size"].get<int>(), std::stoi(kept) + 2);
  std::vector<std::string> set_aside;
  for (const auto& file : fs::directory_iterator(StateFile().parent_path())) {
    if (file.path().string().ends_with("-retired")) set_aside.push_back(ReadBytes(file.path()));
  }
  EXPECT_EQ(set_aside, std::vector<std::string>{remembered});
  ExpectThere("1.0.0", "one");
  Publish("1.1.0", "two again");
  EXPECT_EQ(Do({"log", "verify"})["verified"], true);
  const std::string entry = Do({"log", "entries", "--kind", "root_set"}).dump();
  EXPECT_NE(entry.find("as dml.local/moved"), std::string::npos) << entry;
  // Whoever comes anew finds the new name in the profile.
  profile_.clear();
  EXPECT_EQ(library_.AdminOptions().log_origin, "dml.local/moved");
  EXPECT_EQ(Do({"log", "verify"})["verified"], true);
  // The old name is over: nothing may be signed under it any more, and no root leads back to it.
  Do({"root", "new-origin", Path("root-3.json"), "--origin", before["origin"], "--log-start-size",
      kept, "--out", Path("back.json")});
  Do({"root", "sign", Path("back.json"), "--key", RootKey()});
  EXPECT_EQ(library_.Stop(), 0);
  EXPECT_EQ(Dmld({"set-root", Path("back.json")}), 2);
  EXPECT_NE(library_.Log().find("ROOT_ORIGIN_USED"), std::string::npos);
  fs::copy_file(Data("signed-checkpoint.previous"), Data("signed-checkpoint"),
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(library_.Launch()->Wait(), 3);
}

TEST_F(RecoveryTest, LostRootKeysMeanThatEveryClientPinsTheNextRootByHand) {
  Begin();
  UseOwnProfile();
  Do({"root", "fetch", "--out", Path("root.json")});
  const std::string lost =
      IdOf(PrivateKey::FromPkcs8Pem(ReadBytes(RootKey()))->public_key().ToPem());
  fs::remove(RootKey());
  Do({"key", "generate", "--out", Path("bea")});
  Do({"root", "rotate", Path("root.json"), lost, "--key", Path("bea"), "--out", Path("next.json")});
  Do({"root", "sign", Path("next.json"), "--key", Path("bea")});
  EXPECT_EQ(ReasonOf({"root", "set", Path("next.json")}, 5), "THRESHOLD_NOT_MET");
  EXPECT_EQ(library_.Stop(), 0);
  EXPECT_EQ(Dmld({"set-root", Path("next.json")}), 2) << "the holders of the last root did not";
  EXPECT_EQ(Dmld({"set-root", Path("next.json"), "--root-keys-lost"}), 0);
  Restart();
  EXPECT_EQ(ReasonOf({"root", "fetch"}, 5), "THRESHOLD_NOT_MET") << "no client follows by itself";
  Do({"log", "verify"});
  fs::copy_file(Data("client/root.json"), fs::path(profile_).parent_path() / "root.json",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(Do({"root", "fetch"})["root"]["version"], 3);
  Publish("1.0.0", "one");
}

// attack T5
TEST_F(RecoveryTest, AnExpiredRootJudgesNothingAndCanBeRenewed) {
  Begin();
  UseOwnProfile();
  Do({"root", "fetch", "--out", Path("root.json")});
  Do({"root", "renew", Path("root.json"), "--valid-for", "2s", "--out", Path("short.json")});
  Do({"root", "sign", Path("short.json"), "--key", RootKey()});
  Do({"root", "set", Path("short.json")});
  // Until it has ended.
  while (!Do({"root", "fetch", "--out", Path("short.json")})["expired"].get<bool>()) {
  }
  Do({"key", "generate", "--out", Path("bo")});
  EXPECT_EQ(ReasonOf({"key", "register", "--key", Path("bo"), "--owner", "bo", "--role",
                      "publisher", "--namespace", "acme", "--out", Path("draft.json")},
                     1),
            "ROOT_EXPIRED");
  Do({"environment", "create", "production"});
  Do({"policy", "init", "--out", Path("policy.yaml")});
  Do({"policy", "set", "--environment", "production", Path("policy.yaml")});
  EXPECT_NE(Do({"gate", "evaluate", "--environment", "production", "acme/tool@1.0.0"}, 3)
                .dump()
                .find("trust.root-expired"),
            std::string::npos);
  Do({"root", "renew", Path("short.json"), "--out", Path("next.json")});
  Do({"root", "sign", Path("next.json"), "--key", RootKey(), "--previous", Path("short.json")});
  Do({"root", "set", Path("next.json")});
  Publish("1.0.0", "one");
}

TEST_F(RecoveryTest, AStolenAuthorityIsReplacedAndItsCertificatesAreWorthNothing) {
  Begin();
  UseOwnProfile();
  Do({"log", "checkpoint"});
  EXPECT_EQ(library_.Stop(), 0);
  for (const char* file : {"keys/ca.key", "tls/ca.pem", "keys/server.key", "tls/server.pem",
                           "client/admin.key", "client/admin.pem"}) {
    ASSERT_TRUE(fs::remove(Data(file))) << file;
  }
  Restart();
  EXPECT_EQ(ReasonOf({"log", "checkpoint"}, 6), "SERVER_UNAVAILABLE");
  profile_.clear();
  EXPECT_EQ(Do({"log", "verify"})["verified"], true);
}

TEST_F(RecoveryTest, AStolenPermitKeyIsReplacedInTheRoot) {
  Begin();
  const std::string before = ReadBytes(Data("keys/permit.key"));
  const std::string id = IdOf(PrivateKey::FromPkcs8Pem(before)->public_key().ToPem());
  EXPECT_EQ(library_.Stop(), 0);
  fs::remove(Data("keys/permit.key"));
  Restart();
  EXPECT_NE(ReadBytes(Data("keys/permit.key")), before);
  Do({"root", "fetch", "--out", Path("root.json")});
  Do({"root", "rotate", Path("root.json"), id, "--key", Data("keys/permit.key"), "--out",
      Path("next.json")});
  Do({"root", "sign", Path("next.json"), "--key", RootKey()});
  Do({"root", "set", Path("next.json")});
  EXPECT_EQ(Do({"root", "fetch"})["root"].dump().find(id.substr(7)), std::string::npos);
}

}  // namespace
}  // namespace dml
