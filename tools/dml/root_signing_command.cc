// dml root sign|show|verify|set|fetch: signatures of a trust root, and the library's own.
#include <algorithm>

#include <fmt/ranges.h>

#include "core/crypto/ecdsa_signature.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/root_document.h"
#include "tools/dml/root_report.h"

namespace dml {
namespace {

struct SignArgs {
  std::string file;
  std::string key;
  std::string passphrase_file;
  std::string previous;
};

void DeclareShow(CLI::App& app, SignArgs& args) {
  app.add_option("file", args.file, "A trust root, signed or a draft")
      ->required()
      ->type_name("FILE");
  app.add_option("--previous", args.previous,
                 "The root before it, whose holders must have signed it too")
      ->type_name("FILE");
}

void DeclareSign(CLI::App& app, SignArgs& args) {
  DeclareShow(app, args);
  app.add_option("--key", args.key, "The private key of a holder of the root role")
      ->required()
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of an encrypted key")
      ->type_name("FILE");
}

absl::StatusOr<std::optional<TrustRoot>> ReadPrevious(const std::string& path) {
  if (path.empty()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(TrustedRoot previous, ReadPinnedRoot(path));
  return std::optional<TrustRoot>(std::move(previous.root));
}

// The key as one of these roots knows it in its root role.
absl::StatusOr<TrustKey> FindRootKey(const PublicKey& key, const TrustRoot& root,
                                     const std::optional<TrustRoot>& previous) {
  for (const TrustRoot* by : {&root, previous.has_value() ? &*previous : nullptr}) {
    if (by == nullptr) continue;
    const TrustKey* found = FindTrustKey(by->keys, key.id());
    const std::vector<Digest>& holders = by->roles.at(SigningRole::kRoot).key_ids;
    if (found != nullptr && std::ranges::binary_search(holders, key.id())) return *found;
  }
  return PermissionDenied(ErrorReason("ROLE_NOT_HELD"),
                          "key {} has no part in the root role of root {}: its signature would "
                          "count for nothing{}",
                          key.id().ToString(), root.version,
                          previous.has_value() || root.version == 1
                              ? ""
                              : "; a holder of the root before signs with --previous FILE");
}

absl::StatusOr<Reply> Sign(Context&, const SignArgs& args) {
  DML_ASSIGN_OR_RETURN(auto key, ReadSigner(args.key, args.passphrase_file));
  DML_ASSIGN_OR_RETURN(RootFile file, ReadRootFile(args.file));
  DML_ASSIGN_OR_RETURN(std::optional<TrustRoot> previous, ReadPrevious(args.previous));
  DML_ASSIGN_OR_RETURN(TrustKey known, FindRootKey(key->public_key(), file.root, previous));
  const Signer* signer = key.get();
  std::string payload;
  if (file.envelope.has_value()) {
    payload = file.envelope->payload;
  } else {
    DML_ASSIGN_OR_RETURN(payload, FormatTrustRoot(file.root));
  }
  DML_ASSIGN_OR_RETURN(DsseEnvelope own,
                       SignEnvelope(kTrustRootPayloadType, payload, std::span(&signer, 1)));
  if (known.scheme == SignatureScheme::kEcdsaP256P1363) {
    DML_ASSIGN_OR_RETURN(own.signatures[0].signature,
                         EcdsaP1363OfDer(AsBytes(own.signatures[0].signature)));
  }
  if (file.envelope.has_value()) {
    std::erase_if(file.envelope->signatures, [&](const DsseSignature& signature) {
      return signature.key_id == own.signatures[0].key_id;
    });
    file.envelope->signatures.push_back(own.signatures[0]);
  } else {
    file.envelope = std::move(own);
  }
  DML_RETURN_IF_ERROR(WriteEnvelope(args.file, *file.envelope));
  DML_ASSIGN_OR_RETURN(Reply reply, DescribeRoot(file, previous));
  reply.notes.push_back(fmt::format("{}: signed as {}", args.file, known.holder));
  return reply;
}

absl::StatusOr<Reply> Show(Context&, const SignArgs& args) {
  DML_ASSIGN_OR_RETURN(RootFile file, ReadRootFile(args.file));
  DML_ASSIGN_OR_RETURN(std::optional<TrustRoot> previous, ReadPrevious(args.previous));
  return DescribeRoot(file, previous);
}

struct VerifyArgs {
  std::string pinned;
  std::vector<std::string> next;
};

void DeclareVerify(CLI::App& app, VerifyArgs& args) {
  app.add_option("pinned", args.pinned, "The root that you trust")->required()->type_name("FILE");
  app.add_option("next", args.next, "The roots after it, in the order of versions")
      ->type_name("FILE");
}

absl::StatusOr<Reply> Verify(Context&, const VerifyArgs& args) {
  DML_ASSIGN_OR_RETURN(TrustedRoot pinned, ReadPinnedRoot(args.pinned));
  std::vector<std::string> envelopes;
  for (const std::string& path : args.next) {
    DML_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxEnvelopeBytes));
    envelopes.push_back(std::move(text));
  }
  absl::StatusOr<TrustedRoot> last = WalkRoots(pinned, envelopes, WallClockNow());
  Reply reply;
  const TrustedRoot& at = last.ok() ? *last : pinned;
  reply.document = {{"trusted", last.ok()},
                    {"version", at.root.version},
                    {"digest", at.digest.ToString()},
                    {"reason", last.ok() ? "" : Reason(last.status())},
                    {"message", last.ok() ? "" : std::string(Message(last.status()))}};
  if (last.ok()) {
    reply.text.Line({fmt::format("TRUSTED root {} of {}, {}, until {}", at.root.version,
                                 at.root.origin, at.digest.ToString(), FormatTime(at.root.expires)),
                     Style::kGood});
  } else {
    reply.code = ExitCode::kNegative;
    reply.text.Line({fmt::format("NOT TRUSTED: {}", Message(last.status())), Style::kBad});
  }
  return reply;
}

struct SetArgs {
  std::vector<std::string> files;
};

void DeclareSet(CLI::App& app, SetArgs& args) {
  app.add_option("file", args.files, "Signed roots in the order of versions, or delegations")
      ->required()
      ->type_name("FILE");
}

// A document that nobody has signed yet is no damaged envelope.
absl::Status RequireSigned(const std::string& path, const std::string& text) {
  const bool root = ParseTrustRoot(text).ok();
  if (!root && !ParseDelegationDocument(text).ok()) return absl::OkStatus();
  return InvalidArgument(ErrorReason("SIGNATURE_MISSING"),
                         "{} is a draft that nobody has signed: each holder signs it first, with "
                         "dml {} sign {} --key FILE",
                         path, root ? "root" : "delegation", path);
}

absl::StatusOr<Reply> Set(Context& context, const SetArgs& args) {
  for (const std::string& path : args.files) {
    DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxEnvelopeBytes));
    DML_RETURN_IF_ERROR(RequireSigned(path, text));
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  Reply reply;
  reply.document["set"] = Json::array();
  for (const std::string& path : args.files) {
    DML_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxEnvelopeBytes));
    absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(text);
    if (!envelope.ok()) return Annotate(envelope.status(), path);
    const bool is_root = envelope->payload_type == kTrustRootPayloadType;
    absl::StatusOr<Committed<uint64_t>> done =
        is_root ? client->SetRoot(text) : client->SetDelegation(text);
    if (!done.ok()) return Annotate(done.status(), path);
    reply.document["set"].push_back({{"file", path},
                                     {"kind", is_root ? "root" : "delegation"},
                                     {"version", done->value},
                                     {"index", done->commit.index}});
    reply.text.Line(
        {fmt::format("{}: {} {} is in force, entry {}", path,
                     is_root ? "root" : "delegation, version", done->value, done->commit.index),
         Style::kGood});
  }
  return reply;
}

