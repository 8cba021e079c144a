#include "server/http/log_site.h"

#include <gtest/gtest.h>

#include "core/tlog/tile_reader.h"
#include "core/trust/log_policy.h"
#include "server/daemon.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/server/http/http_probe.h"
#include "tests/server/support/tls_world.h"
#include "tests/support/library_fixture.h"

namespace dml {
namespace {

using testing::NewAuthority;
using testing::NewClient;

class LogSiteTest : public ::testing::Test {
 protected:
  HttpAnswer Get(const std::string& target, std::string certificate = "") {
    return site_.Answer({target, std::move(certificate), std::nullopt, "p"});
  }
  // Names of their own, so that the log is as long as it should be.
  void Grow(int entries) {
    for (int i = 0; i < entries; ++i) {
      ASSERT_TRUE(library_.Commit(NamespaceCreated{fmt::format("ns{}", ++names_), "", {}}).ok());
    }
  }
  TileReader::Fetch Fetch() {
    return [this](const TileName& name) -> absl::StatusOr<std::string> {
      const HttpAnswer answer = Get("/" + FormatTileName(name));
      if (answer.status == 200) return answer.body;
      return NotFound(ErrorReason("HTTP_NOT_FOUND"), "{} {}", answer.status, answer.body);
    };
  }

  testing::TestLibrary library_;
  CertificateWithKey authority_ = NewAuthority();
  Authenticator authenticator_{{}, nullptr};
  CallGuard guard_{authenticator_};
  LogSite site_{*library_, guard_, {.public_log = true}};
  int names_ = 0;
};

TEST_F(LogSiteTest, ServesAllThatTheCheckpointSigns) {
  Grow(600);
  const HttpAnswer answer = Get("/checkpoint");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.cache_control, "no-cache");
  const auto checkpoint = OpenCheckpoint(answer.body, library_->origin(), library_->log_key());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->size, 603u);
  TileReader reader(checkpoint->size, checkpoint->root, Fetch());
  const auto snapshot = library_->Read();
  const JournalView journal(*snapshot);
  for (uint64_t bundle = 0; bundle < 3; ++bundle) {
    const auto entries = reader.Entries(bundle);
    ASSERT_TRUE(entries.ok()) << entries.status();
    for (size_t i = 0; i < entries->size(); ++i) {
      EXPECT_EQ((*entries)[i], *journal.Leaf(bundle * kTileWidth + i));
    }
  }
}

TEST_F(LogSiteTest, TilesOfEarlierTreesAreServedAndThoseOfLaterOnesAreNot) {
  Grow(300);
  EXPECT_EQ(Get("/tile/0/000").status, 200);
  EXPECT_EQ(Get("/tile/0/000").body.size(), 8192u);
  EXPECT_EQ(Get("/tile/0/001.p/1").status, 200);
  EXPECT_EQ(Get("/tile/0/001.p/47").status, 200);
  EXPECT_EQ(Get("/tile/1/000.p/1").status, 200);
  EXPECT_EQ(Get("/tile/entries/001.p/47").status, 200);
  for (const char* later : {"/tile/0/001", "/tile/0/001.p/48", "/tile/1/000", "/tile/1/000.p/2",
                            "/tile/2/000.p/1", "/tile/entries/001", "/tile/entries/001.p/48",
                            "/tile/0/002.p/1", "/tile/0/x018/x446/x744/x073/x709/x551/615",
                            "/tile/entries/x018/x446/x744/x073/x709/x551/615"}) {
    EXPECT_EQ(Get(later).status, 404) << later;
  }
}

TEST_F(LogSiteTest, OnlyFullTilesAreCachedForLong) {
  Grow(300);
  EXPECT_EQ(Get("/tile/0/000").cache_control, "public, max-age=31536000, immutable");
  EXPECT_EQ(Get("/tile/entries/000").cache_control, "public, max-age=31536000, immutable");
  EXPECT_EQ(Get("/tile/0/001.p/3").cache_control, "public, max-age=60");
  EXPECT_EQ(Get("/tile/0/001").cache_control, "no-store");
  EXPECT_EQ(Get("/healthz").cache_control, "no-store");
  LogSite closed(*library_, guard_, {});
  const std::string reader = NewClient(authority_, {"reader"}).certificate_pem;
  EXPECT_EQ(closed.Answer({"/tile/0/000", reader, {}, "p"}).cache_control,
            "private, max-age=31536000, immutable");
}

