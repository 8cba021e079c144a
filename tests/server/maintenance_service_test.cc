// Collection, scrub, figures and retention as clients of a daemon see them.
#include <thread>

#include <gtest/gtest.h>

#include "client/client.h"
#include "client/options.h"
#include "server/daemon.h"
#include "tests/core/os/scratch_folder.h"

namespace dml {
namespace {

using testing::ScratchFolder;

class MaintenanceServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ServerConfig config;
    config.data_dir = folder_.path() / "data";
    config.listen = "127.0.0.1:0";
    config.limits.max_open_files = 64;
    auto daemon = Daemon::Start(config);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = *std::move(daemon);
    auto options = LoadProfile(config.data_dir / "client" / "profile.yaml");
    ASSERT_TRUE(options.ok()) << options.status();
    options->retry.max_attempts = 1;
    auto client = Client::Create(*std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_.emplace(*std::move(client));
    ASSERT_TRUE(client_->CreateNamespace("acme", "", {}).ok());
  }

  // Asks until the work has come to its end.
  template <typename Get>
  auto Finish(Get get) {
    auto status = get();
    while (status.ok() && status->job.busy()) {
      std::this_thread::yield();
      status = get();
    }
    EXPECT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(status->job.error_reason, "");
    return *std::move(status);
  }

  ScratchFolder folder_;
  std::unique_ptr<Daemon> daemon_;
  std::optional<Client> client_;
};

TEST_F(MaintenanceServiceTest, BeforeTheFirstOfAllThereIsNothing) {
  const auto collection = client_->GetCollection();
  ASSERT_TRUE(collection.ok()) << collection.status();
  EXPECT_TRUE(collection->record == CollectionRecord());
  EXPECT_FALSE(collection->job.busy());
  EXPECT_EQ(client_->GetCollectionPlan({})->figures.time, Timestamp());
  EXPECT_EQ(client_->GetStorageFigures()->figures.time, Timestamp());
  EXPECT_EQ(client_->GetScrub()->record.start_time, Timestamp());
}

TEST_F(MaintenanceServiceTest, WorkIsStartedAndToldOf) {
  ASSERT_TRUE(client_->StartMeasurement().ok());
  const StorageStatus storage = Finish([&] { return client_->GetStorageFigures(); });
  EXPECT_NE(storage.figures.time, Timestamp());
  EXPECT_EQ(storage.figures.stored_bytes(), 0u);

  ASSERT_TRUE(client_->StartCollectionPlan().ok());
  const auto plan = Finish([&] { return client_->GetCollectionPlan({}); });
  EXPECT_NE(plan.figures.time, Timestamp());
  EXPECT_EQ(plan.variants, 0u);

  ASSERT_TRUE(client_->StartCollection().ok());
  const CollectionStatus collection = Finish([&] { return client_->GetCollection(); });
  EXPECT_EQ(collection.record.author, client_->GetStatus()->principal);
  EXPECT_NE(collection.record.leases_end_time, Timestamp()) << "the daemon started just now";
  EXPECT_EQ(collection.record.phase, CollectionPhase::kPartials);

  ASSERT_TRUE(client_->StartScrub(1 << 20).ok());
  const ScrubStatus scrub = Finish([&] { return client_->GetScrub(); });
  EXPECT_NE(scrub.record.finish_time, Timestamp());
  EXPECT_EQ(scrub.record.damaged_count, 0u);
}

TEST_F(MaintenanceServiceTest, BadRequestsAreRefused) {
  const absl::Status slow = client_->StartScrub(1).status();
  EXPECT_EQ(slow.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Reason(slow), "RATE_INVALID");
  ListOptions options;
  options.page_token = "nonsense";
  EXPECT_EQ(Reason(client_->GetCollectionPlan(options).status()), "PAGE_TOKEN_INVALID");
  options.page_token = "1767225600000000.0";
  EXPECT_EQ(Reason(client_->GetCollectionPlan(options).status()), "PLAN_CHANGED");
  options.page_token.clear();
  options.page_size = -1;
  EXPECT_EQ(Reason(client_->GetCollectionPlan(options).status()), "PAGE_SIZE_INVALID");
}

TEST_F(MaintenanceServiceTest, RetentionIsSetUnderItsEtagAndRead) {
  const auto none = client_->GetRetention("acme");
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE(none->policy == RetentionPolicy());
  EXPECT_EQ(none->Etag(), "");
  EXPECT_EQ(Reason(client_->GetRetention("acne").status()), "NAMESPACE_NOT_FOUND");

  const RetentionPolicy policy{RetentionKeep::kMatching, 5, std::chrono::days(90), true,
                               std::chrono::days(30)};
  MutationOptions dry;
  dry.validate_only = true;
  EXPECT_TRUE(client_->SetRetention("acme", policy, "", dry).ok());
  EXPECT_EQ(client_->GetRetention("acme")->Etag(), "");
  const auto set = client_->SetRetention("acme", policy, "");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->value.index, set->commit.index);
  EXPECT_TRUE(*client_->GetRetention("acme") == set->value);
  EXPECT_TRUE(set->value.policy == policy);

  EXPECT_EQ(Reason(client_->SetRetention("acme", {}, "").status()), "ETAG_MISMATCH");
  EXPECT_TRUE(client_->SetRetention("acme", {}, set->value.Etag()).ok());
  EXPECT_EQ(Reason(client_->SetRetention("acne", {}, "").status()), "NAMESPACE_NOT_FOUND");
  const std::string etag = client_->GetRetention("acme")->Etag();
  EXPECT_EQ(Reason(client_->SetRetention("acme", {RetentionKeep::kMatching}, etag).status()),
            "RETENTION_INVALID");
}

TEST_F(MaintenanceServiceTest, AStopDoesNotWaitForAScrub) {
  ASSERT_TRUE(client_->StartScrub(64 << 10).ok());
  ASSERT_TRUE(client_->StartCollection().ok());
  daemon_->Shutdown(std::chrono::seconds(0));
}

}  // namespace
}  // namespace dml
