// gRPC alone, with the daemon's server settings and the client library's channel settings: what
// neither side can be faster than.
//
// The raw methods are those of generated code with grpc::ByteBuffer as message type, so that the
// only difference from the typed ones is protobuf: parsing and serializing one bytes field.
#include <atomic>
#include <cstdio>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/method_handler.h>

#include "client/options.h"
#include "core/os/file.h"
#include "dml/v1/content.grpc.pb.h"
#include "server/auth/bootstrap.h"
#include "server/auth/tls.h"
#include "server/rpc/server_host.h"
#include "tools/bench/measure.h"
#include "tools/bench/sections.h"

namespace dml::bench {
namespace {

constexpr size_t kMessageBytes = 1 << 20;
constexpr char kRawWrite[] = "/dml.bench.RawService/Write";
constexpr char kRawRead[] = "/dml.bench.RawService/Read";
constexpr int kMaxMessageBytes = 4 << 20;

grpc::ByteBuffer RawMessage() {
  grpc::Slice slice(std::string(kMessageBytes, 'x'));
  return grpc::ByteBuffer(&slice, 1);
}

// Takes what is written and sends messages until the client goes away.
class TypedService final : public v1::ContentService::Service {
 public:
  grpc::Status GetCapabilities(grpc::ServerContext*, const v1::GetCapabilitiesRequest*,
                               v1::GetCapabilitiesResponse*) override {
    return grpc::Status::OK;
  }
  grpc::Status WriteBlob(grpc::ServerContext*, grpc::ServerReader<v1::WriteBlobRequest>* stream,
                         v1::WriteBlobResponse* response) override {
    uint64_t bytes = 0;
    for (v1::WriteBlobRequest message; stream->Read(&message);) bytes += message.data().size();
    response->set_committed_size(bytes);
    return grpc::Status::OK;
  }
  grpc::Status ReadBlob(grpc::ServerContext*, const v1::ReadBlobRequest*,
                        grpc::ServerWriter<v1::ReadBlobResponse>* stream) override {
    v1::ReadBlobResponse message;
    message.set_data(std::string(kMessageBytes, 'x'));
    while (stream->Write(message)) continue;
    return grpc::Status::OK;
  }
};

class RawService final : public grpc::Service {
 public:
  RawService() {
    using grpc::ByteBuffer;
    AddMethod(new grpc::internal::RpcServiceMethod(
        kRawWrite, grpc::internal::RpcMethod::CLIENT_STREAMING,
        new grpc::internal::ClientStreamingHandler<RawService, ByteBuffer, ByteBuffer>(
            [](RawService*, grpc::ServerContext*, grpc::ServerReader<ByteBuffer>* stream,
               ByteBuffer* response) {
              for (ByteBuffer message; stream->Read(&message);) continue;
              grpc::Slice nothing;
              *response = ByteBuffer(&nothing, 1);
              return grpc::Status::OK;
            },
            this)));
    AddMethod(new grpc::internal::RpcServiceMethod(
        kRawRead, grpc::internal::RpcMethod::SERVER_STREAMING,
        new grpc::internal::ServerStreamingHandler<RawService, ByteBuffer, ByteBuffer>(
            [](RawService*, grpc::ServerContext*, const ByteBuffer*,
               grpc::ServerWriter<ByteBuffer>* stream) {
              const ByteBuffer message = RawMessage();
              while (stream->Write(message)) continue;
              return grpc::Status::OK;
            },
            this)));
  }
};

std::shared_ptr<grpc::Channel> OpenChannel(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  if (options.insecure_loopback) {
    return grpc::CreateCustomChannel(options.target, grpc::InsecureChannelCredentials(), arguments);
  }
  grpc::SslCredentialsOptions tls{options.ca_pem, options.private_key_pem, options.certificate_pem};
  return grpc::CreateCustomChannel(options.target, grpc::SslCredentials(tls), arguments);
}

absl::Status Ended(const grpc::Status& status) {
  if (status.ok() || status.error_code() == grpc::StatusCode::CANCELLED) return absl::OkStatus();
  return Unavailable(ErrorReason("CALIBRATION_FAILED"), "the calibration server: {}",
                     status.error_message());
}

// Sends the same message for a while; the bytes that arrived.
template <typename Message>
uint64_t WriteFor(double seconds, const Message& message, grpc::ClientWriter<Message>& stream) {
  uint64_t bytes = 0;
  for (double end = Now() + seconds; Now() < end && stream.Write(message);) bytes += kMessageBytes;
  stream.WritesDone();
  return bytes;
}

template <typename Message>
uint64_t ReadFor(double seconds, grpc::ClientReader<Message>& stream,
                 grpc::ClientContext& context) {
  uint64_t bytes = 0;
  Message message;
  for (double end = Now() + seconds; Now() < end && stream.Read(&message);) bytes += kMessageBytes;
  context.TryCancel();
  while (stream.Read(&message)) continue;
  return bytes;
}

using Transfer = std::function<absl::StatusOr<uint64_t>(double seconds)>;

Transfer TypedWrite(v1::ContentService::Stub& stub) {
  return [&stub](double seconds) -> absl::StatusOr<uint64_t> {
    v1::WriteBlobRequest message;
    message.set_data(std::string(kMessageBytes, 'x'));
    grpc::ClientContext context;
    v1::WriteBlobResponse response;
    auto stream = stub.WriteBlob(&context, &response);
    uint64_t bytes = WriteFor(seconds, message, *stream);
    DML_RETURN_IF_ERROR(Ended(stream->Finish()));
    return bytes;
  };
}

Transfer TypedRead(v1::ContentService::Stub& stub) {
  return [&stub](double seconds) -> absl::StatusOr<uint64_t> {
    grpc::ClientContext context;
    auto stream = stub.ReadBlob(&context, v1::ReadBlobRequest());
    uint64_t bytes = ReadFor(seconds, *stream, context);
    DML_RETURN_IF_ERROR(Ended(stream->Finish()));
    return bytes;
  };
}

Transfer RawWrite(const std::shared_ptr<grpc::Channel>& channel) {
  return [channel](double seconds) -> absl::StatusOr<uint64_t> {
    grpc::internal::RpcMethod method(kRawWrite, grpc::internal::RpcMethod::CLIENT_STREAMING,
                                     channel);
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    std::unique_ptr<grpc::ClientWriter<grpc::ByteBuffer>> stream(
        grpc::internal::ClientWriterFactory<grpc::ByteBuffer>::Create(channel.get(), method,
                                                                      &context, &response));
    uint64_t bytes = WriteFor(seconds, RawMessage(), *stream);
    DML_RETURN_IF_ERROR(Ended(stream->Finish()));
    return bytes;
  };
}

Transfer RawRead(const std::shared_ptr<grpc::Channel>& channel) {
  return [channel](double seconds) -> absl::StatusOr<uint64_t> {
    grpc::internal::RpcMethod method(kRawRead, grpc::internal::RpcMethod::SERVER_STREAMING,
                                     channel);
    grpc::ClientContext context;
    grpc::Slice nothing;
    std::unique_ptr<grpc::ClientReader<grpc::ByteBuffer>> stream(
        grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(
            channel.get(), method, &context, grpc::ByteBuffer(&nothing, 1)));
    uint64_t bytes = ReadFor(seconds, *stream, context);
    DML_RETURN_IF_ERROR(Ended(stream->Finish()));
    return bytes;
  };
}

struct Stream {
  std::string name;
  Transfer transfer;
  double speed = 0;  // MB/s, of the best round.
  double cpu = 0;    // The server's then, in ns a byte.
};

// In turns, so that what disturbs the machine disturbs both; the best of each counts, after a short
// round that connects and fills the windows.
absl::Status AddRawAndTyped(const Setup& setup, pid_t server, Stream raw, Stream typed,
                            Report& report) {
  constexpr int kRounds = 3;
  for (int round = 0; round <= kRounds; ++round) {
    for (Stream* stream : {&raw, &typed}) {
      const double begin = Now();
      const double cpu_begin = CpuSeconds(server);
      DML_ASSIGN_OR_RETURN(uint64_t bytes, stream->transfer(round == 0 ? 0.2 : setup.seconds));
      const double speed = static_cast<double>(bytes) / (Now() - begin) / 1e6;
      if (round == 0 || speed < stream->speed) continue;
      stream->speed = speed;
      stream->cpu = (CpuSeconds(server) - cpu_begin) / static_cast<double>(bytes) * 1e9;
    }
  }
  report.Add(raw.name, raw.speed, "MB/s", fmt::format("server CPU {:.2f} ns a byte", raw.cpu));
  report.Add(typed.name, typed.speed, "MB/s",
             fmt::format("server CPU {:.2f} ns a byte; {:.2f} of raw", typed.cpu,
                         typed.speed / raw.speed));
  return absl::OkStatus();
}

absl::Status AddCalls(const Setup& setup, const ClientOptions& options, pid_t server,
                      Report& report) {
  for (int clients : {1, 8, 64}) {
    std::vector<std::unique_ptr<v1::ContentService::Stub>> stubs;
    for (int i = 0; i < clients; ++i) {
      stubs.push_back(v1::ContentService::NewStub(OpenChannel(options)));
    }
    const double cpu = CpuSeconds(server);
    DML_ASSIGN_OR_RETURN(
        ClientRun run, RunClients(clients, setup.seconds, [&](int client, uint64_t) {
          grpc::ClientContext context;
          context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
          v1::GetCapabilitiesResponse response;
          return Ended(stubs[client]->GetCapabilities(&context, {}, &response));
        }));
    report.Add(
        fmt::format("empty call, TLS 1.3, {} client{}", clients, clients == 1 ? "" : "s"),
        run.rate(), "calls/s",
        fmt::format("p50 {:.2f} ms, p99 {:.2f} ms, server CPU {:.0f} us a call", run.p50_ms,
                    run.p99_ms, (CpuSeconds(server) - cpu) * 1e6 / static_cast<double>(run.calls)));
  }
  return absl::OkStatus();
}

absl::Status CalibrateOne(const Setup& setup, bool tls, Report& report) {
  std::filesystem::path folder = setup.work_dir / (tls ? "wire-tls" : "wire-plain");
  std::filesystem::create_directories(folder);
  DML_ASSIGN_OR_RETURN(auto server,
                       ChildProcess::Start({setup.program.string(), "serve-calibration",
                                            folder.string(), tls ? "tls" : "plain"},
                                           folder));
  DML_RETURN_IF_ERROR(server->AwaitLine("listening on ").status());
  DML_ASSIGN_OR_RETURN(ClientOptions options, LoadProfile(IdentityFiles(folder).profile));
  auto channel = OpenChannel(options);
  auto stub = v1::ContentService::NewStub(channel);
  const pid_t pid = server->pid();
  const std::string how = tls ? "TLS 1.3" : "plain";
  DML_RETURN_IF_ERROR(AddRawAndTyped(
      setup, pid, {tls ? kRawTlsUpload : "raw stream, plain, to the server (G)", RawWrite(channel)},
      {"typed stream, " + how + ", to the server", TypedWrite(*stub)}, report));
  DML_RETURN_IF_ERROR(AddRawAndTyped(
      setup, pid,
      {tls ? kRawTlsDownload : "raw stream, plain, from the server (G)", RawRead(channel)},
      {"typed stream, " + how + ", from the server", TypedRead(*stub)}, report));
  return tls ? AddCalls(setup, options, pid, report) : absl::OkStatus();
}

}  // namespace

absl::Status CalibrateWire(const Setup& setup, Report& report) {
  DML_RETURN_IF_ERROR(CalibrateOne(setup, /*tls=*/false, report));
  return CalibrateOne(setup, /*tls=*/true, report);
}

absl::Status ServeCalibration(const std::filesystem::path& folder, bool tls) {
  AllowOnlyTls13();
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const BootstrapOptions bootstrap{folder, {}, now};
  DML_ASSIGN_OR_RETURN(const ServerIdentity identity, Bootstrap(bootstrap));
  const IdentityFiles files(folder);
  // There is no library, which would keep its root there; profiles name one.
  DML_ASSIGN_OR_RETURN(
      const std::string root,
      EnsureFirstRoot(bootstrap, identity.origin, identity.log_keys.current->public_key(), {}));
  DML_RETURN_IF_ERROR(WriteFileAtomically(files.root, AsBytes(root), 0644));
  DML_ASSIGN_OR_RETURN(const auto store, TlsStore::Open({files.server_certificate, files.server_key,
                                                         files.ca_certificate}));
  auto credentials = tls ? MakeServerCredentials(*store) : grpc::InsecureServerCredentials();
  ServerHostOptions options;
  DML_ASSIGN_OR_RETURN(options.listen, ParseListenAddress("127.0.0.1:0"));
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(std::make_unique<TypedService>());
  services.push_back(std::make_unique<RawService>());
  DML_ASSIGN_OR_RETURN(auto host, ServerHost::Start(options, credentials, std::move(services)));
  DML_RETURN_IF_ERROR(WriteAdminProfile(folder, host->address().ToString(), !tls));
  fmt::print("listening on {}\n", host->address().ToString());
  std::fflush(stdout);
  while (std::cin.get() != EOF) continue;
  host->Shutdown(std::chrono::seconds(1));
  return absl::OkStatus();
}

}  // namespace dml::bench
