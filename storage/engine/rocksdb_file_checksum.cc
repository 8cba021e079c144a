#include "storage/engine/rocksdb_file_checksum.h"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <string>

#include <isa-l/crc.h>

namespace dml {
namespace {

constexpr char kGeneratorName[] = "FileChecksumCrc32c";  // RocksDB's, in every manifest.

class Crc32cGenerator : public rocksdb::FileChecksumGenerator {
 public:
  void Update(const char* data, size_t size) override {
    while (size > 0) {
      const int part = static_cast<int>(std::min<size_t>(size, INT_MAX));
      // It does not write; the function is older than const.
      crc_ = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(data)), part, crc_);
      data += part;
      size -= static_cast<size_t>(part);
    }
  }
  void Finalize() override {
    const uint32_t crc = ~crc_;
    checksum_.clear();
    for (int shift = 24; shift >= 0; shift -= 8) {
      checksum_.push_back(static_cast<char>(crc >> shift));
    }
  }
  std::string GetChecksum() const override { return checksum_; }
  const char* Name() const override { return kGeneratorName; }

 private:
  uint32_t crc_ = 0xffffffff;
  std::string checksum_;
};

class Crc32cFactory : public rocksdb::FileChecksumGenFactory {
 public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext& context) override {
    const std::string& asked = context.requested_checksum_func_name;
    if (!asked.empty() && asked != kGeneratorName) return nullptr;
    return std::make_unique<Crc32cGenerator>();
  }
  const char* Name() const override { return "FileChecksumGenCrc32cFactory"; }
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> MakeFileChecksums() {
  return std::make_shared<Crc32cFactory>();
}

}  // namespace dml
