// What the shells do by themselves from kept sessions: bash, zsh and fish started for real, with a `stint` that writes down
// each start of it. Complaints about other tools have the numbers of their list, and repository and issue.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isoSeconds } from '../../src/base/index.ts';
import { shellText } from '../../src/cli/shell-text.ts';
import { languageOf, type ShellName } from '../../src/assume/shell-function.ts';
import { age } from '../assume/ready-support.ts';
import {
  childEnvironment,
  mainFile,
  runProgram,
  startSts,
  temporaryHome,
  type CountingSts,
  type Ended,
} from '../assume/support.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

const nasty = `$(touch pwned) 'x"`;
const config = `[profile central]
output = json
[profile dev]
role_arn = arn:aws:iam::222222222222:role/test_role
source_profile = central
region = eu-west-1
[profile prod]
role_arn = arn:aws:iam::444444444444:role/admin
source_profile = central
[profile my dev]
role_arn = arn:aws:iam::222222222222:role/other
source_profile = central
[profile ${nasty}]
role_arn = arn:aws:iam::222222222222:role/quoted
source_profile = central
`;

interface Place {
  readonly home: string;
  readonly sts: CountingSts;
  readonly env: Record<string, string>;
  /** Runs the lines in a shell that has evaluated its text; how often Stint was started is the first line of its answer. */
  readonly run: (
    shell: Shell,
    lines: string,
    env?: Record<string, string>,
  ) => Promise<Ended & { readonly starts: number }>;
}

async function place(t: TestContext): Promise<Place> {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  age(home);
  // fish sets USER by itself, to the name of the account it runs in.
  const env = { ...childEnvironment(home, sts), USER: process.env['USER'] ?? 'root' };
  const bin = join(home, '.cache', 'bin');
  mkdirSync(bin, { recursive: true });
  const starts = join(bin, 'starts');
  const program = join(bin, 'stint');
  writeFileSync(program, `#!/bin/sh\necho start >>'${starts}'\nexec '${process.execPath}' '${mainFile}' "$@"\n`);
  chmodSync(program, 0o755);
  return {
    home,
    sts,
    env,
    run: async (shell, lines, more = {}) => {
      const script = join(home, '.cache', `script.${shell}`);
      writeFileSync(script, `${shellText(shell, [program])}\n${lines}\n`);
      rmSync(starts, { force: true });
      const quiet = shell === 'fish' ? ['--no-config'] : [];
      const ended = await runProgram(shell, [...quiet, script], { ...env, ...more }, home);
      const count = existsSync(starts) ? readFileSync(starts, 'utf8').split('\n').length - 1 : 0;
      return { ...ended, starts: count };
    },
  };
}

/** A definition with one role, `dev/reader`, that ends at that second. */
function endingDefinition(ends: number): string {
  return `version: 1
accounts: { dev: { id: "222222222222", stage: dev }, central: { id: "111111111111", stage: central, central: true } }
groups: { developers: {} }
roles: { reader: { in: [dev], trust: [{ group: developers }], expires: "${isoSeconds(ends * 1000)}" } }
`;
}

/** With `CI=true` no shell may be missing. */
function skipWithout(shell: Shell): string | false {
  if (process.env['CI'] === 'true') return false;
  const found = (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, shell)));
  return found ? false : `${shell} is not installed here`;
}

