// Becoming a role, timed as a person and an SDK have it: whole processes from start to end, all in turn in each round so
// that the machine's moods meet all of them, medians. Built Stint beside /bin/true, an empty Node, and the tools of
// bench/other-tools.ts that the machine has.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { signRequest } from '../src/assume/index.ts';
import { Secret } from '../src/base/index.ts';
import { shellText } from '../src/cli/shell-text.ts';
import { buildHot } from '../tools/hot-bundles.ts';
import { startStint } from './contestants.ts';
import { has, otherTools, startListener, type Contender, type Variables } from './other-tools.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '21' }, dist: { type: 'string', default: 'dist' } },
});
const rounds = Number(values.rounds);
const cli = resolve(values.dist, 'cli');
const folder = mkdtempSync(join(tmpdir(), 'stint-bench-assume-'));

function median(numbers: readonly number[]): number {
  return [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)]!;
}

/** A home whose files were written long ago. */
function home(name: string, config: string, credentials: string): Variables {
  const place = join(folder, name);
  mkdirSync(join(place, '.aws'), { recursive: true });
  const past = new Date(Date.now() - 3_600_000);
  for (const [file, text] of Object.entries({ config, credentials })) {
    writeFileSync(join(place, '.aws', file), text);
    utimesSync(join(place, '.aws', file), past, past);
  }
  utimesSync(join(place, '.aws'), past, past);
  const { PATH = '' } = process.env;
  return {
    HOME: place,
    USER: 'bench',
    PATH: `${resolve('node_modules/.bin')}:${PATH}`,
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
  };
}

function profiles(count: number): string {
  const one = (index: number): string =>
    `[profile account${index}-${['dev', 'test', 'prod'][index % 3]!}]\nrole_arn = arn:aws:iam::${100_000_000_000 + index}:role/admin\nsource_profile = central\nregion = eu-west-1\n`;
  return Array.from({ length: count }, (_, index) => one(index)).join('');
}

function timed({ words: [command, ...args], env, name }: Contender): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(command!, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const took = performance.now() - began;
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr.toString()}`);
  return took;
}

/** Milliseconds of each, all in turn. */
function race(contenders: readonly Contender[]): ReadonlyMap<string, number> {
  const taken = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let round = -1; round < rounds; round++) {
    for (const contender of contenders) {
      contender.before?.();
      const took = timed(contender);
      // The first round warms the disk.
      if (round >= 0) taken.get(contender.name)!.push(took);
    }
  }
  return new Map([...taken].map(([name, times]) => [name, median(times)]));
}

/** Median milliseconds of what a shell does by itself, timed by its own clock. */
function inShell(shell: 'bash' | 'zsh', env: Variables, prepare: string, work: string): number {
  const clock = shell === 'zsh' ? 'zmodload zsh/datetime\n' : '';
  const script = `${clock}${shellText(shell, [process.execPath, join(cli, 'main.js')])}\n${prepare}\n{ ${work}; } >/dev/null 2>&1
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do
  began=$EPOCHREALTIME; { ${work}; } >/dev/null 2>&1; ended=$EPOCHREALTIME; echo "$began $ended"
done`;
  const file = join(folder, `script.${shell}`);
  writeFileSync(file, script);
  const out = execFileSync(shell, shell === 'zsh' ? ['-f', file] : ['--norc', file], { env, encoding: 'utf8' });
  const pairs = out
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number) as [number, number]);
  return median(pairs.map(([began, ended]) => (ended - began) * 1000));
}

function row(what: string, reached: string, goal: string): void {
  console.log(`| ${what} | ${reached} | ${goal} |`);
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What no tool can do without: one AssumeRole, signed before, sent by an empty Node that reads the answer. */
function theCall(endpoint: string, keys: Keys): string {
  const url = new URL(endpoint);
  const body = `Action=AssumeRole&Version=2011-06-15&RoleArn=${encodeURIComponent(roleArn)}&RoleSessionName=bench`;
  const headers = signRequest(
    { method: 'POST', url, headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }, body },
    { accessKeyId: keys.accessKeyId, secretAccessKey: new Secret(keys.secretAccessKey) },
    { service: 'sts', region: 'us-east-1', now: Date.now() },
  );
  return `const { request } = process.getBuiltinModule('node:${url.protocol.slice(0, -1)}');
