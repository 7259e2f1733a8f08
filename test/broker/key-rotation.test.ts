// The replacing of a key as pure transitions, walked at random: a model of IAM's user, actors that die
// anywhere, answers that are lost. The served key always exists; in the end nothing else of ours does.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  accepted,
  begun,
  created,
  isUnderWay,
  lostTrack,
  notCreated,
  retired,
  searched,
  strayKeys,
  type KeyHolder,
  type KeyRotation,
} from '../../src/broker/engines/aws/key-rotation.ts';

/** A small generator, so that a failure can be walked again. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(state / 65_536) % sides;
  };
}

const pair = (accessKeyId: string): { accessKeyId: string; secretAccessKey: string } => ({
  accessKeyId,
  secretAccessKey: `secret of ${accessKeyId}`,
});

class Walk {
  holder: KeyHolder = { key: pair('first'), rotation: null };
  readonly user = new Set(['first', 'of another']);
  now = 0;
  #made = 0;
  readonly #roll: (sides: number) => number;

  constructor(seed: number) {
    this.#roll = dice(seed);
  }

  step(): void {
    this.now += this.#roll(3) * 60_000;
    const { rotation } = this.holder;
    if (!isUnderWay(this.holder) && this.#roll(3) === 0) return this.#begin();
    if (rotation === null) return;
    if (rotation.stage === 'creating') return this.#create(rotation);
    if (rotation.stage === 'trying') {
      if (this.#roll(2) === 0) this.holder = accepted(this.holder, this.now);
      return;
    }
    return rotation.stage === 'retiring' ? this.#retire(rotation) : this.#search(rotation);
  }

  #set(rotation: KeyRotation | null): void {
    this.holder = { ...this.holder, rotation };
  }

  #begin(): void {
    const oldKeyId = this.holder.key?.accessKeyId ?? '';
    this.#set(
      begun(this.holder, { id: String(this.now), userName: 'u', oldKeyId, known: [...this.user], actor: null }),
    );
  }

  // Made and told; made and not told; refused; or the actor died before it called.
  #create(rotation: KeyRotation): void {
    const outcome = this.#roll(4);
    const id = `key ${++this.#made}`;
    if (outcome < 2) this.user.add(id);
    if (outcome === 0) return this.#set(created(rotation, pair(id)));
    this.#set(outcome === 2 ? notCreated(rotation) : lostTrack(rotation, this.now));
  }

  #retire(rotation: KeyRotation): void {
    this.user.delete(rotation.oldKeyId);
    // Died between the call and the record: the next one does it again.
    if (this.#roll(3) === 0) return;
    this.#set(retired(rotation, this.#dropStrays(), this.now));
  }

  #search(rotation: KeyRotation): void {
    const late = this.#roll(3) === 0 && this.now < rotation.lostUntil;
    this.#set(searched(rotation, late ? 0 : this.#dropStrays(), this.now));
  }

  #dropStrays(): number {
    const strays = strayKeys(this.holder, [...this.user]);
    for (const id of strays) this.user.delete(id);
    return strays.length;
  }

  check(): void {
    const { key, rotation } = this.holder;
    assert.ok(this.user.has(key!.accessKeyId), 'the served key exists');
    assert.ok(this.user.has('of another'), 'a key that was there before is not touched');
    assert.equal(
      rotation?.next === null || rotation === null,
      rotation?.stage !== 'trying',
      'a new key is kept while it is tried',
    );
  }

  /** Nothing is begun any more, and nobody dies. */
  end(): void {
    for (let steps = 0; this.holder.rotation !== null; steps++) {
      assert.ok(steps < 1000, 'it comes to an end');
      this.now += 60_000;
      const { rotation } = this.holder;
      if (rotation.stage === 'creating') this.#set(lostTrack(rotation, this.now));
      else if (rotation.stage === 'trying') this.holder = accepted(this.holder, this.now);
      else if (rotation.stage === 'retiring') {
        this.user.delete(rotation.oldKeyId);
        this.#set(retired(rotation, this.#dropStrays(), this.now));
      } else this.#set(searched(rotation, this.#dropStrays(), this.now));
    }
    assert.deepEqual([...this.user].sort(), [this.holder.key!.accessKeyId, 'of another'].sort());
  }
}

describe('a key that is replaced', () => {
  test('is served, and at the end the only one of ours, on 2,000 walks through deaths and lost answers', () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const walk = new Walk(seed);
      for (let steps = 0; steps < 60; steps++) {
        walk.step();
        walk.check();
      }
      walk.end();
    }
  });

  test('gives way to one that was written by hand while the new one was tried', () => {
    const start = { id: 'r', userName: 'u', oldKeyId: 'first', known: ['first'], actor: null };
    const intent = begun({ key: pair('first'), rotation: null }, start)!;
    const byHand: KeyHolder = { key: pair('by hand'), rotation: created(intent, pair('new')) };
    const after = accepted(byHand, 0);
    assert.equal(after.key!.accessKeyId, 'by hand');
    assert.deepEqual(strayKeys(after, ['first', 'by hand', 'new']), ['new']);
  });

  test('takes no step that comes late', () => {
    const start = { id: 'r', userName: 'u', oldKeyId: 'first', known: ['first'], actor: null };
    const intent = begun({ key: pair('first'), rotation: null }, start)!;
    const undoing = lostTrack(intent, 0);
    assert.equal(created(undoing, pair('new')), undoing);
    assert.equal(lostTrack(undoing, 9), undoing);
    assert.equal(retired(undoing, 0, 0), undoing);
    const trying = created(intent, pair('new'));
    assert.equal(searched(trying, 0, 0), trying);
    assert.equal(notCreated(trying), trying);
    assert.equal(begun({ key: pair('first'), rotation: trying }, { ...start, id: 'other' }), trying);
  });
});
