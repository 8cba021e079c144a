#include "tools/dml/log_source.h"

#include <algorithm>
#include <optional>

#include "client/log_pin.h"
#include "client/options.h"
#include "core/access/role.h"
#include "core/os/file.h"
#include "core/tlog/tile_reader.h"
#include "tools/tlog_http/http_log.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
constexpr int kEntriesPerPage = 1000;
constexpr uint64_t kMaxPemBytes = 1 << 20;
constexpr uint64_t kMaxTokenBytes = 64 << 10;

class LibrarySource final : public LogSource {
 public:
  LibrarySource(Client& client, std::string origin, PublicKey key)
      : client_(client), origin_(std::move(origin)), key_(std::move(key)) {}

  const std::string& origin() const override { return origin_; }
  const PublicKey& log_key() const override { return key_; }

  absl::StatusOr<Checkpoint> Newest(std::string& note) override {
    return client_.GetCheckpoint(&note);
  }

  absl::StatusOr<std::vector<Digest>> Consistency(uint64_t first, uint64_t second) override {
    return client_.GetConsistencyProof(first, second);
  }

  absl::StatusOr<std::vector<std::string>> Cosigned() override {
    return client_.ListCosignedCheckpoints();
  }

  absl::StatusOr<std::vector<std::string>> Entries(uint64_t begin, const Checkpoint& at) override {
    ListOptions options;
    options.page_size = static_cast<int>(std::min<uint64_t>(at.size - begin, kEntriesPerPage));
    DML_ASSIGN_OR_RETURN(ListPage<JournalLine> page,
                         client_.ListEntries(begin, "", false, options));
    std::vector<std::string> out;
    for (JournalLine& line : page.items) {
      if (line.index != begin + out.size() || line.index == at.size) break;
      out.push_back(std::move(line.leaf));
    }
    if (!out.empty()) return out;
    DML_RETURN_IF_ERROR(RequireSightOfAll());
    return DataLoss(ErrorReason("LOG_INCOMPLETE"),
                    "{} signs {} entries, and gives no entry {}; keep the checkpoint, and ask its "
                    "operator",
                    origin_, at.size, begin);
  }

 private:
  // Who is shown a part only cannot tell a gap from a lie.
  absl::Status RequireSightOfAll() {
    DML_ASSIGN_OR_RETURN(const CallerIdentity self, client_.WhoAmI());
    for (const AccessGrant& grant : self.grants) {
      if (grant.scope.empty() && grant.role != RoleName(Role::kNode)) return absl::OkStatus();
    }
    return PermissionDenied(ErrorReason("ROLE_REQUIRED"),
                            "{} is shown only a part of the log, which cannot be verified by "
                            "itself; ask for the role auditor in the whole library",
                            self.principal);
  }

  Client& client_;
  const std::string origin_;
  const PublicKey key_;
};

class TileSource final : public LogSource {
 public:
  TileSource(std::string origin, PublicKey key, std::unique_ptr<HttpLog> http,
             std::unique_ptr<LogVerifier> verifier)
      : origin_(std::move(origin)),
        key_(std::move(key)),
        http_(std::move(http)),
        verifier_(std::move(verifier)) {}

  const std::string& origin() const override { return origin_; }
  const PublicKey& log_key() const override { return key_; }

  absl::StatusOr<Checkpoint> Newest(std::string& note) override {
    DML_ASSIGN_OR_RETURN(note, http_->Get("checkpoint", kMaxNoteBytes));
    offered_ = note;
    return verifier_->Accept(
        note, [this](uint64_t first, uint64_t second) { return Consistency(first, second); });
  }

  // From tiles of the tree of `second` leaves. Where that is a tree remembered that is longer than
  // the one offered, the log is asked whether it has grown meanwhile.
  absl::StatusOr<std::vector<Digest>> Consistency(uint64_t first, uint64_t second) override {
    DML_ASSIGN_OR_RETURN(Checkpoint tree, OpenCheckpoint(offered_, origin_, key_));
    if (tree.size < second) {
      DML_ASSIGN_OR_RETURN(const std::string again, http_->Get("checkpoint", kMaxNoteBytes));
      DML_ASSIGN_OR_RETURN(tree, OpenCheckpoint(again, origin_, key_));
    }
    if (tree.size < second) {
      return InvalidArgument(ErrorReason("PROOF_RANGE_INVALID"), "{} has {} entries, not {}",
                             origin_, tree.size, second);
    }
    TileReader reader = ReaderOf(tree);
    return ConsistencyProof(first, second, reader.Nodes());
  }

  // What one address serves has all lines of one checkpoint: there is no list to choose from.
  absl::StatusOr<std::vector<std::string>> Cosigned() override {
    absl::StatusOr<std::string> note = http_->Get("checkpoint/cosigned", kMaxNoteBytes);
    if (note.status().code() == absl::StatusCode::kNotFound) return std::vector<std::string>();
    DML_RETURN_IF_ERROR(note.status());
    return std::vector<std::string>{*std::move(note)};
  }

  absl::StatusOr<std::vector<std::string>> Entries(uint64_t begin, const Checkpoint& at) override {
    if (!reader_.has_value() || reader_->size() != at.size) reader_.emplace(ReaderOf(at));
    DML_ASSIGN_OR_RETURN(std::vector<std::string> entries, reader_->Entries(begin / kTileWidth));
    entries.erase(entries.begin(), entries.begin() + static_cast<long>(begin % kTileWidth));
    return entries;
  }

