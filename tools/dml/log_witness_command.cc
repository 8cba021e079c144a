// dml log witness: cosigns checkpoints that continue what was seen before.
#include <algorithm>

#include "client/log_verifier.h"
#include "core/trust/cosignature.h"
#include "core/trust/log_policy.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/log_source.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct WitnessArgs {
  std::string key;
  std::string passphrase_file;
  std::string name;
  std::string state;
};

void DeclareWitness(CLI::App& app, WitnessArgs& args) {
  app.add_option("--key", args.key, "The witness' private key, Ed25519")
      ->required()
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of an encrypted key")
      ->type_name("FILE");
  app.add_option("--name", args.name, "The witness' name in its signatures, such as example.org/w1")
      ->required()
      ->type_name("NAME");
  app.add_option(
         "--state", args.state,
         "Where the last checkpoint cosigned is kept (default: the key's file with .witness)")
      ->type_name("FILE");
}

bool HasLineOf(const Note& note, const std::string& name, uint32_t key_id) {
  return std::ranges::any_of(note.signatures, [&](const NoteSignature& line) {
    return line.name == name && line.key_id == key_id;
  });
}

// What may be cosigned, oldest first: checkpoints at which other witnesses have met, then the
// newest.
absl::StatusOr<std::vector<std::string>> Offered(Client& client) {
  std::string newest;
  DML_RETURN_IF_ERROR(client.GetCheckpoint(&newest).status());
  DML_ASSIGN_OR_RETURN(std::vector<std::string> out, client.ListCosignedCheckpoints());
  std::ranges::reverse(out);
  if (!out.empty()) {
    DML_ASSIGN_OR_RETURN(const Note last, ParseNote(out.back()));
    DML_ASSIGN_OR_RETURN(const Note now, ParseNote(newest));
    if (last.text == now.text) return out;
  }
  out.push_back(std::move(newest));
  return out;
}

class WitnessRun {
 public:
  WitnessRun(Client& client, const Signer& key, const WitnessArgs& args, LogVerifier& memory)
      : client_(client),
        key_(key),
        args_(args),
        memory_(memory),
        key_id_(NoteKeyId(args.name, key.public_key(), NoteKeyType::kCosignature)) {}

  // A checkpoint that is older than what was cosigned is left alone; so is one that has our line.
  absl::Status Consider(const std::string& text) {
    DML_ASSIGN_OR_RETURN(const Note note, ParseNote(text));
    DML_ASSIGN_OR_RETURN(const Checkpoint offered, ParseCheckpointBody(note.text));
    DML_ASSIGN_OR_RETURN(const std::optional<Checkpoint> seen, memory_.Remembered());
    if (seen.has_value() && offered.size < seen->size) return absl::OkStatus();
    // Remembered before it is signed: never the other way round.
    DML_ASSIGN_OR_RETURN(const Checkpoint checkpoint,
                         memory_.Accept(text, [this](uint64_t first, uint64_t second) {
                           return client_.GetConsistencyProof(first, second);
                         }));
    last_ = checkpoint;
    if (HasLineOf(note, args_.name, key_id_)) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(NoteSignature line,
                         CosignNote(note.text, args_.name, key_, WallClockNow()));
    Note cosigned{note.text, {}};
    for (const NoteSignature& other : note.signatures) {
      if (other.name == checkpoint.origin) cosigned.signatures.push_back(other);
    }
    cosigned.signatures.push_back(std::move(line));
    const VerifierKey own{args_.name, key_.public_key(), NoteKeyType::kCosignature};
    DML_ASSIGN_OR_RETURN(note_,
                         client_.AddCosignatures(FormatNote(cosigned), {FormatVerifierKey(own)}));
    cosigned_.push_back(checkpoint.size);
    return absl::OkStatus();
  }

  Reply Told() const {
    Reply reply;
    reply.document = {{"checkpoint", ToJson(last_)}, {"cosignedSizes", cosigned_}, {"note", note_}};
    if (cosigned_.empty()) {
      reply.text.Line(fmt::format("nothing new: {} has our cosignature at {} entries", last_.origin,
                                  last_.size));
      return reply;
    }
    for (const uint64_t size : cosigned_) {
      reply.text.Line({fmt::format("cosigned {} at {} entries", last_.origin, size), Style::kGood});
    }
    reply.text.Line("");
    reply.text.Block(note_);
    return reply;
  }

 private:
  Client& client_;
  const Signer& key_;
  const WitnessArgs& args_;
  LogVerifier& memory_;
  const uint32_t key_id_;
  Checkpoint last_;
  std::vector<uint64_t> cosigned_;
  std::string note_;
};

absl::StatusOr<Reply> WitnessLog(Context& context, const WitnessArgs& args) {
  DML_RETURN_IF_ERROR(ValidateNoteKeyName(args.name));
  DML_ASSIGN_OR_RETURN(const std::unique_ptr<const Signer> key,
                       ReadSigner(args.key, args.passphrase_file));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const OpenedLog log, OpenLog(context, {}, "witness"));
  DML_ASSIGN_OR_RETURN(const std::vector<std::string> offered, Offered(*client));
  if (args.state.empty() && args.key.starts_with("pkcs11:")) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "a witness must remember what it has cosigned: give --state FILE");
  }
  const std::string state = args.state.empty() ? args.key + ".witness" : args.state;
  DML_ASSIGN_OR_RETURN(std::unique_ptr<LogVerifier> memory, LogVerifier::Create(log.pin, state));
  WitnessRun run(*client, *key, args, *memory);
  for (const std::string& note : offered) {
    DML_RETURN_IF_ERROR(run.Consider(note));
  }
  return run.Told();
}

}  // namespace

void AddLogWitnessCommand(CommandTree& tree, CLI::App& log) {
  tree.Add<WitnessArgs>(log,
                        {"witness", "Cosign the log's checkpoints as a witness of its history",
                         "dml log witness --key witness.key --name example.org/witness"},
                        DeclareWitness, WitnessLog);
}

}  // namespace dml
