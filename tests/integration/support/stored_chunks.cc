#include "tests/integration/support/stored_chunks.h"

#include <fstream>

#include <rocksdb/db.h>

#include "storage/data_dir.h"
#include "storage/engine/rocksdb_engine.h"

namespace dml::testing {

absl::Status DamageAChunk(const std::filesystem::path& data_dir) {
  DML_ASSIGN_OR_RETURN(DataDir dir, DataDir::Open(data_dir));
  DML_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, OpenRocksEngine(dir.db(), {}));
  auto cursor = engine->NewCursor(Table::kChunks, {});
  cursor->SeekToFirst();
  if (!cursor->Valid()) return NotFound(ErrorReason("CHUNK_NOT_FOUND"), "no chunk has a row");
  const std::string chunk(cursor->key());
  std::string frame(cursor->value());
  cursor.reset();
  frame[frame.size() / 2] ^= 1;
  auto batch = engine->NewBatch();
  batch->Put(Table::kChunks, chunk, frame);
  return engine->Commit(std::move(batch), Durability::kSynced);
}

absl::Status DamageAFile(const std::filesystem::path& data_dir, Table table) {
  const std::string path = data_dir / "db";
  std::vector<std::string> names;
  rocksdb::DB::ListColumnFamilies({}, path, &names);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly({}, path, families, &handles, &opened);
  if (!status.ok()) return Internal(ErrorReason("DATABASE_NOT_OPENED"), "{}", status.ToString());
  std::vector<rocksdb::LiveFileMetaData> files;
  opened->GetLiveFilesMetaData(&files);
  for (rocksdb::ColumnFamilyHandle* handle : handles) opened->DestroyColumnFamilyHandle(handle);
  delete opened;
  std::erase_if(files, [&](const auto& f) { return f.column_family_name != TableName(table); });
  auto largest = std::ranges::max_element(files, {}, [](const auto& f) { return f.size; });
  if (largest == files.end()) return NotFound(ErrorReason("FILE_NOT_FOUND"), "no such file");
  std::fstream file(path + largest->name, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(largest->size / 2);
  file.seekg(middle);
  const char byte = static_cast<char>(file.get());
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 1));
  if (file.flush()) return absl::OkStatus();
  return Internal(ErrorReason("FILE_IO_FAILED"), "cannot change {}", largest->name);
}

}  // namespace dml::testing
