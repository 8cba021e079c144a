#include "core/trust/log_policy.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include <fmt/ranges.h>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("LOG_POLICY_INVALID");
constexpr ErrorReason kKeyInvalid("VERIFIER_KEY_INVALID");
constexpr std::string_view kNone = "none";

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return out;
    const size_t end = std::min(line.find_first_of(" \t", begin), line.size());
    out.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

// One policy, a line at a time. Errors say what is wrong with the line.
class Reader {
 public:
  absl::Status Line(std::string_view line) {
    const bool plain = std::ranges::all_of(line, [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
    });
    if (!plain) return InvalidArgument(kInvalid, "it has a control character");
    const std::vector<std::string_view> words = Words(line);
    if (words.empty() || words[0].starts_with('#')) return absl::OkStatus();
    if (words[0] == "log") return Log(words);
    if (words[0] == "witness") return Witness(words);
    if (words[0] == "group") return Group(words);
    if (words[0] == "quorum") return Quorum(words);
    return InvalidArgument(kInvalid, "it begins with '{}', and not log, witness, group or quorum",
                           Excerpt(words[0]));
  }

  absl::StatusOr<LogPolicy> Take() {
    if (!has_quorum_) {
      return InvalidArgument(kInvalid,
                             "the policy has no quorum line; write 'quorum NAME', or 'quorum none' "
                             "where no cosignature is demanded");
    }
    return std::move(out_);
  }

 private:
  using WordList = std::vector<std::string_view>;

  absl::StatusOr<VerifierKey> Key(std::string_view text, NoteKeyType type) {
    DML_ASSIGN_OR_RETURN(VerifierKey key, ParseVerifierKey(text));
    if (key.type != type) {
      return InvalidArgument(kInvalid, "the key of '{}' is one for {}", Excerpt(key.name),
                             type == NoteKeyType::kEd25519 ? "cosignatures, and no log's"
                                                           : "signing notes, and no witness'");
    }
    if (!keys_.emplace(type, key.key.id().hex()).second) {
      return InvalidArgument(kInvalid, "its key was given before");
    }
    return key;
  }

  absl::Status Log(const WordList& words) {
    if (words.size() < 2 || words.size() > 3) {
      return InvalidArgument(kInvalid, "a log is 'log VKEY [URL]'");
    }
    if (out_.logs.size() == kMaxLogPolicyNames) return TooMany("logs");
    DML_ASSIGN_OR_RETURN(VerifierKey key, Key(words[1], NoteKeyType::kEd25519));
    out_.logs.push_back(
        {std::move(key.name), std::move(key.key), words.size() == 3 ? std::string(words[2]) : ""});
    return absl::OkStatus();
  }

  absl::Status Witness(const WordList& words) {
    if (words.size() < 3 || words.size() > 4) {
      return InvalidArgument(kInvalid, "a witness is 'witness NAME VKEY [URL]'");
    }
    DML_ASSIGN_OR_RETURN(VerifierKey key, Key(words[2], NoteKeyType::kCosignature));
    LogPolicy::Member member;
    member.name = std::string(words[1]);
    member.witness = dml::Witness{std::move(key.name), std::move(key.key), member.name};
    if (words.size() == 4) member.url = std::string(words[3]);
    return Define(std::move(member));
  }

  absl::Status Group(const WordList& words) {
    if (words.size() < 4) {
      return InvalidArgument(kInvalid, "a group is 'group NAME all|any|K NAME...'");
    }
    LogPolicy::Member member;
    member.name = std::string(words[1]);
    for (size_t i = 3; i < words.size(); ++i) {
      DML_ASSIGN_OR_RETURN(member.of.emplace_back(), Use(words[i]));
    }
    const auto count = static_cast<uint32_t>(member.of.size());
    const std::string_view demand = words[2];
    if (demand == "all" || demand == "any") {
      member.threshold = demand == "all" ? count : 1;
    } else {
      auto [end, error] =
          std::from_chars(demand.data(), demand.data() + demand.size(), member.threshold);
      if (error != std::errc() || end != demand.data() + demand.size() || demand.starts_with('0') ||
          member.threshold > count) {
        return InvalidArgument(kInvalid, "'{}' of {} members: it is all, any or 1 to {}",
                               Excerpt(demand), count, count);
      }
    }
    return Define(std::move(member));
  }

  absl::Status Quorum(const WordList& words) {
    if (words.size() != 2) return InvalidArgument(kInvalid, "a quorum is 'quorum NAME'");
    if (std::exchange(has_quorum_, true)) {
      return InvalidArgument(kInvalid, "it is the second quorum, and a policy has one");
    }
    if (words[1] == kNone) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(out_.quorum, Find(words[1]));
    return absl::OkStatus();
  }