struct FetchArgs {
  std::string out;
};

void DeclareFetch(CLI::App& app, FetchArgs& args) {
  app.add_option("--out", args.out, "Where its envelope goes")->type_name("FILE");
}

// The newest root, walked to from the one that the profile pins.
absl::StatusOr<Reply> Fetch(Context& context, const FetchArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(Trust trust, client->GetTrust(/*expired_too=*/true));
  DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ParseEnvelope(trust.envelope));
  DML_ASSIGN_OR_RETURN(Reply reply,
                       DescribeRoot({trust.root.root, std::move(envelope)}, std::nullopt));
  for (const DelegationDocument& document : trust.domain->expired()) {
    reply.notes.push_back(fmt::format("delegation {} expired on {}",
                                      fmt::join(document.chain, " > "),
                                      FormatTime(document.expires)));
  }
  for (const absl::Status& lapsed : trust.domain->lapsed()) {
    reply.notes.push_back(fmt::format("a delegation counts as absent: {}", Message(lapsed)));
  }
  if (const absl::Status status = CheckRootExpiry(trust.root.root, WallClockNow()); !status.ok()) {
    reply.notes.push_back(fmt::format("{}; renew it: dml root renew", Message(status)));
  }
  if (args.out.empty()) return reply;
  DML_RETURN_IF_ERROR(WriteFileAtomically(args.out, AsBytes(trust.envelope), 0644));
  reply.document["file"] = args.out;
  return reply;
}

}  // namespace

void AddRootSigningCommands(CommandTree& tree, CLI::App& root) {
  tree.Add<SignArgs>(root,
                     {"sign", "Sign a root, as one of its holders or of the one before",
                      "dml root sign root-2.json --key ann.key --previous root-1.json"},
                     DeclareSign, Sign);
  tree.Add<SignArgs>(root,
                     {"show", "What a root says, and who must still sign it",
                      "dml root show root-2.json --previous root-1.json"},
                     DeclareShow, Show);
  tree.Add<VerifyArgs>(root,
                       {"verify", "Walk from a root that you trust to the newest",
                        "dml root verify root-1.json root-2.json root-3.json"},
                       DeclareVerify, Verify);
  tree.Add<SetArgs>(root,
                    {"set", "Put signed roots or delegations into the library",
                     "dml root set root-2.json root-3.json"},
                    DeclareSet, Set);
  tree.Add<FetchArgs>(root,
                      {"fetch", "The newest root, walked to from the one you pinned",
                       "dml root fetch --out root-3.json"},
                      DeclareFetch, Fetch);
}

}  // namespace dml
