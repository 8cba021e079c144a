#include "server/rpc/server_host.h"

#include <cerrno>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <absl/synchronization/mutex.h>
#include <absl/time/clock.h>
#include <arpa/inet.h>
#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_interceptor.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace dml {

/// How many calls are under way, from their arrival until their status has been sent. Thread-safe.
class RunningCalls {
 public:
  void Add(int change) {
    absl::MutexLock lock(&mutex_);
    count_ += change;
  }
  int count() {
    absl::MutexLock lock(&mutex_);
    return count_;
  }
  void AwaitNone(std::chrono::milliseconds timeout) {
    absl::MutexLock lock(&mutex_);
    auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return count_ == 0; };
    mutex_.AwaitWithTimeout(absl::Condition(&none), absl::FromChrono(timeout));
  }

 private:
  absl::Mutex mutex_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

namespace {

// gRPC keeps an interceptor exactly as long as the call's context.
class CallCounter : public grpc::experimental::Interceptor {
 public:
  explicit CallCounter(std::shared_ptr<RunningCalls> calls) : calls_(std::move(calls)) {
    calls_->Add(1);
  }
  ~CallCounter() override { calls_->Add(-1); }
  CallCounter(const CallCounter&) = delete;
  CallCounter& operator=(const CallCounter&) = delete;
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    methods->Proceed();
  }

 private:
  const std::shared_ptr<RunningCalls> calls_;
};

class CallCounterFactory : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit CallCounterFactory(std::shared_ptr<RunningCalls> calls) : calls_(std::move(calls)) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    // Health and reflection: a watch of them never ends by itself.
    if (std::string_view(info->method()).starts_with("/grpc.")) return nullptr;
    return new CallCounter(calls_);
  }

 private:
  const std::shared_ptr<RunningCalls> calls_;
};

constexpr int kKeepaliveMillis = 60'000;
constexpr int kKeepaliveTimeoutMillis = 20'000;
constexpr int kMinPingIntervalMillis = 10'000;
// Handlers beside transfers; they wait for the disk, not for the network.
constexpr int kUnaryThreads = 64;
constexpr int kMaxMetadataBytes = 8 * 1024;

// Binds as gRPC would have; 0 where it works, else errno.
int TryBind(const ListenAddress& listen) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  const bool is_v6 = listen.host.find(':') != std::string::npos;
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  v4.sin_port = v6.sin6_port = htons(static_cast<uint16_t>(listen.port));
  ::inet_pton(AF_INET, listen.host.c_str(), &v4.sin_addr);
  ::inet_pton(AF_INET6, listen.host.c_str(), &v6.sin6_addr);

  const int fd = ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto* address =
      is_v6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
  const int result = ::bind(fd, address, is_v6 ? sizeof v6 : sizeof v4);
  const int error = result == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

// gRPC says only that it could not start.
absl::Status WhyNotStarted(const ListenAddress& listen) {
  const int error = TryBind(listen);
  if (error == 0) {
    return InvalidArgument(ErrorReason("TLS_FILES_INVALID"),
                           "cannot serve on {}: TLS does not accept the server's certificate and "
                           "key; check that they are PEM and belong together",
                           listen.ToString());
  }
  if (error == EADDRINUSE) {
    return Unavailable(ErrorReason("ADDRESS_IN_USE"),
                       "cannot listen on {}: another program does; end it (another dmld?) or "
                       "choose another address with --listen",
                       listen.ToString());
  }
  return Unavailable(ErrorReason("ADDRESS_NOT_AVAILABLE"),
                     "cannot listen on {}: {}; choose another address with --listen",
                     listen.ToString(), std::generic_category().message(error));
}

void SetLimits(const ServerHostOptions& options, grpc::ServerBuilder& builder) {
  auto millis = [](std::chrono::milliseconds time) { return static_cast<int>(time.count()); };
  const auto message_bytes = static_cast<int>(options.limits.max_message_bytes);
  builder.SetMaxReceiveMessageSize(message_bytes);
  builder.SetMaxSendMessageSize(message_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             options.limits.max_concurrent_streams);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             millis(options.handshake_timeout));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, millis(options.max_connection_age));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMillis);
  // Otherwise a second daemon could bind the same port, and the kernel deal calls out to both.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  grpc::ResourceQuota quota("dmld");
  quota.SetMaxThreads(options.limits.max_transfers + kUnaryThreads);
  builder.SetResourceQuota(quota);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerHost>> ServerHost::Start(
    const ServerHostOptions& options, std::shared_ptr<grpc::ServerCredentials> credentials,
    std::vector<std::unique_ptr<grpc::Service>> services) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto host = std::unique_ptr<ServerHost>(new ServerHost);
  host->credentials_ = std::move(credentials);
  host->services_ = std::move(services);
  host->calls_ = std::make_shared<RunningCalls>();
  grpc::ServerBuilder builder;
  SetLimits(options, builder);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> counters;
  counters.push_back(std::make_unique<CallCounterFactory>(host->calls_));
  builder.experimental().SetInterceptorCreators(std::move(counters));
  int port = 0;
  builder.AddListeningPort(options.listen.ToString(), host->credentials_, &port);
  for (const auto& service : host->services_) builder.RegisterService(service.get());
  host->server_ = builder.BuildAndStart();
  if (host->server_ == nullptr || port <= 0) return WhyNotStarted(options.listen);
  host->address_ = options.listen;
  host->address_.port = port;
  return host;
}

ServerHost::~ServerHost() { Shutdown(std::chrono::milliseconds(0)); }

void ServerHost::SetServing(const std::string& service, bool serving) {
  if (server_ != nullptr) {
    server_->GetHealthCheckService()->SetServingStatus(service, serving);
  }
}

int ServerHost::running_calls() const { return calls_->count(); }

void ServerHost::Shutdown(std::chrono::milliseconds grace) {
  if (server_ == nullptr) return;
  // grpc::Server::Shutdown waits for connections too, and an idle C++ client sees only every 5
  // seconds that it was asked to go. So: first the same without waiting, which gRPC allows as often
  // as one likes, and with a deadline that has passed once no call is left.
  grpc_completion_queue* queue = grpc_completion_queue_create_for_pluck(nullptr);
  grpc_server_shutdown_and_notify(server_->c_server(), queue, this);
  calls_->AwaitNone(grace);
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  grpc_completion_queue_pluck(queue, this, gpr_inf_future(GPR_CLOCK_REALTIME), nullptr);
  grpc_completion_queue_destroy(queue);
  server_.reset();
}

}  // namespace dml
