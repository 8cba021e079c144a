#include "storage/engine/engine.h"

namespace dml {

std::string_view TableName(Table table) {
  static constexpr std::array<std::string_view, kTableCount> kNames = {
      "meta", "journal", "merkle", "views", "metadata", "blobs", "chunk_index", "chunks"};
  return kNames[static_cast<size_t>(table)];
}

}  // namespace dml
