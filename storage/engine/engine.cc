#include "storage/engine/engine.h"

namespace dml {

std::string_view TableName(Table table) {
  static constexpr std::array<std::string_view, kTableCount> kNames = {
      "meta", "journal", "merkle", "views", "metadata", "blobs", "chunk_index", "chunks", "packs"};
  return kNames[static_cast<size_t>(table)];
}

absl::Status TableOfFiles() {
  return Internal(ErrorReason("TABLE_OF_FILES"), "a batch writes table {}, which takes files only",
                  TableName(Table::kPacks));
}

}  // namespace dml
