// The key ring: the keys under which values are encrypted, by term. A new term is used for everything
// written from then on; old terms are kept, because values of theirs are not written anew.
import type { Millis, Random } from '../../base/index.ts';
import { brokerFailure } from '../failures.ts';
import { keyBytes } from './record.ts';

/** When a new term is due. */
export interface RotationConfig {
  readonly enabled: boolean;
  /** A term encrypts so many values at most. */
  readonly maxOperations: number;
  /** 0: however old a term is. */
  readonly intervalSeconds: number;
}

interface KeyTerm {
  /** Base64 of 32 bytes. */
  readonly key: string;
  readonly installedAt: Millis;
}

export interface KeyRing {
  readonly version: 2;
  readonly active: number;
  readonly terms: Readonly<Record<string, KeyTerm>>;
  /** Base64 of 32 bytes; names in the store that must not be guessable are made with it. */
  readonly nameKey: string;
  readonly rotation: RotationConfig;
}

/** Version 1 had neither times nor a configuration, and was encrypted by the seal's own key. */
interface KeyRingV1 {
  readonly version: 1;
  readonly active: number;
  readonly terms: Readonly<Record<string, string>>;
  readonly nameKey: string;
}

// NIST SP 800-38D, section 8.3: at most 2^32 random nonces under one key; Vault stays 10 % below, for
// counts that were lost.
const mostOperations = 3_865_470_566;
const leastOperations = 1_000_000;
const shortestIntervalSeconds = 24 * 3600;

const standardRotation: RotationConfig = { enabled: true, maxOperations: mostOperations, intervalSeconds: 0 };

function newKey(random: Random): string {
  return Buffer.from(random.bytes(keyBytes)).toString('base64');
}

export function newKeyRing(random: Random, now: Millis): KeyRing {
  return {
    version: 2,
    active: 1,
    terms: { 1: { key: newKey(random), installedAt: now } },
    nameKey: newKey(random),
    rotation: standardRotation,
  };
}

/** The ring with one more term, which is the active one. */
export function withNewTerm(ring: KeyRing, random: Random, now: Millis): KeyRing {
  const active = ring.active + 1;
  return { ...ring, active, terms: { ...ring.terms, [active]: { key: newKey(random), installedAt: now } } };
}

export function keysByTerm({ terms }: KeyRing): ReadonlyMap<number, Buffer> {
  return new Map(Object.entries(terms).map(([term, { key }]) => [Number(term), Buffer.from(key, 'base64')]));
}

export function activeTerm({ active, terms }: KeyRing): KeyTerm {
  return terms[active]!;
}

/**
 * A key ring as it was stored, in the present form; terms without a time count as installed `now`.
 * @throws Failure `store-too-new`.
 */
export function readKeyRing(text: string, now: Millis): KeyRing {
  const ring = JSON.parse(text) as KeyRing | KeyRingV1;
  if (ring.version === 2) return ring;
  if (ring.version !== 1) {
    throw brokerFailure('store-too-new', 'the key ring of the store is of a newer version', {
      hint: 'start the newer Stint that wrote it',
    });
  }
  const terms = Object.entries(ring.terms).map(([term, key]) => [term, { key, installedAt: now }] as const);
  return { ...ring, version: 2, terms: Object.fromEntries(terms), rotation: standardRotation };
}

/** True when the active term has encrypted enough or is old enough. */
export function isRotationDue(ring: KeyRing, encryptions: number, now: Millis): boolean {
  const { enabled, maxOperations, intervalSeconds } = ring.rotation;
  if (!enabled) return false;
  const age = now - activeTerm(ring).installedAt;
  return encryptions >= maxOperations || (intervalSeconds > 0 && age >= intervalSeconds * 1000);
}

/** Why a configuration cannot be, in Vault's words. */
export function rotationProblem({ maxOperations, intervalSeconds }: RotationConfig): string | undefined {
  if (intervalSeconds !== 0 && intervalSeconds < shortestIntervalSeconds) {
    return 'interval must be greater or equal to 24h0m0s';
  }
  if (maxOperations < leastOperations || maxOperations > mostOperations) {
    return `max_operations must be in the range [${leastOperations},${mostOperations}]`;
  }
  return undefined;
}
