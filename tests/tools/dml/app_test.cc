// Exit codes, and the commands that need no server, end to end.
#include "tools/dml/app.h"

#include <cerrno>
#include <sstream>
#include <streambuf>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "client/options.h"
#include "core/crypto/x509.h"
#include "core/gate/policy.h"
#include "core/os/file.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/import/archive_builder.h"

namespace dml {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
  Json document() const { return Json::parse(out, nullptr, false); }
  Json error() const { return Json::parse(err, nullptr, false)["error"]; }
};

Outcome Dml(const std::vector<std::string>& args, const Terminal& terminal = {}) {
  std::ostringstream out;
  std::ostringstream err;
  Outcome run;
  run.code = RunDml(args, out, err, terminal);
  run.out = out.str();
  run.err = err.str();
  return run;
}

class AppTest : public ::testing::Test {
 protected:
  AppTest() { ::unsetenv("DML_PROFILE"); }

  std::string File(const char* name) { return dir_.path() / name; }
  std::string Write(const char* name, std::string_view text) {
    EXPECT_TRUE(WriteFileAtomically(File(name), AsBytes(text), 0600).ok());
    return File(name);
  }
  std::string Read(const std::string& path) { return ReadFile(path, 1 << 20).value(); }

 private:
  testing::TempDir dir_;
};

TEST(ExitCodeTest, FollowsCodeAndReasonOfTheLibrary) {
  ErrorReason any("ANY");
  auto code = [](const absl::Status& status) { return ExitCodeFor(status, /*asked=*/true); };
  EXPECT_EQ(code(Internal(any, "x")), ExitCode::kFailed);
  EXPECT_EQ(code(InvalidArgument(any, "x")), ExitCode::kFailed);
  EXPECT_EQ(code(AlreadyExists(any, "x")), ExitCode::kFailed);
  EXPECT_EQ(code(InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "x")), ExitCode::kUsage);
  for (const char* verdict :
       {"VARIANT_NOT_VERIFIED", "LOG_FORKED", "LOG_WENT_BACK", "ROOT_FORKED"}) {
    EXPECT_EQ(code(DataLoss(ErrorReason(verdict), "x")), ExitCode::kNegative) << verdict;
  }
  EXPECT_EQ(code(NotFound(any, "x")), ExitCode::kNotFound);
  EXPECT_EQ(code(PermissionDenied(any, "x")), ExitCode::kNotPermitted);
  EXPECT_EQ(code(Unauthenticated(any, "x")), ExitCode::kNotPermitted);
  EXPECT_EQ(code(Unavailable(any, "x")), ExitCode::kUnavailable);
  EXPECT_EQ(code(MakeError(absl::StatusCode::kDeadlineExceeded, any, "x")), ExitCode::kUnavailable);
}

TEST(ExitCodeTest, WhatIsRefusedBeforeTheLibraryIsAskedIsAUsageError) {
  ErrorReason any("ANY");
  for (const absl::Status& refused :
       {InvalidArgument(any, "x"), FailedPrecondition(any, "x"), NotFound(any, "x"),
        PermissionDenied(any, "x"), InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "x")}) {
    EXPECT_EQ(ExitCodeFor(refused, /*asked=*/false), ExitCode::kUsage) << refused;
  }
  EXPECT_EQ(ExitCodeFor(Internal(any, "x"), false), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeFor(ResourceExhausted(ErrorReason("DISK_FULL"), "x"), false),
            ExitCode::kFailed);
}

TEST(ExitCodeTest, AFileThatCannotBeUsedIsNoMatterOfTheLibrary) {
  for (bool asked : {false, true}) {
    EXPECT_EQ(ExitCodeFor(NotFound(ErrorReason("FILE_NOT_FOUND"), "x"), asked), ExitCode::kUsage);
    EXPECT_EQ(ExitCodeFor(PermissionDenied(ErrorReason("FILE_PERMISSION_DENIED"), "x"), asked),
              ExitCode::kUsage);
    EXPECT_EQ(ExitCodeFor(ResourceExhausted(ErrorReason("FILE_TOO_LARGE"), "x"), asked),
              ExitCode::kUsage);
    EXPECT_EQ(ExitCodeFor(Internal(ErrorReason("FILE_IO_FAILED"), "x"), asked), ExitCode::kFailed);
  }
  EXPECT_EQ(ExitCodeFor(FailedPrecondition(ErrorReason("FILE_CHANGED"), "x"), true),
            ExitCode::kFailed);
}