const sent = request(${JSON.stringify(endpoint)}, { method: 'POST', headers: ${JSON.stringify(headers)} }, (answer) => {
  answer.setEncoding('utf8').on('data', () => {}).on('end', () => (process.exitCode = answer.statusCode === 200 ? 0 : 1));
});
sent.end(${JSON.stringify(body)});`;
}

/** The row of such a call. AWS takes a signature for minutes only. */
function calling(name: string, keys: Keys, env: Variables): Contender {
  const file = join(folder, `${name}.cjs`);
  const before = (): void => writeFileSync(file, theCall(env['AWS_ENDPOINT_URL']!, keys));
  return { name, words: [process.execPath, file], env, before };
}

const tls = resolve('test/broker/fixtures/tls/one');

/** The embedded AWS behind TLS, as AWS itself always is: a process of its own hands the bytes on. */
async function startTls(endpoint: string): Promise<{ readonly endpoint: string } & Disposable> {
  const { hostname, port } = new URL(endpoint);
  const script = `const { readFileSync } = require('node:fs');
const server = require('node:tls').createServer({ key: readFileSync('${tls}.key'), cert: readFileSync('${tls}.crt') }, (from) => {
  const to = require('node:net').connect(${port}, '${hostname}');
  for (const [one, other] of [[from, to], [to, from]]) one.setNoDelay().on('error', () => other.destroy()).pipe(other);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const { port: listening, [Symbol.dispose]: end } = await startListener(script);
  return { endpoint: `https://127.0.0.1:${listening}`, [Symbol.dispose]: end };
}

const roleArn = 'arn:aws:iam::222222222222:role/OrganizationAccountAccessRole';

async function main(): Promise<void> {
  using cloud = await startStint(join(cli, 'main.js'));
  const { accessKeyId, secretAccessKey } = cloud.keys;
  const role = `role_arn = ${roleArn}\nsource_profile = central\n`;
  const keys = `[central]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  const env = { ...home('one', `[profile dev]\n${role}`, keys), AWS_ENDPOINT_URL: cloud.endpoint };
  const cold: Variables = { ...home('cold', `[profile dev]\n${role}`, keys), AWS_ENDPOINT_URL: cloud.endpoint };
  using front = await startTls(cloud.endpoint);
  // The certificate beside those that Node brings, which a call to AWS needs.
  const secure: Variables = { ...cold, AWS_ENDPOINT_URL: front.endpoint, NODE_EXTRA_CA_CERTS: `${tls}.crt` };
  const stint = join(cli, 'main.js');
  const script = join(cli, 'stint-credentials');
  const thousand = home('thousand', profiles(1000), keys);
  const many = home('many', profiles(10_000), keys);
  const ours = { ...home('others', `[profile dev]\n${role}`, keys), AWS_ENDPOINT_URL: cloud.endpoint };
  const vault = join(folder, 'vault');
  mkdirSync(vault);
  using others = await otherTools({ env: ours, thousand, keys: cloud.keys, folder: vault });
  execFileSync(process.execPath, [stint, 'credentials', 'dev'], { env });
  execFileSync(process.execPath, [stint, 'ls', '--names'], { env: thousand });
  const forget = (): void => rmSync(join(cold['HOME']!, '.cache'), { recursive: true, force: true });
  const forgetRows = (): void => rmSync(join(many['HOME']!, '.cache/stint/sessions/ready/rows'), { force: true });
  const node = process.execPath;
  const times = race([
    { name: '/bin/true', words: ['/bin/true'], env },
    { name: 'node -e 0', words: [node, '-e', '0'], env },
    { name: 'credentials', words: [script, 'dev'], env },
    { name: 'exec', words: [node, stint, 'exec', 'dev', '--', '/bin/true'], env },
    { name: 'node then true', words: [node, '-e', 'process.execve("/bin/true", ["true"], {})'], env },
    ...([cold, secure] as const).flatMap((env, at) => {
      const by = at === 0 ? '' : ' by TLS';
      return [
        calling(`call${by}`, cloud.keys, env),
        { name: `cold${by}`, words: [script, 'dev'], env, before: forget },
        {
          name: `cold assume${by}`,
          words: [node, stint, 'assume', 'dev'],
          env: { ...env, STINT_SHELL: 'bash' },
          before: forget,
        },
      ];
    }),
    {
      name: 'cold, first',
      words: [script, 'dev'],
      env: { ...cold, NODE_DISABLE_COMPILE_CACHE: '1' },
      before: forget,
    },
    { name: 'ls', words: [node, stint, 'ls'], env: many },
    { name: 'ls anew', words: [node, stint, 'ls'], env: many, before: forgetRows },
    { name: 'shell', words: [node, stint, 'shell', 'bash'], env },
    ...others.contenders,
  ]);
  const bare = times.get('node -e 0')!;
  const assume = (shell: 'bash' | 'zsh'): number => inShell(shell, env, '', 'stint assume dev');
  const complete = inShell('bash', thousand, '', 'COMP_WORDS=(stint assume account1); COMP_CWORD=2; _stint');
  console.log('| What | Median | Goal |\n|---|---|---|');
  row('/bin/true', ms(times.get('/bin/true')!), '');
  row('`node -e 0`', ms(bare), '');
  row('cached `stint assume` in bash', ms(assume('bash')), '5 ms');
  if (has('zsh')) row('cached `stint assume` in zsh', ms(assume('zsh')), '5 ms');
  row('cached `stint-credentials`', ms(times.get('credentials')!), '8 ms');
  row(
    'cached `stint exec`, without the function',
    `${ms(times.get('exec')!)}, ${(times.get('exec')! / bare).toFixed(2)} x`,
    '1.3 x',
  );
  row('cached `stint exec` in bash', ms(inShell('bash', env, '', 'stint exec dev -- /bin/true')), '');
  for (const by of ['', ' by TLS']) {
    const call = times.get(`call${by}`)!;
    row(`one AssumeRole${by}, signed before and sent by an empty Node`, ms(call), '');
    for (const [name, what, goal] of [
      [`cold${by}`, `a role not kept yet${by}, \`stint-credentials\``, 'that + 20 ms'],
      [`cold assume${by}`, `a role not kept yet${by}, \`stint assume\``, 'that + 20 ms'],
      ...(by === '' ? ([['cold, first', 'the same, before there is compiled code', '']] as const) : []),
    ] as const)
      row(what, `${ms(times.get(name)!)}, that + ${ms(times.get(name)! - call)}`, goal);
  }
  row('completion over 1,000 profiles in bash', ms(complete), '10 ms');
  row('`stint ls` over 10,000 targets', ms(times.get('ls')!), '150 ms');
  row('the same after a change of `~/.aws/config`', ms(times.get('ls anew')!), '150 ms');
  row('`stint shell bash`, at the start of a shell', ms(times.get('shell')!), '');
  for (const { name } of others.contenders) row(name, ms(times.get(name)!), '');
  console.log('\nWhat each loads:');
  for (const { metafile } of (await buildHot(false)).results) {
    for (const [file, { bytes, inputs }] of Object.entries(metafile!.outputs)) {
      const packages = Object.keys(inputs).filter((name) => name.includes('node_modules'));
      const told = packages.length === 0 ? 'no package' : packages.join(', ');
      if (/\.c?js$/.test(file))
        console.log(`${file}: ${Math.round(bytes / 1000)} kB, ${Object.keys(inputs).length} modules, ${told}`);
    }
  }
}

try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
