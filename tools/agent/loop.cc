#include "tools/agent/loop.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <random>

#include <boost/asio.hpp>

#include "core/evidence/permit_bundle.h"
#include "core/os/file.h"
#include "tools/agent/follow.h"

namespace dml::agent {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{1'000};
constexpr milliseconds kLongestAsked{3'600'000};
constexpr int kMaxDoublings = 20;

class Loop {
 public:
  Loop(const AgentConfig& config, EngineHooks hooks) : config_(config), hooks_(std::move(hooks)) {
    hooks_.stops = [this, others = hooks_.stops] { return stopped_ || (others && others()); };
  }

  absl::Status Run() {
    DML_ASSIGN_OR_RETURN(session_, Session::Open(config_, "", hooks_));
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      stopped_ = true;
      timer_.cancel();
    });
    asio::co_spawn(context_, Turns(), [this](std::exception_ptr) { signals_.cancel(); });
    context_.run();
    worker_.join();
    return absl::OkStatus();
  }

 private:
  asio::awaitable<void> Turns() {
    std::uniform_real_distribution<double> random(0, 1);
    int failures = 0;
    while (!stopped_) {
      const absl::Status turn = co_await asio::co_spawn(
          worker_, [this]() -> asio::awaitable<absl::Status> { co_return Turn(); },
          asio::use_awaitable);
      failures = turn.ok() ? 0 : failures + 1;
      if (!turn.ok() && hooks_.log) hooks_.log(Message(turn));
      if (stopped_) break;
      timer_.expires_after(DelayAfter(turn, failures, config_.poll_interval, config_.jitter_percent,
                                      random(generator_)));
      // A signal cancels it, which is no error here.
      co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }

  absl::Status Turn() {
    DML_RETURN_IF_ERROR(TakeTurn(session_->engine(), config_.permit_file, seen_, hooks_.log));
    LibraryDesire* const desire = session_->desire();
    if (desire == nullptr) return absl::OkStatus();
    return FollowLibrary(session_->engine(), *desire, hooks_.log);
  }

  const AgentConfig config_;
  EngineHooks hooks_;
  asio::io_context context_{1};
  asio::thread_pool worker_{1};
  asio::steady_timer timer_{context_};
  asio::signal_set signals_{context_, SIGTERM, SIGINT};
  std::mt19937_64 generator_{std::random_device()()};
  std::atomic<bool> stopped_ = false;
  std::unique_ptr<Session> session_;
  std::string seen_;
};

}  // namespace

milliseconds DelayAfter(const absl::Status& turn, int failures, std::chrono::seconds interval,
                        uint32_t jitter_percent, double random) {
  milliseconds delay = interval;
  if (!turn.ok()) {
    const int doublings = std::clamp(failures - 1, 0, kMaxDoublings);
    delay = std::min<milliseconds>(interval, kFirstDelay * (int64_t{1} << doublings));
    const auto asked = RetryAfter(turn);
    if (asked.has_value()) delay = std::clamp(*asked, milliseconds(0), kLongestAsked);
  }
  // Later, never earlier: what was asked for is the least.
  const double factor = 1 + random * jitter_percent / 100.0;
  return milliseconds(static_cast<int64_t>(static_cast<double>(delay.count()) * factor));
}

absl::Status TakeTurn(Engine& engine, const std::filesystem::path& permit_file, std::string& seen,
                      const std::function<void(std::string_view)>& log) {
  DML_ASSIGN_OR_RETURN(RunResult run, engine.Run());
  DML_RETURN_IF_ERROR(run.waiting);
  if (permit_file.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> bundle = ReadFile(permit_file, kMaxPermitBundleBytes);
  if (absl::IsNotFound(bundle.status())) return absl::OkStatus();
  DML_RETURN_IF_ERROR(bundle.status());
  if (*bundle == seen) return absl::OkStatus();
  const absl::Status accepted = engine.Accept(*bundle).status();
  // A clock can be set; whatever else is wrong with a bundle stays so.
  if (Reason(accepted) == "CLOCK_BEHIND") return accepted;
  seen = *std::move(bundle);
  if (!accepted.ok()) {
    if (log && Reason(accepted) != "PERMIT_USED") log(Message(accepted));
    return absl::OkStatus();
  }
  DML_ASSIGN_OR_RETURN(run, engine.Run());
  return run.waiting;
}

absl::Status RunLoop(const AgentConfig& config, EngineHooks hooks) {
  return Loop(config, std::move(hooks)).Run();
}

}  // namespace dml::agent