TEST(ExitCodeTest, ACertificateThatIsNotGoodIsNoPermission) {
  for (const char* reason : {"CERTIFICATE_EXPIRED", "CERTIFICATE_NOT_YET_VALID"}) {
    EXPECT_EQ(ExitCodeFor(Unauthenticated(ErrorReason(reason), "x"), /*asked=*/false),
              ExitCode::kNotPermitted);
  }
}

// A pipe or disk that takes nothing.
class RefusingBuffer : public std::streambuf {
 public:
  explicit RefusingBuffer(int error) : error_(error) {}

 protected:
  int overflow(int) override {
    errno = error_;
    return traits_type::eof();
  }

 private:
  const int error_;
};

TEST(OutputTest, AReaderThatWentAwayIsNoError) {
  for (int error : {EPIPE, ENOSPC}) {
    RefusingBuffer buffer(error);
    std::ostream out(&buffer);
    std::ostringstream err;
    EXPECT_EQ(RunDml({"version"}, out, err, {}), error == EPIPE ? 0 : 1);
    EXPECT_EQ(err.str().empty(), error == EPIPE) << err.str();
  }
}

TEST_F(AppTest, AnExpiredCertificateIsToldBeforeTheLibraryIsAsked) {
  using std::chrono::days;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto authority = MakeCertificateAuthority("test", {now - days(50), 400});
  ASSERT_TRUE(authority.ok()) << authority.status();
  Write("ca.pem", authority->certificate_pem);
  Write("log.pub", PrivateKey::Generate(KeyAlgorithm::kEd25519).public_key().ToPem());
  const std::string profile = Write("profile.yaml",
                                    "server: localhost:1\ncaFile: ca.pem\n"
                                    "certificateFile: me.pem\nprivateKeyFile: me.key\n"
                                    "logOrigin: a/b\nlogKeyFile: log.pub\n");
  auto issue = [&](int days_left) {
    auto made =
        IssueClientCertificate(*authority, {"d", "p", {"admin"}}, {now - days(40), 40 + days_left});
    ASSERT_TRUE(made.ok()) << made.status();
    Write("me.pem", made->certificate_pem);
    Write("me.key", *made->key.ToPkcs8Pem());
  };
  issue(-1);
  const Outcome expired = Dml({"--profile", profile, "--output", "json", "status"});
  EXPECT_EQ(expired.code, 5);
  EXPECT_EQ(expired.error()["reason"], "CERTIFICATE_EXPIRED");
  EXPECT_THAT(expired.error()["message"].get<std::string>(), HasSubstr("me.pem expired on 2"));
  absl::StatusOr<ClientOptions> options = LoadProfile(profile);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(Reason(Client::Create(*options).status()), "CERTIFICATE_EXPIRED");
  EXPECT_EQ(Reason(CheckCertificate(*options, now - days(60)).status()),
            "CERTIFICATE_NOT_YET_VALID");
  issue(10);
  options = LoadProfile(profile);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(Client::Create(*options).ok());
  EXPECT_EQ(CheckCertificate(*options, now)->value(), now + days(10));
}

TEST_F(AppTest, TellsItsVersionAsAFlagToo) {
  const Outcome flag = Dml({"--version"});
  EXPECT_EQ(flag.code, 0);
  EXPECT_EQ(flag.out,
            "dml " + Dml({"--output", "json", "version"}).document()["version"].get<std::string>() +
                "\n");
}

