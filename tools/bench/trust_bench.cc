// Signatures: what one costs, and what envelopes and thresholds cost beside their signatures.
//
// `openssl speed` is run before: the same library, with nothing around it. Its ECDSA figures are of
// a digest, ours of a message that is hashed first.
#include "tools/bench/trust_bench.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include "core/crypto/sha256.h"
#include "core/trust/authority.h"
#include "core/trust/checkpoint.h"
#include "core/trust/statement.h"
#include "tools/bench/measure.h"

namespace dml::bench {
namespace {

constexpr KeyAlgorithm kAlgorithms[] = {KeyAlgorithm::kEd25519, KeyAlgorithm::kEcdsaP256};

struct Speed {
  double sign = 0;  // A second, one core.
  double verify = 0;
};

// The last two columns of the line of `openssl speed` that names the curve.
absl::StatusOr<Speed> OpenSslSpeed(KeyAlgorithm algorithm, double seconds) {
  const bool ed25519 = algorithm == KeyAlgorithm::kEd25519;
  const std::string command =
      fmt::format("openssl speed -seconds {} {} 2>/dev/null",
                  std::max(1, static_cast<int>(seconds)), ed25519 ? "ed25519" : "ecdsap256");
  const std::string_view curve = ed25519 ? "(Ed25519)" : "(nistp256)";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(::popen(command.c_str(), "r"),
                                                            ::pclose);
  Speed speed;
  for (std::array<char, 512> line;
       out != nullptr && std::fgets(line.data(), line.size(), out.get());) {
    const std::string_view text = line.data();
    const size_t at = text.find(curve);
    if (at == std::string_view::npos) continue;
    std::sscanf(line.data() + at + curve.size(), "%*s %*s %lf %lf", &speed.sign, &speed.verify);
  }
  if (speed.sign > 0 && speed.verify > 0) return speed;
  return Unavailable(ErrorReason("OPENSSL_SPEED_FAILED"), "no figures from: {}", command);
}

// How often a second `once` succeeds; its first error ends it.
absl::StatusOr<double> Rate(double seconds, absl::FunctionRef<absl::Status()> once) {
  const double begin = Now();
  double count = 0;
  double now = begin;
  for (; now < begin + seconds; now = Now()) {
    for (int i = 0; i < 10; ++i) DML_RETURN_IF_ERROR(once());
    count += 10;
  }
  return count / (now - begin);
}

std::string Publication() {
  const PublicationPredicate predicate{{{"acme", "package"}, "1.0.0", {}},
                                       "application/vnd.oci.image.manifest.v1+json"};
  return FormatStatement({{{"", Sha256("a manifest")}},
                          std::string(kPublicationPredicate),
                          FormatPublicationPredicate(predicate)})
      .value();
}

absl::Status MeasureKey(const Setup& setup, KeyAlgorithm algorithm, Report& report,
                        Speed& openssl) {
  const std::string name(KeyAlgorithmName(algorithm));
  DML_ASSIGN_OR_RETURN(openssl, OpenSslSpeed(algorithm, setup.seconds));
  report.Add(fmt::format("openssl speed, {}, sign", name), openssl.sign, "/s");
  report.Add(fmt::format("openssl speed, {}, verify", name), openssl.verify, "/s");
  const PrivateKey key = PrivateKey::Generate(algorithm);
  const std::string message = PreAuthEncoding(kInTotoPayloadType, Publication());
  DML_ASSIGN_OR_RETURN(const std::string signature, key.Sign(AsBytes(message)));
  DML_ASSIGN_OR_RETURN(double sign,
                       Rate(setup.seconds, [&] { return key.Sign(AsBytes(message)).status(); }));
  report.Add(fmt::format("sign {} bytes, {}", message.size(), name), sign, "/s",
             fmt::format("{:.2f} of openssl speed", sign / openssl.sign));
  DML_ASSIGN_OR_RETURN(double verify, Rate(setup.seconds, [&] {
                         return key.public_key().Verify(AsBytes(message), AsBytes(signature));
                       }));
  report.Add(fmt::format("verify {} bytes, {}", message.size(), name), verify, "/s",
             fmt::format("{:.2f} of openssl speed", verify / openssl.verify));
  return absl::OkStatus();
}

// So many holders, with a key each.
struct Circle {
  Circle(KeyAlgorithm algorithm, uint32_t threshold, int holders) {
    authority.threshold = threshold;
    authority.role = SigningRole::kPublisher;
    for (int i = 0; i < holders; ++i) {
      keys.push_back(PrivateKey::Generate(algorithm));
      authority.keys.push_back({keys.back().public_key(),
                                algorithm == KeyAlgorithm::kEd25519
                                    ? SignatureScheme::kEd25519
                                    : SignatureScheme::kEcdsaP256Der,
                                fmt::format("holder-{}", i), true});
    }
    std::sort(authority.keys.begin(), authority.keys.end(),
              [](const TrustKey& a, const TrustKey& b) { return a.key.id() < b.key.id(); });
  }
  std::vector<PrivateKey> keys;
  Authority authority;
};

absl::Status MeasureThreshold(const Setup& setup, KeyAlgorithm algorithm, int threshold,
                              int holders, const Speed& openssl, Report& report) {
  const Circle circle(algorithm, static_cast<uint32_t>(threshold), holders);
  std::vector<const Signer*> signers;
  for (int i = 0; i < threshold; ++i) signers.push_back(&circle.keys[i]);
  const std::string payload = Publication();
  DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope,
                       SignEnvelope(kInTotoPayloadType, payload, signers));
  const std::string text = FormatEnvelope(envelope);
  const std::string what =
      fmt::format("{} of {} {} keys", threshold, holders, KeyAlgorithmName(algorithm));
  DML_ASSIGN_OR_RETURN(
      double sign, Rate(setup.seconds, [&]() -> absl::Status {
        DML_ASSIGN_OR_RETURN(DsseEnvelope made, SignEnvelope(kInTotoPayloadType, payload, signers));
        return FormatEnvelope(made).empty() ? Internal(ErrorReason("EMPTY"), "") : absl::OkStatus();
      }));
  report.Add("sign an envelope, " + what, sign, "/s",
             fmt::format("{:.2f} of openssl speed", sign * threshold / openssl.sign));
  DML_ASSIGN_OR_RETURN(
      double verify, Rate(setup.seconds, [&]() -> absl::Status {
        DML_ASSIGN_OR_RETURN(DsseEnvelope read, ParseEnvelope(text));
        return VerifyThreshold(read, kInTotoPayloadType, circle.authority).status();
      }));
  report.Add("read and verify an envelope, " + what, verify, "/s",
             fmt::format("{:.2f} of openssl speed", verify * threshold / openssl.verify));
  return absl::OkStatus();
}

absl::Status MeasureCheckpoint(const Setup& setup, const Speed& openssl, Report& report) {
  const PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const Checkpoint checkpoint{"bench.dml/trust", 1'000'000, Sha256("a root")};
  DML_ASSIGN_OR_RETURN(const std::string note, SignCheckpoint(checkpoint, key));
  DML_ASSIGN_OR_RETURN(
      double sign, Rate(setup.seconds, [&] { return SignCheckpoint(checkpoint, key).status(); }));
  report.Add("sign a checkpoint", sign, "/s",
             fmt::format("{:.2f} of openssl speed", sign / openssl.sign));
  DML_ASSIGN_OR_RETURN(double open, Rate(setup.seconds, [&] {
                         return OpenCheckpoint(note, checkpoint.origin, key.public_key()).status();
                       }));
  report.Add("open a checkpoint", open, "/s",
             fmt::format("{:.2f} of openssl speed", open / openssl.verify));
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureSignatures(const Setup& setup, Report& report) {
  for (const KeyAlgorithm algorithm : kAlgorithms) {
    Speed openssl;
    DML_RETURN_IF_ERROR(MeasureKey(setup, algorithm, report, openssl));
    for (const auto& [threshold, holders] : {std::pair(1, 1), std::pair(2, 3), std::pair(8, 16)}) {
      DML_RETURN_IF_ERROR(MeasureThreshold(setup, algorithm, threshold, holders, openssl, report));
    }
    if (algorithm == KeyAlgorithm::kEd25519) {
      DML_RETURN_IF_ERROR(MeasureCheckpoint(setup, openssl, report));
    }
  }
  return absl::OkStatus();
}

absl::Status MeasureTrust(const Setup& setup, Report& report) {
  DML_RETURN_IF_ERROR(MeasureSignatures(setup, report));
  DML_RETURN_IF_ERROR(MeasureProofs(setup, report));
  return MeasureSignedPublish(setup, report);
}

}  // namespace dml::bench
