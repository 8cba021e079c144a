// Checksums of whole database files.
#pragma once

#include <memory>

#include <rocksdb/file_checksum.h>

namespace dml {

/// The same checksums under the same names as rocksdb::GetFileChecksumGenCrc32cFactory(), with the
/// processor's own instructions: Debian's RocksDB is built without, at a nanosecond a byte.
std::shared_ptr<rocksdb::FileChecksumGenFactory> MakeFileChecksums();

}  // namespace dml