TEST(NextStepTest, AStaleEtagIsOfTheThingThatTheCommandSets) {
  const absl::Status stale = Aborted(ErrorReason("ETAG_MISMATCH"), "x");
  EXPECT_THAT(NextStep(stale, "dml namespace retention set"),
              HasSubstr("dml namespace retention show"));
  EXPECT_THAT(NextStep(stale, "dml policy set"), HasSubstr("dml policy show"));
}

TEST(NextStepTest, ARootOfSeveralHoldersIsWrittenForThemToSign) {
  const absl::Status few = PermissionDenied(ErrorReason("THRESHOLD_NOT_MET"), "x");
  for (const char* word : {"--out FILE", "dml root sign", "dml root set"}) {
    EXPECT_THAT(NextStep(few, "dml key register"), HasSubstr(word));
  }
  EXPECT_EQ(NextStep(few, "dml package publish"), "") << "nothing that its publisher could do";
}

TEST_F(AppTest, ARetentionPolicyThatSaysNothingOrTwoThingsIsAUsageError) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{},
        {"--keep", "matching"},
        {"--keep", "everything", "--keep-versions", "1"},
        {"--keep-versions", "0"},
        {"--keep-versions", "1001"},
        {"--keep-age", "90"},
        {"--keep", "some"},
        {"--keep-versions", "1", "--withdrawn-grace", "1d"}}) {
    std::vector<std::string> args = {"--output", "json", "namespace", "retention", "set", "acme"};
    args.insert(args.end(), words.begin(), words.end());
    const Outcome run = Dml(args);
    EXPECT_EQ(run.code, 2) << ::testing::PrintToString(words);
    EXPECT_EQ(run.error()["reason"], "ARGUMENT_INVALID") << run.err;
  }
}

TEST_F(AppTest, OptionsOfUpkeepThatExcludeEachOtherAreAUsageError) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"admin", "collect", "--dry-run", "--wait"},
        {"admin", "collect", "--show", "--wait"},
        {"admin", "scrub", "--show", "--wait"},
        {"admin", "scrub", "--rate", "fast"}}) {
    EXPECT_EQ(Dml(args).code, 2) << ::testing::PrintToString(args);
  }
}

TEST(NextStepTest, NeverAdvisesWhatWasJustRun) {
  absl::Status invalid = InvalidArgument(ErrorReason("POLICY_INVALID"), "x");
  EXPECT_THAT(NextStep(invalid, "dml policy set"), HasSubstr("dml policy check"));
  EXPECT_EQ(NextStep(invalid, "dml policy check"), "");
  EXPECT_EQ(NextStep(Unavailable(ErrorReason("X"), "x"), "dml status").find("dml status"),
            std::string_view::npos);
}

TEST_F(AppTest, WrongCommandLinesAreUsageErrors) {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {},
           {"pakage"},
           {"package"},
           {"package", "get", "acme/api@1"},
           {"package", "list", "acme", "more"},
           {"status", "--unknown"},
           {"--output", "xml", "version"},
           {"--page-size", "0", "version"},
           {"log", "prove", "-1"},
           {"license", "eval", "MIT"},
           {"license", "eval", "MIT", "--policy", "p", "--environment", "e"},
           {"key", "register", "--owner", "pat", "--role", "publisher", "--namespace", "acme"}}) {
    Outcome run = Dml(args);
    EXPECT_EQ(run.code, 2) << ::testing::PrintToString(args);
    EXPECT_THAT(run.out, IsEmpty());
    EXPECT_THAT(run.err, HasSubstr("--help"));
  }
}

