// The text that `eval "$(stint shell bash)"` reads: a function `stint` that lets `stint assume` change the current
// shell, and completion of targets. It leaves no variable behind and never traces a secret.
import { quoteFor, type Shell } from './exporters.ts';

export type ShellName = 'bash' | 'zsh' | 'fish' | 'pwsh';

export const shellNames: readonly ShellName[] = ['bash', 'zsh', 'fish', 'pwsh'];

/** The language of export lines that a shell reads. */
export function languageOf(name: ShellName): Shell {
  return name === 'bash' || name === 'zsh' ? 'sh' : name;
}

// `command` skips the function of the same name. `set -x` is off while the lines with the keys are read.
const posixFunction = (run: string, name: ShellName): string => `stint() {
  if [ "\${1-}" != assume ]; then
    ${run} "$@"
    return
  fi
  local stint_lines stint_status=0 stint_trace=
  case $- in *x*) stint_trace=1; { set +x; } 2>/dev/null ;; esac
  stint_lines="$(STINT_SHELL=${name} ${run} "$@")" || stint_status=$?
  if [ "$stint_status" -eq 0 ]; then eval "$stint_lines"; fi
  if [ -n "$stint_trace" ]; then set -x; fi
  return "$stint_status"
}
`;

const bashCompletion = (run: string): string => `_stint() {
  COMPREPLY=()
  case "$COMP_CWORD:\${COMP_WORDS[1]-}" in
    1:*) COMPREPLY=($(compgen -W 'assume exec credentials ls whoami forget shell' -- "\${COMP_WORDS[1]}")) ;;
    2:assume | 2:exec | 2:credentials | 2:whoami | 2:forget)
      local name
      while IFS= read -r name; do
        case "$name" in "\${COMP_WORDS[2]}"*) COMPREPLY+=("$(printf %q "$name")") ;; esac
      done < <(${run} ls --names 2>/dev/null) ;;
  esac
}
complete -F _stint stint
`;

const zshCompletion = (run: string): string => `_stint() {
  if (( CURRENT == 2 )); then
    compadd assume exec credentials ls whoami forget shell
  elif (( CURRENT == 3 )); then
    case "\${words[2]}" in
      assume|exec|credentials|whoami|forget) compadd -- \${(f)"$(${run} ls --names 2>/dev/null)"} ;;
    esac
  fi
}
if (( \${+functions[compdef]} )); then compdef _stint stint; fi
`;

const fishFunction = (run: string): string => `function stint --description 'AWS access that ends on time'
    if test "$argv[1]" != assume
        ${run} $argv
        return $status
    end
    set -l stint_lines (STINT_SHELL=fish ${run} $argv | string collect)
    set -l stint_status $pipestatus[1]
    if test $stint_status -eq 0
        eval $stint_lines
    end
    return $stint_status
end
complete -c stint -f -n '__fish_is_first_token' -a 'assume exec credentials ls whoami forget shell'
complete -c stint -f -n '__fish_seen_subcommand_from assume exec credentials whoami forget' -a '(${run} ls --names 2>/dev/null)'
`;

const pwshFunction = (run: string): string => `function stint {
  if ($args.Count -eq 0 -or $args[0] -ne 'assume') { & ${run} @args; return }
  $stintBefore = $env:STINT_SHELL
  try {
    $env:STINT_SHELL = 'pwsh'
    $stintLines = & ${run} @args
    if ($LASTEXITCODE -eq 0 -and $stintLines) { $stintLines -join "\`n" | Invoke-Expression }
  } finally {
    if ($null -eq $stintBefore) { Remove-Item -ErrorAction SilentlyContinue Env:STINT_SHELL } else { $env:STINT_SHELL = $stintBefore }
  }
}
`;

/**
 * The text for one shell. `program` is how Stint is started: undefined for `stint` found in PATH, else the words of
 * a command (Node and the script).
 */
export function shellFunction(name: ShellName, program: readonly string[] | undefined): string {
  const language = languageOf(name);
  const quoted = program?.map((word) => quoteFor(language, word)).join(' ');
  const run = quoted ?? (name === 'pwsh' ? '(Get-Command -CommandType Application stint)[0]' : 'command stint');
  const texts: Readonly<Record<ShellName, () => string>> = {
    bash: () => posixFunction(run, name) + bashCompletion(run),
    zsh: () => posixFunction(run, name) + zshCompletion(run),
    fish: () => fishFunction(run),
    pwsh: () => pwshFunction(run),
  };
  return texts[name]();
}
