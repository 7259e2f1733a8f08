// The tools that people use today, made ready for bench/assume.ts: AWSume and boto3 where `npm run test:clients` has
// installed them, aws-vault and granted where the machine has them. Each has a home of its own.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export type Variables = Record<string, string>;

/** One whole process that is timed from start to end. */
export interface Contender {
  readonly name: string;
  readonly words: readonly string[];
  readonly env: Variables;
  /** Before each run, not timed. */
  readonly before?: () => void;
}

/** What a tool is made ready with. */
export interface Place {
  /** Variables with a home whose `dev` is a role by the keys of `central`, and the endpoint of the embedded AWS. */
  readonly env: Variables;
  /** The same with 1,000 profiles. */
  readonly thousand: Variables;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** An empty folder. */
  readonly folder: string;
}

/** True when the shell finds `command`. */
export const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

const boto = `import botocore.session
from botocore.utils import JSONFileCache
session = botocore.session.Session(profile='dev')
session.get_component('credential_provider').get_provider('assume-role').cache = JSONFileCache()
session.get_credentials().get_frozen_credentials()`;

function pythons({ env }: Place): readonly Contender[] {
  const bin = resolve('.cache/clients/bin');
  const [python, awsume] = [join(bin, 'python'), join(bin, 'awsumepy')];
  if (!existsSync(python)) return [];
  const there = { ...env, PATH: `${bin}:${env['PATH']!}` };
  return [
    { name: 'boto3, role kept in its file cache', words: [python, '-c', boto], env: there },
    { name: '`awsume dev`', words: [awsume, 'dev'], env: there },
    { name: '`awsume -v`', words: [awsume, '-v'], env: there },
  ];
}

/** aws-vault with its encrypted files, as on a machine without a keyring. It asks STS for a role without MFA each time. */
function awsVault({ env, thousand, keys, folder }: Place): readonly Contender[] {
  if (!has('aws-vault')) return [];
  const files = { AWS_VAULT_BACKEND: 'file', AWS_VAULT_FILE_PASSPHRASE: 'bench', AWS_VAULT_FILE_DIR: folder };
  const there = { ...env, ...files };
  const own = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
  execFileSync('aws-vault', ['add', 'central', '--env'], { env: { ...there, ...own }, stdio: 'ignore' });
  return [
    { name: '`aws-vault exec dev`', words: ['aws-vault', 'exec', 'dev', '--', '/bin/true'], env: there },
    { name: '`aws-vault list`, 1,000 profiles', words: ['aws-vault', 'list'], env: { ...thousand, ...files } },
    {
      name: 'aws-vault, completion over 1,000 profiles',
      words: ['aws-vault', '--completion-bash', 'exec', 'account1'],
      env: { ...thousand, ...files },
    },
  ];
}

/** A process of its own that runs `script`, which prints the port of 127.0.0.1 that it listens at. */
export async function startListener(script: string): Promise<{ readonly port: string } & Disposable> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: line.toString().trim(), [Symbol.dispose]: () => void child.kill() };
}

const sts = 'sts.eu-west-1.amazonaws.com';

/** A proxy that answers as STS of eu-west-1: granted calls it by its own name and heeds no other endpoint. */
async function stsProxy(endpoint: string, folder: string): Promise<{ readonly variables: Variables } & Disposable> {
  const [key, cert] = [join(folder, 'sts.key'), join(folder, 'sts.crt')];
  const subject = ['-subj', `/CN=${sts}`, '-addext', `subjectAltName=DNS:${sts}`];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const { hostname, port } = new URL(endpoint);
  const script = `const { readFileSync } = require('node:fs');
const { connect } = require('node:net');
const both = (one, other) => { for (const [from, to] of [[one, other], [other, one]]) from.setNoDelay().on('error', () => to.destroy()).pipe(to); };
const tls = require('node:tls').createServer({ key: readFileSync('${key}'), cert: readFileSync('${cert}') }, (from) => both(from, connect(${port}, '${hostname}')));
const proxy = require('node:http').createServer().on('connect', (asked, from) => {
  from.write('HTTP/1.1 200 OK\\r\\n\\r\\n');
  both(from, connect(tls.address().port, '127.0.0.1'));
});
tls.listen(0, '127.0.0.1', () => proxy.listen(0, '127.0.0.1', () => console.log(proxy.address().port)));`;
  const { port: listening, [Symbol.dispose]: end } = await startListener(script);
  const variables = { HTTPS_PROXY: `http://127.0.0.1:${listening}`, SSL_CERT_FILE: cert };
  return { variables, [Symbol.dispose]: end };
}

/** granted by its program (`assume` is a shell function around it), its sessions in encrypted files. */
function granted({ env, thousand }: Place, proxy: Variables): readonly Contender[] {
  const more = {
    ...proxy,
    GRANTED_ALIAS_CONFIGURED: 'true',
    CF_KEYRING_FILE_PASSWORD: 'bench',
    FORCE_NO_ALIAS: 'true',
  };
  for (const home of [env['HOME']!, thousand['HOME']!]) {
    // A program that was built by hand calls its folder `.dgranted`.
    for (const name of ['.granted', '.dgranted']) {
      mkdirSync(join(home, name), { recursive: true });
      const file = join(home, name, 'keys');
      const keyring = `[Keyring]\nBackend = "file"\nFileDir = "${file}"\n`;
      writeFileSync(join(home, name, 'config'), `DefaultBrowser = "STDOUT"\nOrdering = ""\n${keyring}`);
    }
  }
  return [
    {
      name: 'granted, `assume dev --exec`',
      words: ['assumego', 'dev', '--exec', '/bin/true'],
      env: { ...env, ...more },
    },
    {
      name: 'granted, completion over 1,000 profiles',
      words: ['assumego', '--generate-bash-completion'],
      env: { ...thousand, ...more },
    },
  ];
}

/**
 * Every tool that is there and ends well; of one that does not, it is said.
 * @returns the contenders, and what ends the process that one of them needs.
 */
export async function otherTools(place: Place): Promise<{ readonly contenders: readonly Contender[] } & Disposable> {
  const found = [...pythons(place), ...awsVault(place)];
  const proxy =
    has('assumego') && has('openssl') ? await stsProxy(place.env['AWS_ENDPOINT_URL']!, place.folder) : undefined;
  if (proxy !== undefined) found.push(...granted(place, proxy.variables));
  const contenders = found.filter(({ name, words: [command, ...args], env }) => {
    const { status, stderr } = spawnSync(command!, args, { env, encoding: 'utf8' });
    if (status !== 0) console.log(`not measured: ${name} ended with ${status}: ${stderr.trim()}`);
    return status === 0;
  });
  return { contenders, [Symbol.dispose]: () => proxy?.[Symbol.dispose]() };
}