// attack 12, attack 34
TEST_F(LogSiteTest, PathTricksLeadNowhere) {
  for (const std::string& target : {std::string("/"),
                                    std::string("//"),
                                    std::string("/checkpoint/"),
                                    std::string("//checkpoint"),
                                    std::string("/Checkpoint"),
                                    std::string("/checkpoint?x"),
                                    std::string("/checkpoint%20"),
                                    std::string("/checkpoint\0", 12),
                                    std::string("/./checkpoint"),
                                    std::string("/tile/../checkpoint"),
                                    std::string("/tile/%2e%2e/checkpoint"),
                                    std::string("/tile/..%2F..%2Fetc%2Fpasswd"),
                                    std::string("/tile/0/000%00"),
                                    std::string("/%74ile/0/000"),
                                    std::string("/tile/0/000/../000"),
                                    std::string("/../../etc/passwd"),
                                    std::string("/C:\\windows"),
                                    std::string("/tile/0/con"),
                                    std::string("/signed-checkpoint"),
                                    std::string("/db/CURRENT"),
                                    std::string("/keys/log.key"),
                                    "/" + std::string(100'000, 'a'),
                                    std::string("")}) {
    EXPECT_EQ(Get(target).status, 404) << target.substr(0, 50);
  }
}

// attack 43
TEST_F(LogSiteTest, AsksForARoleUnlessTheLogIsPublic) {
  LogSite closed(*library_, guard_, {});
  const std::string reader = NewClient(authority_, {"reader"}).certificate_pem;
  const std::string nobody = NewClient(authority_, {"nothing"}).certificate_pem;
  for (const char* target : {"/checkpoint", "/checkpoint/cosigned", "/tile/0/000.p/1",
                             "/tile/entries/000.p/1", "/tile/0/999", "/readyz"}) {
    EXPECT_EQ(closed.Answer({target, "", {}, "p"}).status, 401) << target;
    EXPECT_EQ(closed.Answer({target, nobody, {}, "p"}).status, 403) << target;
    EXPECT_EQ(closed.Answer({target, "no certificate", {}, "p"}).status, 401) << target;
  }
  EXPECT_EQ(closed.Answer({"/checkpoint", reader, {}, "p"}).status, 200);
  EXPECT_EQ(closed.Answer({"/tile/0/000.p/1", reader, {}, "p"}).status, 200);
  // Entries speak of every namespace.
  EXPECT_EQ(closed.Answer({"/tile/entries/000.p/1", reader, {}, "p"}).status, 403);
  const std::string auditor = NewClient(authority_, {"auditor"}).certificate_pem;
  EXPECT_EQ(closed.Answer({"/tile/entries/000.p/1", auditor, {}, "p"}).status, 200);
  EXPECT_EQ(closed.Answer({"/tile/0/000.p/1", reader, "Bearer dml_nothing", "p"}).status, 401);
  EXPECT_EQ(closed.Answer({"/tile/0/999", reader, {}, "p"}).status, 404);
  EXPECT_EQ(closed.Answer({"/readyz", reader, {}, "p"}).body, "ready\n");
  EXPECT_EQ(closed.Answer({"/healthz", "", {}, "p"}).body, "alive\n");
  EXPECT_EQ(Get("/checkpoint").status, 200);
  EXPECT_EQ(Get("/readyz").status, 401);
}

TEST_F(LogSiteTest, ServesTheCheckpointThatMostWitnessesHaveCosigned) {
  EXPECT_EQ(Get("/checkpoint/cosigned").status, 404);
  const PrivateKey keys[] = {testing::LogKey(), testing::LogKey()};
  auto cosign = [&](int witness) {
    Note note = *ParseNote(library_->checkpoint()->note);
    note.signatures.push_back(
        *CosignNote(note.text, fmt::format("w{}", witness), keys[witness], WallClockNow()));
    const std::string vkeys[] = {FormatVerifierKey(
        {note.signatures.back().name, keys[witness].public_key(), NoteKeyType::kCosignature})};
    ASSERT_TRUE(library_->cosigned().Add(FormatNote(note), nullptr, vkeys).ok());
  };
  cosign(0);
  cosign(1);
  const std::string both = Get("/checkpoint/cosigned").body;
  EXPECT_EQ(ParseNote(both)->signatures.size(), 3u);
  EXPECT_EQ(Get("/checkpoint").body, both);
  Grow(1);
  cosign(0);
  EXPECT_EQ(Get("/checkpoint/cosigned").body, both);
  EXPECT_EQ(ParseNote(Get("/checkpoint").body)->signatures.size(), 2u);
}

TEST(LogSiteInDaemonTest, IsServedWhereConfigured) {
  const testing::ScratchFolder folder;
  ServerConfig config;
  config.data_dir = folder.path() / "data";
  config.listen = "127.0.0.1:0";
  config.limits.max_open_files = 64;
  config.insecure_loopback = true;
  {
    auto without = Daemon::Start(config);
    ASSERT_TRUE(without.ok()) << without.status();
    EXPECT_FALSE((*without)->http_address().has_value());
  }
  config.http.listen = "127.0.0.1:0";
  auto daemon = Daemon::Start(config);
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  const int port = (*daemon)->http_address()->port;
  EXPECT_EQ(testing::StatusOf(testing::Get(port, "/checkpoint")), 200);
  EXPECT_EQ(testing::StatusOf(testing::Get(port, "/tile/entries/000.p/1")), 200);
  EXPECT_EQ(testing::BodyOf(testing::Get(port, "/readyz")), "ready\n");
  EXPECT_EQ(testing::StatusOf(testing::Get(port, "/keys/log.key")), 404);
}

}  // namespace
}  // namespace dml
