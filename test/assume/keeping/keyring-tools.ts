// Stand-ins for the tools of the platforms' keyrings: shell scripts that take the words and speak the answers of the
// real ones, keep their entries in files, and write down every argument and how often they were run.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// `secret-tool store|lookup|clear`: https://manpages.debian.org/secret-tool
const secretTool = `
case $1 in
  store) shift 3; cat > "$STORE/$(entry "$*")" ;;
  lookup) shift; cat "$STORE/$(entry "$*")" 2>/dev/null || exit 1 ;;
  clear) shift; rm "$STORE/$(entry "$*")" 2>/dev/null || exit 1 ;;
  *) echo "usage: secret-tool store --label='label' attribute value ..." >&2; exit 2 ;;
esac`;

// `security`: -i reads commands from its input and ends with 0; an item that is not there is 44.
const security = `
missing() { echo 'security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain.' >&2; exit 44; }
case $1 in
  -i) read -r verb update s service a account l label w key
      [ "$verb $update $s $a $l $w" = 'add-generic-password -U -s -a -l -w' ] || { echo usage >&2; exit 0; }
      [ -e "$STORE/locked" ] || printf %s "$key" > "$STORE/$(entry "$service $account")" ;;
  find-generic-password) [ "$6" = -w ] || exit 2
      cat "$STORE/$(entry "$3 $5")" 2>/dev/null || missing; echo ;;
  delete-generic-password) rm "$STORE/$(entry "$3 $5")" 2>/dev/null || missing ;;
  *) exit 2 ;;
esac`;

// `pass`: https://git.zx2c4.com/password-store/about/
const pass = `
missing() { echo "Error: $1 is not in the password store." >&2; exit 1; }
case $1 in
  show) cat "$STORE/$(entry "$2")" 2>/dev/null || missing "$2" ;;
  insert) [ "$2 $3" = '--multiline --force' ] || exit 1; cat > "$STORE/$(entry "$4")" ;;
  rm) [ "$2" = --force ] || exit 1; rm "$STORE/$(entry "$3")" 2>/dev/null || missing "$3" ;;
  *) exit 1 ;;
esac`;

const bodies = { 'secret-tool': secretTool, security, pass } as const;

export interface KeyringTools {
  /** PATH with the tools before what it was. */
  readonly path: string;
  /** Every line of arguments so far. */
  readonly calls: () => readonly string[];
  /** Makes every tool fail with those words, or work again. */
  readonly lock: (complaint: string | undefined) => void;
  readonly store: string;
}

/** Puts the three tools into a folder. */
export function keyringTools(folder: string): KeyringTools {
  const [bin, store, log] = [join(folder, 'bin'), join(folder, 'store'), join(folder, 'calls')];
  mkdirSync(bin, { recursive: true });
  mkdirSync(store);
  writeFileSync(log, '');
  for (const [name, body] of Object.entries(bodies)) {
    const script = `#!/bin/sh
STORE='${store}'
entry() { printf %s "${name} $1" | tr ' /' '__'; }
echo "${name} $*" >> '${log}'
env >> '${log}.env'
if [ -e '${folder}/complaint' ]; then cat '${folder}/complaint' >&2; exit 1; fi
${body}
`;
    writeFileSync(join(bin, name), script);
    chmodSync(join(bin, name), 0o755);
  }
  const complaint = join(folder, 'complaint');
  return {
    path: `${bin}:${process.env['PATH'] ?? ''}`,
    store,
    calls: () => readFileSync(log, 'utf8').trim().split('\n').filter(Boolean),
    lock: (text) => {
      if (text === undefined) process.getBuiltinModule('node:fs').rmSync(complaint);
      else writeFileSync(complaint, text);
    },
  };
}