  absl::Status Define(LogPolicy::Member member) {
    if (out_.members.size() == kMaxLogPolicyNames) return TooMany("witnesses and groups");
    if (member.name == kNone) {
      return InvalidArgument(kInvalid, "'none' is no name: it is the quorum that demands nothing");
    }
    if (!places_.emplace(member.name, out_.members.size()).second) {
      return InvalidArgument(kInvalid, "'{}' was defined before", Excerpt(member.name));
    }
    out_.members.push_back(std::move(member));
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> Find(std::string_view name) const {
    const auto found = places_.find(name);
    if (found != places_.end()) return found->second;
    return InvalidArgument(kInvalid, "'{}' is no witness or group of a line before", Excerpt(name));
  }

  // As a member, which a name may be once: else one witness would count in two ways.
  absl::StatusOr<size_t> Use(std::string_view name) {
    DML_ASSIGN_OR_RETURN(const size_t place, Find(name));
    if (!used_.insert(place).second) {
      return InvalidArgument(kInvalid, "'{}' is a member of a group already", Excerpt(name));
    }
    return place;
  }

  static absl::Status TooMany(std::string_view what) {
    return InvalidArgument(kInvalid, "a policy has at most {} {}", kMaxLogPolicyNames, what);
  }

  LogPolicy out_;
  bool has_quorum_ = false;
  std::map<std::string, size_t, std::less<>> places_;
  std::set<size_t> used_;
  std::set<std::pair<NoteKeyType, std::string>> keys_;
};

}  // namespace

absl::StatusOr<VerifierKey> ParseVerifierKey(std::string_view text) {
  const size_t first = text.find('+');
  const size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) {
    return InvalidArgument(kKeyInvalid, "'{}' is no verifier key: it is NAME+ID+KEY",
                           Excerpt(text));
  }
  const std::string_view name = text.substr(0, first);
  DML_RETURN_IF_ERROR(ValidateNoteKeyName(name));
  const std::optional<std::string> bytes = Base64Decode(text.substr(second + 1));
  constexpr uint8_t kTypes[] = {static_cast<uint8_t>(NoteKeyType::kEd25519),
                                static_cast<uint8_t>(NoteKeyType::kCosignature)};
  if (!bytes.has_value() || bytes->empty() ||
      std::ranges::find(kTypes, static_cast<uint8_t>(bytes->front())) == std::end(kTypes)) {
    return InvalidArgument(kKeyInvalid,
                           "the verifier key of '{}' is none of Ed25519, for notes or cosignatures",
                           Excerpt(name));
  }
  absl::StatusOr<PublicKey> key =
      PublicKey::FromPoint(KeyAlgorithm::kEd25519, std::string_view(*bytes).substr(1));
  if (!key.ok()) {
    return InvalidArgument(kKeyInvalid, "the verifier key of '{}': {}", Excerpt(name),
                           Message(key.status()));
  }
  VerifierKey out{std::string(name), *std::move(key), static_cast<NoteKeyType>(bytes->front())};
  if (FormatVerifierKey(out) == text) return out;
  return InvalidArgument(kKeyInvalid, "the id of the verifier key of '{}' is not that of the key",
                         Excerpt(name));
}

std::string FormatVerifierKey(const VerifierKey& key) {
  const std::string bytes = static_cast<char>(key.type) + std::string(key.key.raw_ed25519());
  return fmt::format("{}+{:08x}+{}", key.name, NoteKeyId(key.name, key.key, key.type),
                     Base64Encode(AsBytes(bytes)));
}

std::vector<Witness> LogPolicy::witnesses() const {
  std::vector<Witness> out;
  for (const Member& member : members) {
    if (member.witness.has_value()) out.push_back(*member.witness);
  }
  return out;
}

absl::StatusOr<LogPolicy> ParseLogPolicy(std::string_view text) {
  if (text.size() > kMaxLogPolicyBytes) {
    return InvalidArgument(kInvalid, "the policy has {} bytes; at most {}", text.size(),
                           kMaxLogPolicyBytes);
  }
  Reader reader;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    absl::Status read = reader.Line(text.substr(0, end));
    if (!read.ok()) {
      return InvalidArgument(kInvalid, "line {}: {}", number, Message(read));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.Take();
}

absl::StatusOr<std::vector<Cosignature>> RequireQuorum(const Note& note, const LogPolicy& policy,
                                                       Timestamp not_before, Timestamp not_after) {
  const std::vector<Witness> witnesses = policy.witnesses();
  DML_ASSIGN_OR_RETURN(std::vector<Cosignature> found, ReadCosignatures(note, witnesses));
  std::erase_if(
      found, [&](const Cosignature& one) { return one.time < not_before || one.time > not_after; });
  if (!policy.quorum.has_value()) return found;
  std::set<std::string, std::less<>> holders;
  for (const Cosignature& one : found) holders.insert(one.holder);
  std::vector<bool> witnessed;  // By place: members of a group come before it.
  for (const LogPolicy::Member& member : policy.members) {
    const auto have = std::ranges::count_if(member.of, [&](size_t of) { return witnessed[of]; });
    witnessed.push_back(member.witness.has_value()
                            ? holders.contains(member.name)
                            : have >= static_cast<ptrdiff_t>(member.threshold));
  }
  if (witnessed[*policy.quorum]) return found;
  return PermissionDenied(
      ErrorReason("WITNESSES_MISSING"),
      "the quorum '{}' of the policy has not cosigned the checkpoint{}; there are: {}. Wait for "
      "more, or ask the library's operator",
      policy.members[*policy.quorum].name, Since(not_before),
      holders.empty() ? "none" : fmt::format("{}", fmt::join(holders, ", ")));
}

}  // namespace dml
