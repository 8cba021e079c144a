#include "server/runtime/logging.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "core/base/text.h"
#include "core/base/time.h"
#include "server/runtime/call_scope.h"

namespace dml {
namespace {

constexpr size_t kMaxMessageBytes = 8192;

std::string JsonLine(const std::string& time, const std::string& level, const std::string& text,
                     const CallId* call) {
  nlohmann::json line = {{"time", time}, {"level", level}, {"message", text}};
  if (call != nullptr) line["request"] = call->request;
  if (call != nullptr && !call->trace.empty()) line["trace"] = call->trace;
  return line.dump();
}

std::string TextLine(const std::string& time, const std::string& level, const std::string& text,
                     const CallId* call) {
  std::string line = fmt::format("{} {} {}", time, level, text);
  if (call != nullptr) line += fmt::format(" request={}", call->request);
  if (call != nullptr && !call->trace.empty()) line += fmt::format(" trace={}", call->trace);
  return line;
}

class LineFormatter : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string time =
        FormatTime(std::chrono::time_point_cast<std::chrono::microseconds>(message.time));
    const auto level_text = spdlog::level::to_string_view(message.level);
    const std::string level(level_text.data(), level_text.size());
    const std::string text =
        Excerpt({message.payload.data(), message.payload.size()}, kMaxMessageBytes);
    const CallId* call = CallScope::Current();
    const std::string line = format_ == LogFormat::kJson ? JsonLine(time, level, text, call)
                                                         : TextLine(time, level, text, call);
    out.append(line.data(), line.data() + line.size());
    out.push_back('\n');
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(format_);
  }

 private:
  const LogFormat format_;
};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// What gRPC calls errors are peers that break off or are refused, and what Start returns anyway.
void LogOfGrpc(gpr_log_func_args* arguments) { spdlog::debug("grpc: {}", arguments->message); }

// Requests that cannot be parsed, among them text that is not UTF-8; gRPC answers them.
void LogOfProtobuf(google::protobuf::LogLevel, const char*, int, const std::string& message) {
  spdlog::debug("protobuf: {}", message);
}

}  // namespace

void StartLogging(const LogConfig& config) {
  auto logger =
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<LineFormatter>(config.format));
  logger->set_level(ToSpdlog(config.level));
  spdlog::set_default_logger(std::move(logger));
  gpr_set_log_function(LogOfGrpc);
  google::protobuf::SetLogHandler(LogOfProtobuf);
}

void SetLogLevel(LogLevel level) { spdlog::set_level(ToSpdlog(level)); }

}  // namespace dml
