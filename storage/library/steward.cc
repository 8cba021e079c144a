#include "storage/library/steward.h"

#include <absl/time/time.h>
#include <spdlog/spdlog.h>

#include "storage/library/rollouts.h"

namespace dml {

Steward::Steward(Library& library, TrustCache& trust, PolicyCache& policies, StewardOptions options)
    : library_(library),
      options_(std::move(options)),
      reevaluator_(library, trust, policies, options_.author, options_.on_found),
      thread_([this] { Run(); }) {}

Steward::~Steward() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

// False where it is to end.
bool Steward::Sleep() {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::FromChrono(options_.interval));
  return !stopping_;
}

// What fails is tried again the next time; the same fault is told once.
void Steward::Run() {
  std::string told;
  const auto tell = [&](std::string_view what, const absl::Status& status) {
    if (status.ok()) return;
    std::string fault = fmt::format("{}: {}", what, Message(status));
    if (fault == told) return;
    spdlog::warn("{}", fault);
    told = std::move(fault);
  };
  do {
    tell("rollouts", TickRollouts(library_, options_.author).status());
    const absl::StatusOr<size_t> found = reevaluator_.Run();
    tell("re-evaluation", found.status());
    if (found.ok() && *found > 0) {
      spdlog::info("other findings than before against {} releases that were let go", *found);
    }
  } while (Sleep());
}

}  // namespace dml
