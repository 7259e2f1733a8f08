// Puts together the text that `eval "$(stint shell bash)"` reads, from the files in shell/: a function `stint` that lets
// `stint assume` change the current shell and starts no program where the index of sessions answers; completion; prompt.
import { languageOf, quoteFor, type ShellName } from '../assume/index.ts';
import { cliFile } from './place.ts';

/** One line of shell/words.txt: a command, what its argument is, the words that may follow it. */
interface CommandWords {
  readonly command: string;
  readonly kind: string;
  /** Subcommands, or options; `=` ends an option with a value. */
  readonly words: readonly string[];
}

function part(name: string): string {
  const text = process.getBuiltinModule('node:fs').readFileSync(cliFile(`shell/${name}`), 'utf8');
  // Every shell that starts reads it all: comments are for the sources.
  return text.replaceAll(/^\s*#.*\n|^\n/gm, '');
}

function commandWords(): readonly CommandWords[] {
  const lines = part('words.txt').trimEnd().split('\n');
  return lines.map((line) => {
    const [command = '', kind = '', words = ''] = line.split('|');
    return { command, kind, words: words.split(' ').filter((word) => word !== '') };
  });
}

/** `_stint_words COMMAND`: sets what may follow it, or fails for what is no command. */
function posixWords(): string {
  const cases = commandWords().map(({ command, kind, words }) => {
    const plain = words.map((word) => word.replace(/=$/, '')).join(' ');
    const valued = words.flatMap((word) => (word.endsWith('=') ? [word.slice(0, -1)] : [])).join(' ');
    return `'${command}') stint_kind='${kind}' stint_list='${plain}' stint_valued=' ${valued} ' ;;`;
  });
  return `_stint_words() {\ncase $1 in\n${cases.join('\n')}\n*) return 1 ;;\nesac\n}\n`;
}

function fishWords(): string {
  const seen = (command: string): string => `"__stint_at ${command}"`;
  return commandWords()
    .flatMap(({ command, kind, words }) => {
      const target = kind === 'target' ? [`complete -c stint -n ${seen(command)} -a '(__stint_targets)'`] : [];
      const plain = words.filter((word) => !word.startsWith('--'));
      const verbs = plain.length === 0 ? [] : [`complete -c stint -n ${seen(command)} -a '${plain.join(' ')}'`];
      const options = words
        .filter((word) => word.startsWith('--'))
        .map((word) => `complete -c stint -n ${seen(command)} -l ${word.slice(2).replace(/=$/, ' -r -F')}`);
      return [...target, ...verbs, ...options];
    })
    .join('\n')
    .concat('\n');
}

/** What differs between bash and zsh. */
const posixTerms: Readonly<Record<'bash' | 'zsh', Readonly<Record<string, string>>>> = {
  bash: {
    NAME: 'bash',
    BEGIN: ':',
    EXEC: 'exec',
    FOUND: 'type -P',
    SHOWN: ':',
    NOW: `stint_now=\${EPOCHSECONDS-}; [ -n "$stint_now" ] || printf -v stint_now '%(%s)T' -1 2>/dev/null || stint_now=$(date +%s)`,
  },
  zsh: {
    NAME: 'zsh',
    BEGIN: 'emulate -L zsh',
    EXEC: 'exec command',
    FOUND: 'whence -p',
    // Prompts of zsh expand `%`.
    SHOWN: 'stint_text=${stint_text//\\%/%%}',
    NOW: 'zmodload -F zsh/datetime p:EPOCHSECONDS; stint_now=$EPOCHSECONDS',
  },
};

function fill(text: string, terms: Readonly<Record<string, string>>): string {
  return text.replaceAll(/@([A-Z]+)@/g, (whole, name: string) => terms[name] ?? whole);
}

function posix(name: 'bash' | 'zsh', program: string): string {
  const text = part('ready.sh') + part('posix.sh') + posixWords() + part(`${name}.sh`);
  return fill(text, { ...posixTerms[name], STINT: program });
}

/**
 * The text for one shell. `program` is how Stint is started: undefined for `stint` found in PATH, else the words of
 * a command (Node and the script).
 */
export function shellText(name: ShellName, program: readonly string[] | undefined): string {
  const quoted = program?.map((word) => quoteFor(languageOf(name), word)).join(' ');
  if (name === 'bash' || name === 'zsh') return posix(name, quoted ?? 'stint');
  if (name === 'fish') return fill(part('stint.fish') + fishWords(), { STINT: quoted ?? 'stint' });
  return fill(part('stint.ps1'), {
    STINT: quoted ?? '(Get-Command -CommandType Application stint)[0]',
    WORDS: commandWords()
      .map(
        ({ command, kind, words }) =>
          `'${command}' = '${[kind, ...words.map((word) => word.replace(/=$/, ''))].join(' ')}'`,
      )
      .join('\n'),
  });
}

/** The text of the script `stint-credentials`. */
export function credentialsScript(): string {
  return `#!/bin/sh\n${part('ready.sh')}${part('stint-credentials.sh')}`;
}
