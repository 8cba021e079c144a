// Large files that the library has, wholly or at their beginning.
#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using testing::Noise;

class UploadAgainTest : public testing::CommandLibrary {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Begin());
    Publish("1.0.0", content_);
  }
  // Uploads bytes; the last progress that was told.
  TransferProgress Upload(const std::string& bytes) {
    Client client = library_.NewClient();
    TransferProgress last;
    uint64_t before = 0;
    auto blob = UploadFile(client, "acme", testing::WriteBytes(Path("file"), bytes),
                           [&](const TransferProgress& progress) {
                             EXPECT_GE(progress.bytes_done, before);
                             if (progress.bytes_done < bytes.size()) {
                               sent_before_done_ = progress.bytes_sent;
                             }
                             before = progress.bytes_done;
                             last = progress;
                           });
    EXPECT_TRUE(blob.ok()) << blob.status();
    if (blob.ok()) {
      EXPECT_EQ(blob->digest, Sha256(bytes));
    }
    return last;
  }

  uint64_t sent_before_done_ = 0;  // What was sent when not all was called done yet.
  const std::string content_ = Noise("content", 40 << 20);
};

TEST_F(UploadAgainTest, NothingIsSentAndAllIsDone) {
  const TransferProgress progress = Upload(content_);
  EXPECT_EQ(progress.bytes_sent, 0u);
  EXPECT_EQ(progress.bytes_done, content_.size());
  EXPECT_EQ(progress.bytes_total, content_.size());
}

TEST_F(UploadAgainTest, AFileThatOnlyBeginsLikeAKnownOneIsSentFromThereOn) {
  const std::string other = content_.substr(0, 7 << 20) + Noise("other", 33 << 20);
  const TransferProgress progress = Upload(other);
  EXPECT_GT(progress.bytes_sent, 32u << 20);
  EXPECT_LT(progress.bytes_sent, 34u << 20);
  EXPECT_GT(sent_before_done_, 28u << 20) << "all was called done long before it was sent";
  EXPECT_EQ(progress.bytes_done, other.size());
  Publish("2.0.0", other);
  ExpectThere("1.0.0", content_);
  ExpectThere("2.0.0", other);
}

TEST_F(UploadAgainTest, AFileThatEndsWithinAKnownOneIsAnother) {
  const std::string shorter = content_.substr(0, 9 << 20);
  Publish("2.0.0", shorter);
  ExpectThere("2.0.0", shorter);
}

}  // namespace
}  // namespace dml