/** A line in the words of the shell: `quoted` is one word, whatever is in it. */
const quoted: Readonly<Record<Shell, (text: string) => string>> = {
  bash: (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`,
  zsh: (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`,
  fish: (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`,
};

for (const shell of shells) {
  const word = quoted[shell];
  const here = { skip: skipWithout(shell) };
  const variables = shell === 'fish' ? 'set -n' : 'set';

  test(
    `${shell}: kept sessions are put into the shell, printed and given to commands without starting Stint`,
    here,
    async (t) => {
      const { run, sts, home } = await place(t);
      await run(
        shell,
        ['dev', 'prod', nasty].map((target) => `stint credentials ${word(target)} >/dev/null`).join('\n'),
      );
      const calls = sts.calls.length;
      const lines = ['dev', 'prod', nasty, 'dev']
        .map((target) => `stint assume ${word(target)}\necho "$STINT_TARGET|$AWS_REGION|$AWS_ACCESS_KEY_ID"`)
        .join('\n');
      const direct = `stint exec prod -- sh -c 'echo "$STINT_TARGET|$AWS_REGION"; exit 7'\necho ${shell === 'fish' ? '$status' : '$?'}\nstint credentials dev`;
      const { stdout, stderr, starts } = await run(shell, `${lines}\n${direct}\necho "$STINT_TARGET"`);
      const rows = stdout.trimEnd().split('\n');
      assert.deepEqual(
        rows.slice(0, 4).map((row) => row.replace(/ASIA0+/, '')),
        ['dev|eu-west-1|1', 'prod||2', `${nasty}||3`, 'dev|eu-west-1|1'],
        stderr,
      );
      assert.deepEqual(rows.slice(4, 6), ['prod|', '7']);
      assert.equal((JSON.parse(rows[6]!) as { Version: number }).Version, 1);
      assert.equal(rows[7], 'dev');
      assert.equal(starts, 0, stderr);
      assert.equal(sts.calls.length, calls);
      assert.equal(existsSync(join(home, 'pwned')), false);
    },
  );

  test(
    `${shell}: 29 (trek10inc/awsume#265): nothing is left in variables, and a trace shows no secret`,
    here,
    async (t) => {
      const { run } = await place(t);
      await run(shell, 'stint credentials dev >/dev/null');
      // fish's trace shows every value that is set, whoever sets it, so it is for people who know that.
      const [on, off] = shell === 'fish' ? ['', ''] : ['set -x', '{ set +x; } 2>/dev/null'];
      const { stdout, stderr, starts } = await run(
        shell,
        `stint assume dev\n${variables} | grep -i '^_*stint_' | grep -v '^STINT_[TO]'\n${on}\nstint assume dev\nstint credentials dev >/dev/null\nstint exec dev -- true\n${off}\necho done`,
      );
      assert.equal(stdout.replaceAll(/^_?stint\w* \(\).*$/gm, '').trim(), 'done');
      assert.doesNotMatch(stderr, /secret\/|token 1/);
      assert.equal(starts, 0);
    },
  );

  test(
    `${shell}: 25, 30 (trek10inc/awsume#52, #58, #108, #140, #188, 99designs/aws-vault#1266): the current shell has the session, in the same process, and lets go of it again`,
    here,
    async (t) => {
      const { run } = await place(t);
      const before = shell === 'fish' ? 'set before $fish_pid' : 'before=$$';
      const same = `test "$before" = ${shell === 'fish' ? '$fish_pid; or' : '$$ ||'} echo other`;
      const none = shell === 'fish' ? 'set -q AWS_ACCESS_KEY_ID; or echo none' : 'echo "${AWS_ACCESS_KEY_ID-none}"';
      const { stdout } = await run(
        shell,
        `${before}\nstint assume dev 2>/dev/null\n${same}\necho "$STINT_TARGET"\nstint assume --unset\n${none}`,
      );
      assert.equal(stdout, 'dev\nnone\n');
    },
  );

  const set = (name: string, value: string): string =>
    shell === 'fish' ? `set -gx ${name} '${value}'` : `export ${name}='${value}'`;
  const own = 'env | grep "^AWS_\\(PROFILE\\|REGION\\|DEFAULT_REGION\\|ACCESS_KEY_ID\\|SECRET_ACCESS_KEY\\)=" | sort';
  test(`${shell}: taking a session out of a shell that has none leaves keys and profile alone`, here, async (t) => {
    const { run } = await place(t);
    const { stdout, stderr, code } = await run(
      shell,
      `${set('AWS_ACCESS_KEY_ID', 'AKIA1')}\n${set('AWS_SECRET_ACCESS_KEY', 's')}\n${set('AWS_PROFILE', 'x')}\nstint assume --unset\n${own}`,
    );
    assert.equal(stdout, 'AWS_ACCESS_KEY_ID=AKIA1\nAWS_PROFILE=x\nAWS_SECRET_ACCESS_KEY=s\n', stderr);
    assert.match(stderr, /^note: this shell has no session of Stint/);
    assert.equal(code, 0);
  });

  test(
    `${shell}: profile and region that a shell began with are back after its sessions, kept ones too`,
    here,
    async (t) => {
      const { run } = await place(t);
      const start = [set('AWS_PROFILE', 'central'), set('AWS_REGION', 'us-east-1')].join('\n');
      await run(shell, `${start}\nstint credentials dev >/dev/null\nstint credentials prod >/dev/null\n`);
      const assume = ['dev', 'prod', 'dev'].map((target) => `stint assume ${target} 2>/dev/null\n`).join('');
      const { stdout, stderr, starts } = await run(
        shell,
        `${start}\n${assume}echo "$AWS_REGION"\nstint assume prod 2>/dev/null\necho "$AWS_REGION"\nstint assume --unset\n${own}`,
      );
      assert.deepEqual(
        stdout.trimEnd().split('\n'),
        ['eu-west-1', 'us-east-1', 'AWS_PROFILE=central', 'AWS_REGION=us-east-1'],
        stderr,
      );
      assert.equal(starts, 1, 'only to take it out');
    },
  );

  test(`${shell}: an edited config, another endpoint and forget send the shell to Stint`, here, async (t) => {
    const { run, home } = await place(t);
    await run(shell, 'stint credentials dev >/dev/null');
    const once = 'stint credentials dev >/dev/null';
    assert.equal((await run(shell, once)).starts, 0);
    assert.equal((await run(shell, once, { AWS_STS_REGIONAL_ENDPOINTS: 'legacy' })).starts, 1);
    await run(shell, 'stint forget dev 2>/dev/null');
    assert.equal((await run(shell, once)).starts, 1);
    assert.equal((await run(shell, once)).starts, 0);
    writeFileSync(join(home, '.aws', 'config'), `${config}# x\n`);
    assert.equal((await run(shell, once)).starts, 1);
  });

  test(
    `${shell}: 30, 32 (99designs/aws-vault#589, #1156): the prompt says the target and the minutes, and nothing without a session`,
    here,
    async (t) => {
      const { run } = await place(t);
      const { stdout, starts } = await run(
        shell,
        'stint_prompt; echo\nstint assume prod --quiet\nstint_prompt; echo\n' +
          (shell === 'fish' ? 'set -gx AWS_CREDENTIAL_EXPIRATION' : 'export AWS_CREDENTIAL_EXPIRATION=') +
          (shell === 'fish' ? ' ' : '') +
          '2020-02-29T12:00:00Z\nstint_prompt; echo\n',
      );
      assert.match(stdout, /^\n!prod (?:59|60)m\n!prod ended\n$/);
      assert.equal(starts, 1);
    },
  );

  test(`${shell}: a calculation in AWS_CREDENTIAL_EXPIRATION is not made`, here, async (t) => {
    const { run, home } = await place(t);
    const { stdout } = await run(shell, 'stint_prompt', {
      STINT_TARGET: 'dev',
      AWS_CREDENTIAL_EXPIRATION: 'a[$(touch pwned)]-01-01T00:00:00Z',
    });
    assert.equal(stdout, 'dev');
    assert.equal(existsSync(join(home, 'pwned')), false);
  });

  test(
    `${shell}: names, verbs and options are completed, names without starting Stint once they were listed`,
    here,
    async (t) => {
      const { run, home } = await place(t);
      const complete: Readonly<Record<Shell, (line: string) => string>> = {
        bash: (line) =>
          `COMP_WORDS=(${line.replace(/ $/, " ''")}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMP_LINE=${word(line)}; COMP_POINT=\${#COMP_LINE}; _stint; printf '%s\\n' "\${COMPREPLY[@]}" | sort | tr '\\n' ','; echo`,
        zsh: (line) =>
          `words=(${line.replace(/ $/, " ''")}); CURRENT=$#words; compadd() { [[ $1 == -a ]] && print -rl -- "\${(P@)2}" || print -rl -- "\${@[2,-1]}"; }; _stint | grep -F -- ${word(line.split(' ').at(-1)!)} | sort | tr '\\n' ','; echo`,
        fish: (line) => `complete -C ${word(line)} | string split -f 1 \\t | sort | string join ,; echo`,
      };
      const list = 'stint ls --names >/dev/null\n';
      const lines = ['stint assume d', 'stint assume --dur', 'stint forg', 'stint token ren'].map(complete[shell]);
      const { stdout, starts, stderr } = await run(shell, list + lines.join('\n'));
      const rows = stdout
        .split('\n')
        .map((row) => row.replace(/,$/, ''))
        .filter((row) => row !== '');
      const [first, ...rest] = rows;
      assert.ok(first!.split(',').includes('dev'), stdout + stderr);
      assert.deepEqual(rest, ['--duration', 'forget', 'renew'], stderr);
      assert.equal(starts, 1);
      // A list that ends by itself: of the definition of this folder, whose role ends.
      const ends = Math.floor(Date.now() / 1000) + 1800;
      writeFileSync(join(home, 'stint.config.yaml'), endingDefinition(ends));
      age(home);
      const asked = complete[shell]('stint assume dev/');
      const before = await run(shell, `${list}${asked}`);
      assert.deepEqual([before.stdout.replace(/[,\n]+$/, ''), before.starts], ['dev/reader', 1], before.stderr);
      // As if that time were over for the shell, whose clock nobody can turn.
      utimesSync(join(home, '.cache', 'stint', 'sessions', 'ready', `at.${ends}`), 1, 1);
      assert.equal((await run(shell, asked)).starts, 1);
    },
  );
}

test(
  'fish: a universal variable is told, hidden from commands of exec, and never erased',
  { skip: skipWithout('fish') },
  async (t) => {
    const { env, home } = await place(t);
    const settings = { ...env, XDG_CONFIG_HOME: join(home, '.cache', 'fish') };
    const script = join(home, '.cache', 'script.fish');
    const lines = ['stint assume dev', 'stint assume dev', 'stint exec dev -- env | grep ^AWS_PROFILE', 'set -U'];
    const text = shellText('fish', [process.execPath, mainFile]);
    writeFileSync(script, `${text}\nset -Ux AWS_PROFILE other\n${lines.join('\n')} | grep AWS`);
    const { stdout, stderr } = await runProgram('fish', [script], settings, home);
    assert.equal(stdout, 'AWS_PROFILE other\n', stderr);
    assert.equal(stderr.match(/^note: AWS_PROFILE is a universal variable/gm)?.length, 2, stderr);
    assert.equal((await runProgram('fish', ['-c', 'echo $AWS_PROFILE'], settings, home)).stdout, 'other\n');
  },
);

test('bash and zsh: scripts with `set -eu` may use the function; what fails ends them', async (t) => {
  const { run } = await place(t);
  for (const shell of ['bash', 'zsh'] as const) {
    if (skipWithout(shell) !== false) continue;
    const ended = await run(
      shell,
      'set -eu\nstint assume dev\nstint assume dev\necho "$STINT_TARGET"\nstint assume nowhere\necho never',
    );
    assert.deepEqual([ended.code, ended.stdout], [1, 'dev\n'], ended.stderr);
  }
});

test('26 (trek10inc/awsume#155): a script without the function evaluates what is printed', async (t) => {
  const { env, home } = await place(t);
  const script = `eval "$('${process.execPath}' '${mainFile}' assume dev --quiet)"; echo "$STINT_TARGET"`;
  assert.equal((await runProgram('sh', ['-c', script], env, home)).stdout, 'dev\n');
});

test('28 (trek10inc/awsume#22): a `stint` that is a shim of a version manager is found by its name', async (t) => {
  const { env, home } = await place(t);
  const text = shellText('bash', undefined);
  assert.ok(!text.includes(process.execPath));
  const script = `PATH=${join(home, '.cache', 'bin')}:$PATH\n${text}\nstint assume dev --quiet; echo "$STINT_TARGET"`;
  assert.equal((await runProgram('bash', ['-c', script], env, home)).stdout, 'dev\n');
});

test('31 (fwdcloudsec/granted#795): a shell that Stint does not speak is refused with those that it does', async (t) => {
  const { env } = await place(t);
  const { code, stdout, stderr } = await runProgram(process.execPath, [mainFile, 'shell', 'nu'], env);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /^error\[unknown-shell\].*\nhint: choose bash, zsh, fish, pwsh/);
});

test('27 (trek10inc/awsume#139, #131): the text for PowerShell evaluates what assume prints, gives back its exit code, and completes', () => {
  const golden = readFileSync(join(import.meta.dirname, 'golden', 'shell.ps1'), 'utf8');
  const words = /^'[^\n]*' = '[^\n]*'\n/gm;
  assert.equal(shellText('pwsh', ['/opt/node', "/opt/it's/main.js"]).replaceAll(words, ''), golden);
  assert.equal(languageOf('pwsh' satisfies ShellName), 'pwsh');
});
