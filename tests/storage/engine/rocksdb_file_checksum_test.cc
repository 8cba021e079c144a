// The checksums of database files are RocksDB's own.
#include "storage/engine/rocksdb_file_checksum.h"

#include <random>

#include <gtest/gtest.h>

namespace dml {
namespace {

std::string Checksum(rocksdb::FileChecksumGenFactory& factory, std::string_view bytes,
                     size_t part) {
  auto generator = factory.CreateFileChecksumGenerator({});
  for (size_t at = 0; at < bytes.size(); at += part) {
    const std::string_view piece = bytes.substr(at, part);
    generator->Update(piece.data(), piece.size());
  }
  generator->Finalize();
  return generator->GetChecksum();
}

TEST(FileChecksumTest, IsTheSameAsThatOfRocksDb) {
  auto ours = MakeFileChecksums();
  auto theirs = rocksdb::GetFileChecksumGenCrc32cFactory();
  EXPECT_STREQ(ours->Name(), theirs->Name());
  EXPECT_STREQ(ours->CreateFileChecksumGenerator({})->Name(),
               theirs->CreateFileChecksumGenerator({})->Name());
  std::mt19937 random(7);
  std::string bytes(70'001, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  for (size_t size : {0u, 1u, 7u, 8u, 63u, 4096u, 70'001u}) {
    for (size_t part : {1u, 13u, 4096u, 100'000u}) {
      const std::string_view piece = std::string_view(bytes).substr(0, size);
      EXPECT_EQ(Checksum(*ours, piece, part), Checksum(*theirs, piece, 100'000)) << size;
    }
  }
}

TEST(FileChecksumTest, OfAnotherNameThereIsNone) {
  rocksdb::FileChecksumGenContext context;
  context.requested_checksum_func_name = "another";
  EXPECT_EQ(MakeFileChecksums()->CreateFileChecksumGenerator(context), nullptr);
}

}  // namespace
}  // namespace dml
