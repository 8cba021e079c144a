#include "tools/dml/completion.h"

#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/dml/command.h"

namespace dml {
namespace {

using Word = CompletionNode::Word;

// The words that an option takes (OneOf), "" where there are others.
std::string ValuesOf(const CLI::Option& option) {
  for (int i = 0;; ++i) {
    try {
      // It has no count of its validators.
      const std::string& name = const_cast<CLI::Option&>(option).get_validator(i)->get_name();
      if (name.starts_with(kOneOf)) return name.substr(kOneOf.size());
    } catch (const CLI::OptionNotFound&) {
      return "";
    }
  }
}

void AddOptions(const CLI::App& app, std::vector<Word>& words) {
  for (const CLI::Option* option : app.get_options()) {
    bool help_of_group = app.get_name().empty() && option == app.get_help_ptr();
    if (option->nonpositional() && !option->get_lnames().empty() && !help_of_group) {
      words.push_back({"--" + option->get_lnames()[0], option->get_description(),
                       option->get_items_expected_max() > 0, ValuesOf(*option)});
    }
  }
  // Option groups are subcommands without a name.
  for (const CLI::App* group : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (group->get_name().empty()) AddOptions(*group, words);
  }
}

void AddNodes(const CLI::App& app, const std::string& path, const CLI::App& root,
              std::vector<CompletionNode>& nodes) {
  CompletionNode node;
  node.path = path;
  auto commands =
      app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
  for (const CLI::App* command : commands) {
    node.words.push_back({command->get_name(), command->get_description(), false, ""});
  }
  AddOptions(app, node.words);
  if (&app != &root) {
    std::vector<Word> global;
    AddOptions(root, global);
    for (Word& word : global) {
      if (word.text == "--help" || word.text == "--version") continue;  // The program's alone.
      node.words.push_back(std::move(word));
    }
  }
  nodes.push_back(std::move(node));
  for (const CLI::App* command : commands) {
    AddNodes(*command, path + " " + command->get_name(), root, nodes);
  }
}

// "case" lines that turn the words typed so far into a command's path, for bash and zsh alike.
std::string PathPatterns(const std::vector<CompletionNode>& nodes) {
  std::string out;
  for (const CompletionNode& node : nodes) {
    if (!node.path.empty()) out += fmt::format("{}\"{}\"", out.empty() ? "" : "|", node.path);
  }
  return out;
}

std::string JoinedWords(const CompletionNode& node) {
  std::string out;
  for (const Word& word : node.words) out += (out.empty() ? "" : " ") + word.text;
  return out;
}

// "case" lines for what follows an option that takes a value; `assign` is "words=\"{}\"" in the
// shell's way. Where any text may follow, there are no words and files are offered.
std::string ValueCases(const std::vector<CompletionNode>& nodes,
                       std::string (*assign)(const std::string& values)) {
  std::map<std::string, std::vector<std::string>> patterns;
  for (const CompletionNode& node : nodes) {
    for (const Word& word : node.words) {
      if (!word.takes_value) continue;
      patterns[word.values].push_back(fmt::format("\"{} {}\"", node.path, word.text));
    }
  }
  std::string out;
  for (const auto& [values, options] : patterns) {
    out += fmt::format("    {}) {} ;;\n", fmt::join(options, "|"), assign(values));
  }
  return out;
}

std::string FishQuoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string FishValue(const Word& word) {
  if (!word.values.empty()) return " -x -a " + FishQuoted(word.values);
  return word.takes_value ? " -r" : "";
}

}  // namespace

std::vector<CompletionNode> CompletionNodes(const CLI::App& root) {
  std::vector<CompletionNode> nodes;
  AddNodes(root, "", root, nodes);
  return nodes;
}

std::string BashCompletion(const CLI::App& root) {
  std::vector<CompletionNode> nodes = CompletionNodes(root);
  std::string out =
      fmt::format(R"(# bash completion for dml; load it with: source <(dml completion bash)
_dml() {{
  local command="" words="" i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$command ${{COMP_WORDS[i]}}" in
      {})
        command="$command ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$command" in
)",
                  PathPatterns(nodes));
  for (const CompletionNode& node : nodes) {
    out += fmt::format("    \"{}\") words=\"{}\" ;;\n", node.path, JoinedWords(node));
  }
  out += R"(  esac
  case "$command ${COMP_WORDS[COMP_CWORD - 1]}" in
)";
  out += ValueCases(nodes, [](const std::string& v) { return fmt::format("words=\"{}\"", v); });
  out += R"(  esac
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _dml dml
)";
  return out;
}

std::string ZshCompletion(const CLI::App& root) {
  std::vector<CompletionNode> nodes = CompletionNodes(root);
  std::string out = fmt::format(R"(#compdef dml
# zsh completion for dml; load it with: source <(dml completion zsh)
_dml() {{
  local command="" word
  local -a candidates
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "$command $word" in
      {})
        command="$command $word" ;;
    esac
  done
  case "$command" in
)",
                                PathPatterns(nodes));
  for (const CompletionNode& node : nodes) {
    out += fmt::format("    \"{}\") candidates=({}) ;;\n", node.path, JoinedWords(node));
  }
  out += R"(  esac
  case "$command ${words[CURRENT-1]}" in
)";
  out += ValueCases(nodes, [](const std::string& v) { return fmt::format("candidates=({})", v); });
  out += R"(  esac
  compadd -- $candidates
  _files
}
if [ "$funcstack[1]" = "_dml" ]; then
  _dml "$@"
else
  compdef _dml dml
fi
)";
  return out;
}

std::string FishCompletion(const CLI::App& root) {
  std::vector<CompletionNode> nodes = CompletionNodes(root);
  std::string out = R"(# fish completion for dml; load it with: dml completion fish | source
function __dml_command
  set -l command ""
  set -l typed (commandline -opc)
  for word in $typed[2..-1]
    switch "$command $word"
      case)";
  for (const CompletionNode& node : nodes) {
    if (!node.path.empty()) out += fmt::format(" '{}'", node.path);
  }
  out += R"(
        set command "$command $word"
    end
  end
  echo "$command"
end
)";
  for (const CompletionNode& node : nodes) {
    for (const Word& word : node.words) {
      bool option = word.text.starts_with("--");
      out +=
          fmt::format("complete -c dml -n 'test (__dml_command) = \"{}\"' {} {}{} -d {}\n",
                      node.path, option ? "-l" : "-f -a", option ? word.text.substr(2) : word.text,
                      FishValue(word), FishQuoted(word.description));
    }
  }
  return out;
}

void AddCompletionCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("completion", "Completion of commands in a shell");
  struct Shell {
    CommandInfo info;
    std::string (*script)(const CLI::App&);
  };
  const Shell shells[] = {{{"bash", "For bash", "source <(dml completion bash)"}, BashCompletion},
                          {{"zsh", "For zsh", "source <(dml completion zsh)"}, ZshCompletion},
                          {{"fish", "For fish", "dml completion fish | source"}, FishCompletion}};
  for (const Shell& shell : shells) {
    std::string name = shell.info.name;
    tree.Add(noun, shell.info,
             [&tree, name, script = shell.script](Context&) -> absl::StatusOr<Reply> {
               Reply reply;
               std::string text = script(tree.root());
               reply.document = {{"shell", name}, {"script", text}};
               reply.text.Block(std::move(text));
               return reply;
             });
  }
}

}  // namespace dml