 private:
  TileReader ReaderOf(const Checkpoint& at) {
    return TileReader(at.size, at.root, [this](const TileName& name) {
      return http_->Get(FormatTileName(name), MaxTileBytes(name));
    });
  }

  const std::string origin_;
  const PublicKey key_;
  const std::unique_ptr<HttpLog> http_;
  const std::unique_ptr<LogVerifier> verifier_;
  std::string offered_;  // The note that Newest fetched last.
  std::optional<TileReader> reader_;
};

fs::path Beside(const fs::path& state_file, std::string_view purpose) {
  if (state_file.empty()) return {};
  return fs::path(fmt::format("{}.{}", state_file.string(), purpose));
}

absl::StatusOr<ClientOptions> OptionsOf(const Context& context, const LogSourceArgs& args) {
  ClientOptions options;
  if (args.log_key.empty()) {
    DML_ASSIGN_OR_RETURN(const fs::path file, FindProfile(context.options().profile));
    DML_ASSIGN_OR_RETURN(options, LoadProfile(file));
  } else {
    DML_ASSIGN_OR_RETURN(options.log_key_pem, ReadFile(args.log_key, kMaxPemBytes));
    options.log_origin = args.origin;
    if (!args.state.empty()) options.state_file = args.state + ".seen";
  }
  if (!args.ca.empty()) {
    DML_ASSIGN_OR_RETURN(options.ca_pem, ReadFile(args.ca, kMaxPemBytes));
  }
  if (!args.certificate.empty()) {
    DML_ASSIGN_OR_RETURN(options.certificate_pem, ReadFile(args.certificate, kMaxPemBytes));
    DML_ASSIGN_OR_RETURN(options.private_key_pem, ReadPrivateFile(args.private_key, kMaxPemBytes));
  }
  return options;
}

// The profile's token is for the library; an address of tiles is perhaps somebody else's.
absl::StatusOr<std::unique_ptr<LogSource>> OpenTiles(const ClientOptions& options,
                                                     const LogPin& pin, const LogSourceArgs& args) {
  HttpLogOptions http;
  http.url = args.url;
  http.ca_pem = options.ca_pem;
  http.certificate_pem = options.certificate_pem;
  http.private_key_pem = options.private_key_pem;
  if (!args.token_file.empty()) {
    DML_ASSIGN_OR_RETURN(http.token, ReadPrivateFile(args.token_file, kMaxTokenBytes));
    while (http.token.ends_with('\n')) http.token.pop_back();
  }
  DML_ASSIGN_OR_RETURN(std::unique_ptr<HttpLog> log, HttpLog::Create(std::move(http)));
  DML_ASSIGN_OR_RETURN(std::unique_ptr<LogVerifier> verifier,
                       LogVerifier::Create(pin, options.state_file));
  return std::make_unique<TileSource>(pin.origin, pin.key, std::move(log), std::move(verifier));
}

}  // namespace

void DeclareLogSource(CLI::App& app, LogSourceArgs& args) {
  auto* url = app.add_option("--url", args.url,
                             "Read tiles from here (the library's http.listen, or a copy), instead "
                             "of asking the library")
                  ->type_name("URL");
  auto* key = app.add_option("--log-key", args.log_key,
                             "The log's public key, where there is no profile for it")
                  ->type_name("FILE")
                  ->needs(url);
  app.add_option("--origin", args.origin, "The log's name, with --log-key")
      ->type_name("ORIGIN")
      ->needs(key);
  app.add_option("--ca", args.ca,
                 "Who signs the certificate of the URL's server, if not the "
                 "profile's authority")
      ->type_name("FILE")
      ->needs(url);
  auto* certificate = app.add_option("--certificate", args.certificate,
                                     "Who you are to the URL's server, if not whom the profile "
                                     "says")
                          ->type_name("FILE")
                          ->needs(url);
  auto* private_key =
      app.add_option("--private-key", args.private_key, "The certificate's key, its owner's alone")
          ->type_name("FILE")
          ->needs(certificate);
  certificate->needs(private_key);
  app.add_option("--token-file", args.token_file,
                 "Who you are to the URL's server, by an API token or a JWT; the file is its "
                 "owner's alone")
      ->type_name("FILE")
      ->needs(url);
}

absl::StatusOr<OpenedLog> OpenLog(Context& context, const LogSourceArgs& args,
                                  std::string_view purpose) {
  if (args.log_key.empty() != args.origin.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "--log-key and --origin belong together; give both");
  }
  DML_ASSIGN_OR_RETURN(const ClientOptions options, OptionsOf(context, args));
  // The library is asked first: the root that it has may name another key for the log by now.
  Client* client = nullptr;
  if (args.url.empty()) {
    DML_ASSIGN_OR_RETURN(client, context.client());
    client->GetCheckpoint().status().IgnoreError();  // What is amiss, the source will say.
  }
  DML_ASSIGN_OR_RETURN(LogPin pin, PinOf(options));
  OpenedLog out{nullptr,
                args.state.empty() ? Beside(options.state_file, purpose) : fs::path(args.state),
                std::move(pin)};
  if (!args.url.empty()) {
    DML_ASSIGN_OR_RETURN(out.source, OpenTiles(options, out.pin, args));
    context.MarkAsked();
    return out;
  }
  out.source = std::make_unique<LibrarySource>(*client, out.pin.origin, out.pin.key);
  return out;
}

}  // namespace dml
