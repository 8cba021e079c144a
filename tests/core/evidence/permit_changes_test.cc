// Every change that can be made to a good bundle: it is refused, or it says the very same.
#include <nlohmann/json.hpp>

#include "tests/core/evidence/permit_scene.h"
#include "tests/core/trust/test_keys.h"

namespace dml {
namespace {

using nlohmann::json;
using testing::PermitScene;

class PermitChangesTest : public ::testing::Test {
 protected:
  PermitChangesTest() {
    bundle_ = scene_.Honest();
    bundle_.history = {scene_.log.History(5, 12)};
    scene_.memory.checkpoint = {{scene_.root.origin, 5, scene_.log.Root(5)},
                                scene_.Key("ci-log").public_key().id()};
    pinned_ = scene_.Pinned();
    good_ = Verify(bundle_);
    EXPECT_TRUE(good_.status.ok()) << good_.status;
    text_ = *FormatPermitBundle(bundle_);
  }
  PermitVerdict Verify(const PermitBundle& bundle) const {
    return VerifyPermitBundle(bundle, pinned_, scene_.now, scene_.memory);
  }
  // Whether it was refused.
  bool ExpectSameOrRefused(const PermitBundle& bundle, const std::string& what) {
    const PermitVerdict verdict = Verify(bundle);
    if (!verdict.status.ok()) {
      EXPECT_NE(Reason(verdict.status), "") << what << ": " << verdict.status;
      return true;
    }
    EXPECT_EQ(verdict.permit, good_.permit) << what;
    EXPECT_EQ(verdict.release, good_.release) << what;
    EXPECT_EQ(verdict.next, good_.next) << what;
    EXPECT_EQ(verdict.log_index, good_.log_index) << what;
    return false;
  }
  void ExpectTextSameOrRefused(const std::string& text, const std::string& what) {
    const absl::StatusOr<PermitBundle> read = ParsePermitBundle(text);
    if (!read.ok()) {
      testing::ExpectRefusal(read.status());
      return;
    }
    ExpectSameOrRefused(*read, what);
  }

