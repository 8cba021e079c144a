// An engine that passes everything on to another one: tests override what they want to disturb.
#pragma once

#include <memory>
#include <utility>

#include "storage/engine/engine.h"

namespace dml::testing {

class ForwardingEngine : public Engine {
 public:
  explicit ForwardingEngine(std::shared_ptr<Engine> inner) : inner_(std::move(inner)) {}

  absl::StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    return inner_->Get(table, key);
  }
  std::unique_ptr<Cursor> NewCursor(Table table, KeyRange range) const override {
    return inner_->NewCursor(table, std::move(range));
  }
  std::unique_ptr<Batch> NewBatch() override { return inner_->NewBatch(); }
  absl::Status Commit(std::unique_ptr<Batch> batch, Durability durability) override {
    return inner_->Commit(std::move(batch), durability);
  }
  absl::StatusOr<std::unique_ptr<RowFile>> NewRowFile() override { return inner_->NewRowFile(); }
  absl::Status Ingest(std::unique_ptr<RowFile> file) override {
    return inner_->Ingest(std::move(file));
  }
  absl::Status DropFiles(const KeyRange& range) override { return inner_->DropFiles(range); }
  absl::Status Empty(Table table) override { return inner_->Empty(table); }
  std::unique_ptr<Snapshot> NewSnapshot() const override { return inner_->NewSnapshot(); }
  EngineStats Stats() const override { return inner_->Stats(); }

 private:
  const std::shared_ptr<Engine> inner_;
};

}  // namespace dml::testing