TEST_F(AppTest, UnknownWordsAreNamedWithTheNearestKnownOne) {
  EXPECT_THAT(Dml({"pakage"}).err,
              HasSubstr("dml has no command \"pakage\"; did you mean package?"));
  Outcome verb = Dml({"package", "pubish", "--key", "k"});
  EXPECT_THAT(verb.err, HasSubstr("dml package has no command \"pubish\"; did you mean publish?"));
  EXPECT_THAT(verb.err, HasSubstr("see: dml package --help"));
  EXPECT_EQ(verb.code, 2);
  Outcome far = Dml({"package", "foo"});
  EXPECT_THAT(far.err, HasSubstr("dml package has no command \"foo\""));
  EXPECT_THAT(far.err, Not(HasSubstr("did you mean")));
  EXPECT_THAT(Dml({"policy", "init", "--ot", "x"}).err,
              HasSubstr("dml policy init has no option \"--ot\"; did you mean --out?"));
  EXPECT_THAT(Dml({"package", "list", "acme", "more"}).err, HasSubstr("more"));
}

TEST_F(AppTest, ValuesThatAreSeenToBeWrongAreRefusedHere) {
  std::string bad_policy = Write("bad.yaml", "schema: dml.policy/v1\ncontents: {}\n");
  std::string policy = Write("policy.yaml", DefaultPolicyDocument());
  std::string no_envelope = Write("no.dsse.json", "{}");
  std::string no_spec = Write("no.json", "{}");
  std::string none = File("none");
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"namespace", "create", "Acme"},
           {"package", "list", "Acme"},
           {"package", "list", "acme/"},
           {"package", "list", "acme", "--filter", "no such filter ("},
           {"package", "search", "nofield = x"},
           {"package", "show", "acme"},
           {"package", "get", "acme/api@1 0", "--out", none},
           {"package", "publish", "--spec", none, "--key", none},
           {"package", "publish", "--spec", no_spec, "--key", none},
           {"package", "attach", "acme/api@1", "--envelope", no_envelope},
           {"package", "sign", "acme/api@1", "--key", none},
           {"key", "revoke", "sha256:xyz", "--reason", "x"},
           {"key", "register", "--key", none, "--owner", "pat", "--role", "king", "--namespace",
            "a"},
           {"key", "register", "--key", none, "--owner", "pat", "--role", "tester", "--namespace",
            "A"},
           {"key", "show", none},
           {"environment", "create", "a//b"},
           {"node", "create", "Web", "--environment", "production"},
           {"node", "list", "--environment", "Production"},
           {"policy", "set", "--environment", "production", none},
           {"policy", "set", "--environment", "Production", policy},
           {"policy", "show", "--environment", ""},
           {"policy", "check", bad_policy},
           {"license", "eval", "MIT OR", "--policy", policy},
           {"license", "eval", "MIT", "--policy", bad_policy},
           {"license", "eval", "MIT", "--environment", "Production"},
           {"compat", "compare", "pypi", "1", "2"},
           {"compat", "compare", "semver", "1", "2"},
           {"compat", "who-requires", "libc6"},
           {"compat", "who-requires", "debian/libc6", "--version", "2.36"},
           {"compat", "who-requires", "debian/libc6", "--version", "pypi:2.36"},
           {"compat", "who-provides", "debian/libc6", "--kind", "thing"},
           {"gate", "evaluate", "--environment", "production", "acme"},
           {"gate", "evaluate", "--environment", "Production", "acme/api@1"},
           {"log", "entries", "--kind", "bogus"},
           {"import", "deb", none, "--namespace", "Debian", "--dry-run"},
           {"--profile", none, "status"}}) {
    Outcome run = Dml(args);
    EXPECT_EQ(run.code, 2) << ::testing::PrintToString(args) << run.err;
    EXPECT_THAT(run.out, IsEmpty());
  }
}

TEST_F(AppTest, NumbersAndWordsAreRefusedInOurOwnWords) {
  for (const char* text : {"abc", "1x", "", "99999999999999999999", "0x10", "1.5"}) {
    Outcome run = Dml({"log", "prove", text});
    EXPECT_EQ(run.code, 2) << text;
    EXPECT_THAT(run.err,
                HasSubstr(fmt::format("\"{}\" is not an entry's number; write 0 or more", text)));
  }
  EXPECT_THAT(Dml({"log", "entries", "--start", "abc"}).err, HasSubstr("not an entry's number"));
  EXPECT_THAT(Dml({"--page-size", "1001", "version"}).err,
              HasSubstr("\"1001\" is not a number of items; write 1 to 1000"));
  EXPECT_THAT(Dml({"--output", "xml", "version"}).err,
              HasSubstr("\"xml\" is none of: table, json"));
  Outcome kind = Dml({"log", "entries", "--kind", "bogus"});
  EXPECT_THAT(kind.err, HasSubstr("\"bogus\" is none of: library_created, namespace_created"));
  EXPECT_THAT(kind.err, HasSubstr("policy_set"));
}

