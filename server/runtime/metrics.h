// What the daemon counts, in Prometheus' text format.
//
// Two kinds: what happens (calls, decisions, commits) is counted here while it does; what is there
// (rows, bytes, jobs) is asked of sources at each scrape. Owned by the daemon, outlives whatever it
// observes. Thread-safe. Labels hold only words of the program: methods, codes, rules, tables;
// never a name that a caller gave, so that neither memory grows with callers nor a scrape tells of
// them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/runtime/observer.h"
#include "storage/library/commit_observer.h"

namespace dml {

/// Takes figures from a source. A name has the same help and kind each time.
class MetricSink {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  virtual ~MetricSink() = default;
  /// What may go up and down.
  virtual void Gauge(const char* name, const char* help, double value, Labels labels = {}) = 0;
  /// What only grows while the process lives.
  virtual void Counter(const char* name, const char* help, double value, Labels labels = {}) = 0;
};

class Metrics final : public Observer, public CommitObserver {
 public:
  using Source = std::function<void(MetricSink&)>;

  explicit Metrics(std::string_view version);
  ~Metrics() override;

  void CallEnded(const CallSeen& call) override;
  void Decided(std::string_view kind, bool allowed, std::span<const Finding> findings) override;
  void Committed(const GroupCommit& group) override;

  /// Asked at each scrape, by its thread. What it borrows outlives the scrapes.
  void AddSource(Source source);

  /// A scrape: the text exposition format, version 0.0.4.
  std::string Text() const;
  static constexpr char kContentType[] = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Families;

  const std::unique_ptr<Families> families_;
};

}  // namespace dml
