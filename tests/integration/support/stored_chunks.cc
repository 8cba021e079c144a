#include "tests/integration/support/stored_chunks.h"

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

}  // namespace dml::testing