TEST_F(AppTest, APublicKeyIsNoPrivateOneAndTheErrorSaysWhichFileIs) {
  std::string key = File("pat.key");
  ASSERT_EQ(Dml({"key", "generate", "--out", key}).code, 0);
  Outcome run = Dml({"package", "sign", "acme/api@1.0.0", "--key", key + ".pub"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr(key + ".pub is the public half of a key; give " + key + "\n"));
  std::filesystem::copy_file(key + ".pub", File("renamed"));
  EXPECT_THAT(Dml({"package", "sign", "acme/api@1.0.0", "--key", File("renamed")}).err,
              HasSubstr("give the file with its private half"));
}

TEST_F(AppTest, WhatAFieldsDescriptionSaysIsSaidOnce) {
  std::string spec = Write("spec.json", R"({"schema":"dml.package/v1","package":"Acme/x"})");
  std::string err = Dml({"package", "publish", "--spec", spec, "--key", File("none")}).err;
  const std::string said = "'Acme' holds 'A'";
  ASSERT_NE(err.find(said), std::string::npos) << err;
  EXPECT_EQ(err.find(said), err.rfind(said)) << err;
  EXPECT_THAT(err, HasSubstr("  at package\n"));
}

TEST_F(AppTest, UsageErrorsAreJsonWhereJsonWasAskedFor) {
  Outcome run = Dml({"package", "get", "--output", "json"});
  EXPECT_EQ(run.code, 2);
  EXPECT_EQ(run.error()["reason"], "ARGUMENT_INVALID");
  EXPECT_EQ(Dml({"--output=json", "nothing"}).error()["code"], "INVALID_ARGUMENT");
}

TEST_F(AppTest, ErrorsNeverDriveTheTerminal) {
  Outcome run = Dml({"compat", "compare", "deb", "1\x1b[2J", "1"});
  EXPECT_EQ(run.code, 2);
  EXPECT_EQ(run.err.find('\x1b'), std::string::npos);
  EXPECT_EQ(Dml({"\x1b[2J"}).err.find('\x1b'), std::string::npos);
}

TEST_F(AppTest, AMissingProfileSaysWhatToDo) {
  Outcome run = Dml({"--profile", File("none.yaml"), "status"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("none.yaml"));
}

TEST_F(AppTest, AnUnreachableServerIsUnavailable) {
  Outcome generated = Dml({"key", "generate", "--out", File("log.key")});
  ASSERT_EQ(generated.code, 0) << generated.err;
  std::string profile = Write("profile.yaml", "server: unix:" + File("no.sock") +
                                                  "\ninsecureLoopback: true\nlogOrigin: test/log\n"
                                                  "logKeyFile: log.key.pub\n");
  Outcome run = Dml({"--profile", profile, "--output", "json", "status"});
  EXPECT_EQ(run.code, 6) << run.err;
  EXPECT_EQ(run.error()["code"], "UNAVAILABLE");
}

TEST_F(AppTest, GlobalOptionsStandBeforeAndAfterTheCommand) {
  Outcome before = Dml({"--output", "json", "compat", "compare", "deb", "1", "2"});
  Outcome after = Dml({"compat", "compare", "deb", "1", "2", "--output", "json"});
  EXPECT_EQ(before.code, 0);
  EXPECT_EQ(before.out, after.out);
  EXPECT_EQ(before.document()["order"], "LESS");
}

TEST_F(AppTest, ComparesVersions) {
  EXPECT_EQ(Dml({"compat", "compare", "deb", "1.0~rc1", "1.0"}).out, "1.0~rc1 < 1.0\n");
  EXPECT_EQ(Dml({"compat", "compare", "deb", "1:0", "2"}).out, "1:0 > 2\n");
  EXPECT_EQ(Dml({"compat", "compare", "semver", "1.0.0+a", "1.0.0+b"}).out, "1.0.0+a = 1.0.0+b\n");
}

TEST_F(AppTest, ThePolicyThatInitWritesIsAPolicy) {
  EXPECT_EQ(Dml({"policy", "init"}).out, DefaultPolicyDocument());
  std::string file = File("policy.yaml");
  EXPECT_EQ(Dml({"policy", "init", "--out", file}).code, 0);
  EXPECT_EQ(Read(file), DefaultPolicyDocument());
  Outcome check = Dml({"policy", "check", file, "--output", "json"});
  EXPECT_EQ(check.code, 0) << check.err;
  EXPECT_EQ(check.document()["digest"], ParsePolicy(DefaultPolicyDocument())->digest.ToString());
}

TEST_F(AppTest, PolicyCheckNamesFileAndLine) {
  std::string file = Write("bad.yaml", "schema: dml.policy/v1\ncontents: {}\n");
  Outcome run = Dml({"policy", "check", file});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, Not(HasSubstr("dml policy check"))) << "advises what was just done";
  EXPECT_THAT(run.err, HasSubstr("bad.yaml"));
  EXPECT_THAT(run.err, HasSubstr("line 2"));
}

TEST_F(AppTest, EvaluatesLicensesOffline) {
  std::string policy = Write("policy.yaml", DefaultPolicyDocument());
  auto eval = [&](const char* expression) {
    return Dml({"license", "eval", expression, "--policy", policy, "--output", "json"});
  };
  Outcome allowed = eval("SSPL-1.0 or mit");
  EXPECT_EQ(allowed.code, 0);
  EXPECT_EQ(allowed.document()["outcome"], "ALLOW");
  EXPECT_EQ(allowed.document()["expression"], "SSPL-1.0 OR MIT");
  EXPECT_EQ(allowed.document()["chosen"], "MIT");
  EXPECT_EQ(allowed.document()["reasons"].size(), 2u);
  EXPECT_EQ(eval("SSPL-1.0").code, 3);
  EXPECT_EQ(eval("NOASSERTION").code, 3);
  EXPECT_EQ(eval("MIT OR").code, 2);
  EXPECT_EQ(eval("MIT OR").error()["reason"], "LICENSE_EXPRESSION_INVALID");
}

TEST_F(AppTest, PoliciesGoByCategoriesContextsAndWaivers) {
  const std::string policy = Write("policy.yaml", R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses:
  rules:
    - {id: inside, outcome: ALLOW_WITH_OBLIGATIONS, categories: [copyleft],
       obligations: [source-offer], when: {provisions: [INTERNAL]}}
  contexts: [{provision: INTERNAL}]
  waivers:
    - {id: w1, license: SSPL-1.0, package: acme/db, reason: soon, author: ann,
       expires: "2030-01-01T00:00:00Z"}
)");
  const std::string properties =
      Write("properties.yaml",
            "categories: [{name: copyleft}]\n"
            "categorizations: [{id: GPL-2.0-only, categories: [copyleft]}]\n");
  Outcome check =
      Dml({"policy", "check", policy, "--license-properties", properties, "--output", "json"});
  ASSERT_EQ(check.code, 0) << check.err;
  EXPECT_EQ(check.document()["licenseRules"][0]["when"]["provisions"][0], "INTERNAL");
  EXPECT_EQ(check.document()["licenseContexts"][0]["context"]["provision"], "INTERNAL");
  EXPECT_EQ(check.document()["licenseWaivers"][0]["expires"], "2030-01-01T00:00:00Z");
  Outcome eval = Dml({"license", "eval", "GPL-2.0-only", "--policy", policy, "--license-properties",
                      properties, "--output", "json"});
  ASSERT_EQ(eval.code, 0) << eval.err;
  EXPECT_EQ(eval.document()["outcome"], "ALLOW_WITH_OBLIGATIONS");
  EXPECT_EQ(eval.document()["obligations"][0], "source-offer");
  EXPECT_EQ(eval.document()["context"]["provision"], "INTERNAL");
  EXPECT_EQ(eval.document()["reasons"][0]["pattern"], "copyleft");
  EXPECT_THAT(eval.document()["licensePropertiesVersion"].get<std::string>(),
              ::testing::StartsWith("sha256:"));
  Outcome without = Dml({"policy", "check", policy});
  EXPECT_EQ(without.code, 2);
  EXPECT_THAT(without.err, HasSubstr("none is loaded"));
}

TEST_F(AppTest, GeneratesKeysThatOnlyTheOwnerReads) {
  for (const char* algorithm : {"ed25519", "ecdsa-p256"}) {
    std::string file = File(algorithm);
    Outcome run =
        Dml({"key", "generate", "--algorithm", algorithm, "--out", file, "--output", "json"});
    ASSERT_EQ(run.code, 0) << run.err;
    struct stat info;
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    Outcome shown = Dml({"key", "show", file, "--output", "json"});
    EXPECT_EQ(shown.document()["id"], run.document()["id"]);
    EXPECT_EQ(shown.document()["algorithm"], algorithm);
    Outcome shown_public = Dml({"key", "show", file + ".pub", "--output", "json"});
    EXPECT_EQ(shown_public.document()["id"], run.document()["id"]);
    EXPECT_EQ(shown_public.document()["publicKey"], Read(file + ".pub"));
  }
}

TEST_F(AppTest, GeneratedKeysReplaceNothing) {
  std::string file = Write("me.key", "precious");
  EXPECT_EQ(Dml({"key", "generate", "--out", file}).code, 2);
  EXPECT_EQ(Read(file), "precious");
  EXPECT_FALSE(std::filesystem::exists(file + ".pub"));
  std::string other = File("other");
  Write("other.pub", "public");
  Outcome run = Dml({"key", "generate", "--out", other, "--output", "json"});
  EXPECT_EQ(run.error()["reason"], "FILE_EXISTS");
  EXPECT_FALSE(std::filesystem::exists(other));
  EXPECT_EQ(Read(other + ".pub"), "public");
}

TEST_F(AppTest, GeneratedKeysAreEncryptedWithAPassphrase) {
  std::string passphrase = Write("passphrase", "open sesame\n");
  std::string file = File("me.key");
  ASSERT_EQ(Dml({"key", "generate", "--out", file, "--passphrase-file", passphrase}).code, 0);
  EXPECT_THAT(Read(file), HasSubstr("BEGIN ENCRYPTED PRIVATE KEY"));
  Outcome locked = Dml({"key", "show", file});
  EXPECT_EQ(locked.code, 2);
  EXPECT_THAT(locked.err, HasSubstr("--passphrase-file"));
  EXPECT_EQ(Dml({"key", "show", file, "--passphrase-file", passphrase}).code, 0);
}

TEST_F(AppTest, RepeatedOptionsTakeOneValueEach) {
  // With more, "--key a" would swallow the namespace that stands behind it.
  Outcome run = Dml({"package", "publish", "--key", File("none"), "--spec", File("none"), "extra"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("extra"));
}

TEST_F(AppTest, TextThatIsNotUtf8IsRefusedByItsPlace) {
  Outcome run = Dml({"--output", "json", "namespace", "create", "a", "--description", "x\xc3("});
  EXPECT_EQ(run.code, 2);
  EXPECT_EQ(run.error()["reason"], "ARGUMENT_INVALID");
  EXPECT_EQ(run.error()["message"], "argument 7 (\"x?(\") is not valid UTF-8 (byte 1)");
  const std::string policy = Write("policy", "# \xff\n");
  run = Dml({"--output", "json", "policy", "set", "--environment", "production", policy});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.error()["message"].get<std::string>(), HasSubstr("not valid UTF-8 (byte 2)"));
}

TEST_F(AppTest, ALicenseStatedForNoPackageIsRefusedBeforeAnythingIsDone) {
  const std::string deb =
      Write("a.deb", testing::MakeDeb("Package: aa\nVersion: 1\nArchitecture: all\n"));
  std::vector<std::string> words = {"--output",  "json",        "import", "deb",       deb,
                                    "--dry-run", "--namespace", "debian", "--license", "ab=MIT"};
  Outcome run = Dml(words);
  EXPECT_EQ(run.code, 2);
  EXPECT_EQ(run.error()["message"], "--license ab=MIT: no file is of package ab; they are of: aa");
}

TEST_F(AppTest, ImportGoesOnAfterAFileThatCannotBeRead) {
  std::string broken = Write("broken.deb", "no archive");
  Outcome run = Dml({"import", "deb", broken, File("none.deb"), "--namespace", "debian",
                     "--dry-run", "--output", "json"});
  EXPECT_EQ(run.code, 1);
  Json document = run.document();
  ASSERT_EQ(document["items"].size(), 2u);
  EXPECT_EQ(document["items"][0]["error"]["reason"], "DEB_INVALID");
  EXPECT_EQ(document["items"][1]["error"]["reason"], "FILE_NOT_FOUND");
  EXPECT_EQ(document["failed"], 2);
}

TEST_F(AppTest, AStatedLicenseFillsTheGapThatTheArchiveLeaves) {
  std::string deb = Write("x.deb", testing::MakeDeb("Package: x\nVersion: 1\nArchitecture: all\n"
                                                    "Description: x\n"));
  auto license_of = [&](std::vector<std::string> more) -> std::string {
    std::vector<std::string> args = {"import", "deb",       deb,        "--namespace",
                                     "debian", "--dry-run", "--output", "json"};
    args.insert(args.end(), more.begin(), more.end());
    Outcome run = Dml(args);
    return run.code == 0 ? run.document()["items"][0]["spec"]["license"]["declared"]
                         : Json(std::to_string(run.code));
  };
  EXPECT_EQ(license_of({}), "NOASSERTION");
  EXPECT_EQ(license_of({"--license", "x=mit or isc"}), "MIT OR ISC");
  EXPECT_EQ(license_of({"--license", "y=MIT"}), "2") << "no file is of another package";
  EXPECT_NE(license_of({"--license", "x=No-Such"}), "No-Such");
  EXPECT_EQ(license_of({"--license", "MIT"}), "2");
}

TEST_F(AppTest, ImportNeedsAKeyUnlessItIsADryRun) {
  EXPECT_EQ(Dml({"import", "deb", "x.deb", "--namespace", "debian"}).code, 2);
}

TEST_F(AppTest, VersionNamesTheRulesBuiltIn) {
  Outcome run = Dml({"version", "--output", "json"});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.document()["versionSchemes"][1], "deb@1");
  EXPECT_EQ(run.document()["licenseListVersion"], BundledLicenseList().version());
}

TEST_F(AppTest, ColorsOnlyOnATerminalThatWantsThem) {
  std::string policy = Write("policy.yaml", DefaultPolicyDocument());
  std::vector<std::string> args = {"policy", "check", policy};
  Terminal color{.out_is_tty = true, .err_is_tty = true, .width = 80, .color = true};
  EXPECT_NE(Dml(args, color).out.find('\x1b'), std::string::npos);
  EXPECT_EQ(Dml(args).out.find('\x1b'), std::string::npos);
  args.push_back("--no-color");
  EXPECT_EQ(Dml(args, color).out.find('\x1b'), std::string::npos);
}

TEST_F(AppTest, AnOutputThatCannotBeWrittenIsAFailure) {
  std::ostringstream out;
  std::ostringstream err;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(RunDml({"version"}, out, err), 1);
  EXPECT_THAT(err.str(), HasSubstr("cannot write"));
}

}  // namespace
}  // namespace dml
