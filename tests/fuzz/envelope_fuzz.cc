// DSSE envelopes and the statements in them: limits hold, what was read is written so that it reads
// the same, and no bytes but those that a key signed verify with it.
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/targets.h"

namespace dml::fuzz {
namespace {

constexpr std::string_view kOtherType = "application/vnd.dml.root.v1+json";

// Everything that SigningKey() has signed, as type and payload.
const std::vector<DsseEnvelope>& Signed() {
  static const auto* const signed_by_key = new std::vector<DsseEnvelope>([] {
    const Signer* keys[] = {&SigningKey()};
    return std::vector<DsseEnvelope>{
        *ParseEnvelope(GoldenSeed("trust/publication-envelope.json")),
        *SignEnvelope(kOtherType, "{}", keys),
        *SignEnvelope(kInTotoPayloadType, std::string_view("\0\xff", 2), keys)};
  }());
  return *signed_by_key;
}

bool IsSigned(const DsseEnvelope& envelope) {
  for (const DsseEnvelope& known : Signed()) {
    if (known.payload_type == envelope.payload_type && known.payload == envelope.payload) {
      return true;
    }
  }
  return false;
}

bool CheckStatement(std::string_view payload) {
  const absl::StatusOr<Statement> statement = ParseStatement(payload);
  if (!statement.ok()) return false;
  DML_HOLDS(payload.size() <= kMaxStatementBytes);
  DML_HOLDS(!statement->subjects.empty() && statement->subjects.size() <= kMaxSubjects);
  const absl::StatusOr<std::string> text = FormatStatement(*statement);
  // Escapes can make it longer than it was.
  if (!text.ok()) {
    DML_HOLDS(payload.size() > kMaxStatementBytes / 8);
    return true;
  }
  const absl::StatusOr<Statement> again = ParseStatement(*text);
  DML_HOLDS(again.ok());
  DML_HOLDS(*again == *statement);
  if (statement->predicate_type != kPublicationPredicate) return false;
  const auto publication = ParsePublicationPredicate(statement->predicate_json);
  if (!publication.ok()) return false;
  DML_HOLDS(*ParsePublicationPredicate(FormatPublicationPredicate(*publication)) == *publication);
  return true;
}

}  // namespace

bool FuzzEnvelope(std::string_view input) {
  const bool statement = CheckStatement(input);
  const absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(input);
  if (!envelope.ok()) {
    DML_HOLDS(!Reason(envelope.status()).empty());
    return statement;
  }
  DML_HOLDS(input.size() <= kMaxEnvelopeBytes);
  DML_HOLDS(!envelope->signatures.empty());
  DML_HOLDS(envelope->signatures.size() <= kMaxEnvelopeSignatures);
  DML_HOLDS(!envelope->payload_type.empty() && envelope->payload_type.size() <= 255);
  for (const DsseSignature& signature : envelope->signatures) {
    DML_HOLDS(!signature.signature.empty());
  }
  const std::string text = FormatEnvelope(*envelope);
  if (text.size() <= kMaxEnvelopeBytes) {  // Members that were left out are written.
    const absl::StatusOr<DsseEnvelope> again = ParseEnvelope(text);
    DML_HOLDS(again.ok());
    DML_HOLDS(*again == *envelope);
  }
  const PublicKey trusted[] = {SigningKey().public_key()};
  for (const std::string_view type : {kInTotoPayloadType, kOtherType}) {
    const auto signers = VerifyEnvelope(*envelope, type, trusted);
    if (!signers.ok()) continue;
    DML_HOLDS(envelope->payload_type == type);
    DML_HOLDS(*signers == std::vector<Digest>{trusted[0].id()});
    DML_HOLDS(IsSigned(*envelope));
  }
  CheckStatement(envelope->payload);
  return true;
}

std::vector<std::string> EnvelopeSeeds() {
  std::vector<std::string> out = {
      GoldenSeed("trust/publication-envelope.json"), GoldenSeed("trust/publication-statement.json"),
      GoldenSeed("trust/permit-root.json"),
      // The example of the DSSE specification, and what it lets be written otherwise.
      R"({"payload": "aGVsbG8gd29ybGQ=", "payloadType": "http://example.com/HelloWorld",
          "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88"}]})",
      R"({"payload":"-_8","payloadType":"a","signatures":[{"keyid":"","sig":"AA"}],"more":[1e9]})",
      R"({"payload":"","payloadType":"a","signatures":[]})"};
  for (const DsseEnvelope& envelope : Signed()) out.push_back(FormatEnvelope(envelope));
  return out;
}

}  // namespace dml::fuzz
