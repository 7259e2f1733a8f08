// Passwords of people: how they are kept and compared. scrypt runs on Node's own threads, so that a
// login never stops the server. bcrypt is here for hashes that were made elsewhere (`password_hash`),
// which is all that somebody brings along who comes from Vault.
import { scrypt, timingSafeEqual } from 'node:crypto';
import type { Random } from '../../base/index.ts';
import { brokerFailure } from '../failures.ts';

/** 32 MiB and about 60 ms per try: as much as the bcrypt of cost 10 that Vault uses. */
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const keyBytes = 32;

/** `htpasswd -B` makes 5; each step more doubles what a wrong password costs us. */
const bcryptCosts = { least: 5, most: 12 };
const bcryptPattern = /^\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{53}$/;

export async function hashPassword(password: string, random: Random): Promise<string> {
  const salt = Buffer.from(random.bytes(16));
  const key = await derive(password, salt);
  return `scrypt$${salt.toString('base64')}$${key.toString('base64')}`;
}

/**
 * Whether `password` is the one that was kept. Without a hash the answer is no and takes as long, so
 * that nobody learns which names exist.
 */
export async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  if (hash?.startsWith('$2')) return compareBcrypt(password, hash);
  const [, salt = '', key = ''] = hash?.split('$') ?? [];
  const derived = await derive(password, Buffer.from(salt, 'base64'));
  const kept = Buffer.from(key, 'base64');
  return kept.length === keyBytes && timingSafeEqual(derived, kept);
}

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyBytes, cost, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

async function compareBcrypt(password: string, hash: string): Promise<boolean> {
  const { compare } = await import('bcryptjs');
  return compare(password, hash);
}

/** @throws Failure `bad-request` for a `password_hash` that is no bcrypt, or costs too little or too much. */
export function checkBcrypt(hash: string): void {
  const [, digits] = bcryptPattern.exec(hash) ?? [];
  if (digits === undefined) throw brokerFailure('bad-request', 'password_hash is not a valid bcrypt hash');
  const { least, most } = bcryptCosts;
  const given = Number(digits);
  if (given < least) {
    throw brokerFailure('bad-request', `bcrypt cost of ${given} is too low, want ${least} at minimum`);
  }
  if (given > most) {
    throw brokerFailure('bad-request', `bcrypt cost of ${given} exceeds maximum cost of ${most}`);
  }
}