  PermitScene scene_;
  PermitBundle bundle_;
  TrustedRoot pinned_;
  PermitVerdict good_;
  std::string text_;
};

// attack 2, 6
TEST_F(PermitChangesTest, OneByteOfADocument) {
  std::vector<std::pair<std::string, std::string PermitBundle::*>> members = {
      {"release", &PermitBundle::release}, {"releaseEnvelope", &PermitBundle::release_envelope},
      {"policy", &PermitBundle::policy},   {"policyEnvelope", &PermitBundle::policy_envelope},
      {"permit", &PermitBundle::permit},   {"logProof", &PermitBundle::log_proof}};
  for (const auto& [name, member] : members) {
    const size_t size = (bundle_.*member).size();
    const size_t step = size > 600 ? 11 : 1;
    for (size_t i = 0; i < size; i += step) {
      PermitBundle changed = bundle_;
      (changed.*member)[i] = static_cast<char>((changed.*member)[i] ^ 1);
      const bool refused = ExpectSameOrRefused(changed, fmt::format("{} byte {}", name, i));
      // A log's note may have lines of others, and the key id of the permit's envelope is a hint
      // that nobody signed; all else is bound by the permit's key or the log's.
      EXPECT_TRUE(refused || name == "logProof" || name == "permit") << name << " byte " << i;
    }
  }
}

TEST_F(PermitChangesTest, OneByteOfAListedEnvelope) {
  bundle_.roots = {scene_.SignRoot(scene_.root, {"rob", "ron"})};
  for (auto member :
       {&PermitBundle::roots, &PermitBundle::publications, &PermitBundle::approvals}) {
    for (size_t which = 0; which < (bundle_.*member).size(); ++which) {
      for (size_t i = 0; i < (bundle_.*member)[which].size(); i += 29) {
        PermitBundle changed = bundle_;
        char& byte = (changed.*member)[which][i];
        byte = static_cast<char>(byte ^ 1);
        const bool refused =
            ExpectSameOrRefused(changed, fmt::format("envelope {} byte {}", which, i));
        EXPECT_TRUE(refused || member == &PermitBundle::roots) << which << " byte " << i;
      }
    }
  }
  for (size_t i = 0; i < Digest::kSize; ++i) {
    PermitBundle changed = bundle_;
    std::string raw(changed.history[0].hashes[0].raw());
    raw[i] = static_cast<char>(raw[i] ^ 0x80);
    changed.history[0].hashes[0] = *Digest::FromBytes(raw);
    EXPECT_TRUE(ExpectSameOrRefused(changed, fmt::format("history byte {}", i)));
  }
}

TEST_F(PermitChangesTest, EachMemberGoneEmptyOrOfAnotherType) {
  const json good = json::parse(text_);
  for (const auto& [name, value] : good.items()) {
    json changed = good;
    changed.erase(name);
    ExpectTextSameOrRefused(changed.dump(), "without " + name);
    for (const json& other :
         {json(nullptr), json(0), json(true), json(""), json("x"), json::array(), json::object()}) {
      changed = good;
      changed[name] = other;
      ExpectTextSameOrRefused(changed.dump(), name + " = " + other.dump());
    }
    // The member twice: a reader may take either.
    std::string twice = good.dump();
    twice.insert(1, json(name).dump() + ":" + value.dump() + ",");
    EXPECT_EQ(Reason(ParsePermitBundle(twice).status()), "PERMIT_BUNDLE_INVALID") << name;
    if (!value.is_array()) continue;
    for (size_t i = 0; i < value.size(); ++i) {
      changed = good;
      changed[name].erase(i);
      ExpectTextSameOrRefused(changed.dump(), fmt::format("{} without {}", name, i));
      changed = good;
      changed[name].push_back(value[i]);
      EXPECT_EQ(Reason(ParsePermitBundle(changed.dump()).status()), "PERMIT_BUNDLE_INVALID")
          << name << " " << i;
    }
    changed = good;
    std::reverse(changed[name].begin(), changed[name].end());
    ExpectTextSameOrRefused(changed.dump(), name + " reversed");
  }
  json more = good;
  more["more"] = 1;
  EXPECT_EQ(Reason(ParsePermitBundle(more.dump()).status()), "PERMIT_BUNDLE_INVALID");
}

// Only whoever has the keys can change what is signed: all members of all signed documents, signed
// again by those who may.
TEST_F(PermitChangesTest, EachMemberOfWhatIsSigned) {
  struct Signed {
    std::string name;
    std::string* envelope;
    std::string signer;
  };
  PermitBundle changed = bundle_;
  const std::vector<Signed> all = {{"release", &changed.release_envelope, "rita"},
                                   {"policy", &changed.policy_envelope, "paul"},
                                   {"publication", &changed.publications[0], "ann"},
                                   {"approval", &changed.approvals[0], "amy"}};
  for (const Signed& item : all) {
    const json statement = json::parse(ParseEnvelope(*item.envelope)->payload);
    for (const std::string place : {"", "predicate"}) {
      const json& members = place.empty() ? statement : statement[place];
      for (const auto& [name, value] : members.items()) {
        const std::string before = *item.envelope;
        json edited = statement;
        (place.empty() ? edited : edited[place]).erase(name);
        *item.envelope = scene_.Sign(kInTotoPayloadType, edited.dump(), {item.signer});
        scene_.Seal(changed);
        changed.history = {scene_.log.History(5, 12)};
        const PermitVerdict verdict = Verify(changed);
        EXPECT_FALSE(verdict.status.ok()) << item.name << " without " << place << "." << name;
        *item.envelope = before;
      }
    }
  }
}

TEST_F(PermitChangesTest, EachMemberOfThePermit) {
  const json statement = json::parse(ParseEnvelope(bundle_.permit)->payload);
  const auto expect_refused = [&](const json& edited, const std::string& what) {
    PermitBundle changed = bundle_;
    changed.permit = scene_.Sign(kInTotoPayloadType, edited.dump(), {"ci-permit"});
    scene_.Enter(changed);
    EXPECT_FALSE(Verify(changed).status.ok()) << what;
  };
  const json::json_pointer predicate("/predicate");
  for (const json::json_pointer& place : {predicate, predicate / std::string(kPermitExtension)}) {
    for (const auto& [name, value] : statement[place].items()) {
      json edited = statement;
      edited[place].erase(name);
      expect_refused(edited, "without " + name);
      for (const json& other :
           {json(nullptr), json("x"), json(-1), json::array(), json::object()}) {
        edited = statement;
        edited[place][name] = other;
        // An empty list of nodes means all of them: said by the permit's key, and logged.
        if (name == "nodes" && other == json::array()) continue;
        expect_refused(edited, name + " = " + other.dump());
      }
    }
    json edited = statement;
    edited[place]["more"] = 1;
    expect_refused(edited, "more");
  }
}

TEST_F(PermitChangesTest, APieceOfTheText) {
  for (size_t size = 0; size + 1 < text_.size(); size += 61) {
    EXPECT_EQ(Reason(ParsePermitBundle(text_.substr(0, size)).status()), "PERMIT_BUNDLE_INVALID");
  }
  for (size_t i = 0; i < text_.size(); i += 97) {
    std::string changed = text_;
    changed.erase(i, 1 + i % 5);
    ExpectTextSameOrRefused(changed, fmt::format("without bytes at {}", i));
  }
}

}  // namespace
}  // namespace dml
