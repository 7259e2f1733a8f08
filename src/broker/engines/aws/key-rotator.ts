// Carries out what key-rotation.ts decides: calls IAM, and records each outcome with compare-and-set. May
// be stopped anywhere and gone on with by anybody; two at once do no harm.
import type { IAMClient } from '@aws-sdk/client-iam';
import { setTimeout as pause } from 'node:timers/promises';
import { randomText, type Clock, type Millis, type Random } from '../../../base/index.ts';
import { iamSdk } from '../../aws-sdk.ts';
import { brokerFailure } from '../../failures.ts';
import { awsCode, didNothing, goError, innerFailure, orMissing, refusesKeys } from './aws-errors.ts';
import type { KeyPair } from './clients.ts';
import {
  accepted,
  begun,
  created,
  lostTrack,
  notCreated,
  retired,
  searched,
  strayKeys,
  type KeyHolder,
  type KeyRotation,
} from './key-rotation.ts';
import { probeUserKey } from './user-removal.ts';

/** A holder of a key in the store, and the clients that act on its user. */
export interface RotationHome {
  /** Undefined when the holder is gone. */
  read(): Promise<KeyHolder | undefined>;
  /** Stores what `next` makes of the holder as it is; returns what is stored then. */
  change(next: (before: KeyHolder) => KeyHolder): Promise<KeyHolder | undefined>;
  /** Acts on the holder's user: with `keys`, else with what the mount acts with now. */
  actor(keys: KeyPair | null): Promise<IAMClient>;
  /** A client that signs with the given key; the rotator destroys it. */
  as(keys: KeyPair): Promise<IAMClient>;
  /** Resolves when nothing signs with the replaced key any more, as far as this process knows. */
  idle(): Promise<void>;
  /** Asks that `goOn` is called at that time, durably. */
  schedule(at: Millis | undefined): Promise<void>;
}

export interface RotatorParts {
  readonly clock: Clock;
  readonly random: Random;
}

/** When somebody looks after a rotation whose node may have died. */
const lookAfterMillis = 60_000;
/** AWS is asked so often whether it accepts the new key before anybody goes on with it. */
const acceptances = 2;
/** Pauses between the tries of a request, 5 s together. Later tries are the sweeper's. */
const pausesMillis = [100, 200, 400, 800, 1500, 2000];
const laterMillis = 15_000;
/** IAM's limit of keys per user. */
const mostKeys = 2;

export interface RotationTexts {
  /** Before AWS's text, when the call fails. */
  readonly listing: string;
  readonly creating: string;
  readonly deleting: string;
}

export interface RotationAsk {
  /** The holder's key is the one that acts on its user. */
  readonly actsItself: boolean;
  /** The user whose key it is. @throws Failure when it is not the right one. */
  readonly userName: (iam: IAMClient) => Promise<string>;
  readonly texts: RotationTexts;
  /** Where the user has two keys, the oldest is deleted first. */
  readonly makeRoom: boolean;
}

export class KeyRotator {
  readonly #parts: RotatorParts;

  constructor(parts: RotatorParts) {
    this.#parts = parts;
  }

  /**
   * Makes a new key for the user and lets it serve. Resolves with the holder: its rotation is null when the
   * old key is deleted, and still there when AWS does not accept the new key yet: then `goOn` ends it.
   * @throws Failure.
   */
  async rotate(home: RotationHome, { actsItself, userName, texts, makeRoom }: RotationAsk): Promise<KeyHolder> {
    const { clock, random } = this.#parts;
    await this.#finish(home, texts);
    const actor = actsItself ? ((await home.read())?.key ?? null) : null;
    const iam = await home.actor(actor);
    const user = await userName(iam);
    const known = await this.#room(iam, home, user, { texts, makeRoom });
    const id = randomText(random, 16);
    // The look comes first: a look without an intent is nothing, an intent without a look is forgotten.
    await home.schedule(clock.now() + lookAfterMillis);
    const holder = await home.change((before) => ({
      ...before,
      rotation: begun(before, { id, userName: user, oldKeyId: before.key?.accessKeyId ?? '', known, actor }),
    }));
    if (holder?.rotation?.id !== id) throw underWay();
    await this.#create(home, iam, holder.rotation, texts);
    return this.#tryAndRetire(home, texts);
  }

  /** Goes on with a rotation that nobody is at; returns when to look again. @throws Failure, to be tried again. */
  async goOn(home: RotationHome, texts: RotationTexts): Promise<Millis | undefined> {
    for (;;) {
      const holder = await home.read();
      const rotation = holder?.rotation ?? null;
      if (holder === undefined || rotation === null) return undefined;
      const { stage } = rotation;
      if (stage === 'creating') await this.#step(home, rotation, (now) => lostTrack(rotation, now));
      else if (stage === 'retiring') await this.#retire(home, holder, rotation, texts);
      else if (stage === 'trying') {
        if (!(await this.#try(home, rotation))) return this.#parts.clock.now() + laterMillis;
      } else if (await this.#search(home, holder, rotation, texts)) {
        return Math.min(rotation.lostUntil, this.#parts.clock.now() + lookAfterMillis);
      }
    }
  }

  // What an earlier rotation left is done first. A search for lost keys does not hold up a new one.
  async #finish(home: RotationHome, texts: RotationTexts): Promise<void> {
    await this.goOn(home, texts);
    const holder = await home.read();
    if (holder?.rotation?.stage === 'trying') throw underWay();
  }

  async #room(
    iam: IAMClient,
    home: RotationHome,
    UserName: string,
    { texts, makeRoom }: { texts: RotationTexts; makeRoom: boolean },
  ): Promise<readonly string[]> {
    const { ListAccessKeysCommand, DeleteAccessKeyCommand } = await iamSdk();
    const { AccessKeyMetadata: keys = [] } = await told(
      texts.listing,
      iam.send(new ListAccessKeysCommand({ UserName })),
    );
    const ids = keys.map(({ AccessKeyId = '' }) => AccessKeyId);
    if (!makeRoom || keys.length < mostKeys) return ids;
    const served = (await home.read())?.key?.accessKeyId;
    // The served key goes last: it works until the new one does.
    const [oldest] = keys
      .filter(({ AccessKeyId }) => AccessKeyId !== served)
      .sort((a, b) => (a.CreateDate?.getTime() ?? 0) - (b.CreateDate?.getTime() ?? 0));
    const AccessKeyId = oldest?.AccessKeyId;
    await told(texts.deleting, orMissing(iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }))));
    return ids.filter((id) => id !== AccessKeyId);
  }

  async #create(home: RotationHome, iam: IAMClient, rotation: KeyRotation, texts: RotationTexts): Promise<void> {
    const { CreateAccessKeyCommand } = await iamSdk();
    const { userName: UserName } = rotation;
    const made = await iam.send(new CreateAccessKeyCommand({ UserName })).catch(async (error: unknown) => {
      await this.#step(home, rotation, (now) => (didNothing(error) ? notCreated(rotation) : lostTrack(rotation, now)));
      await this.#tidy(home, texts);
      throw innerFailure(texts.creating, error, limitHint(error));
    });
    const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = made.AccessKey ?? {};
    const next: KeyPair = { accessKeyId, secretAccessKey };
    const holder = await this.#step(home, rotation, () => created(rotation, next)).catch(async (error: unknown) => {
      await this.#drop(iam, UserName, accessKeyId);
      throw error;
    });
    if (holder?.rotation?.next?.accessKeyId === accessKeyId) return;
    // Somebody took us for dead and undoes the rotation: the key is nobody's.
    await this.#drop(iam, UserName, accessKeyId);
    throw underWay();
  }

  /** Looks at once for what a broken call left; what fails here is the sweeper's. */
  async #tidy(home: RotationHome, texts: RotationTexts): Promise<void> {
    const at = await this.goOn(home, texts).catch(() => this.#parts.clock.now() + laterMillis);
    await home.schedule(at);
  }

  async #drop(iam: IAMClient, UserName: string, AccessKeyId: string): Promise<void> {
    const { DeleteAccessKeyCommand } = await iamSdk();
    await orMissing(iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }))).catch(() => undefined);
  }

  /** Changes the rotation as long as it is still at the stage that `rotation` was read at. */
  #step(
    home: RotationHome,
    rotation: KeyRotation,
    next: (now: Millis) => KeyRotation | null,
  ): Promise<KeyHolder | undefined> {
    const now = this.#parts.clock.now();
    return home.change((before) =>
      before.rotation?.id === rotation.id && before.rotation.stage === rotation.stage
        ? { ...before, rotation: next(now) }
        : before,
    );
  }

  // A key that AWS does not accept in time, or cannot be asked about, is tried again by the sweeper.
  async #tryAndRetire(home: RotationHome, texts: RotationTexts): Promise<KeyHolder> {
    for (const millis of [0, ...pausesMillis]) {
      if (millis > 0) await pause(millis);
      const holder = await home.read();
      if (holder?.rotation?.stage !== 'trying') break;
      if (await this.#try(home, holder.rotation).catch(() => false)) break;
    }
    const stage = (await home.read())?.rotation?.stage;
    const at = stage === 'trying' ? this.#parts.clock.now() + laterMillis : await this.goOn(home, texts);
    await home.schedule(at);
    return (await home.read()) ?? { key: null, rotation: null };
  }

  /** Lets the new key serve when AWS accepts it. */
  async #try(home: RotationHome, rotation: KeyRotation): Promise<boolean> {
    const iam = await home.as(rotation.next!);
    try {
      for (let times = 0; times < acceptances; times++) {
        if ((await probeUserKey(iam)) !== 'accepted') return false;
      }
    } finally {
      iam.destroy();
    }
    const now = this.#parts.clock.now();
    await home.change((before) => (before.rotation?.id === rotation.id ? accepted(before, now) : before));
    return true;
  }

  async #retire(home: RotationHome, holder: KeyHolder, rotation: KeyRotation, texts: RotationTexts): Promise<void> {
    const { DeleteAccessKeyCommand } = await iamSdk();
    const { userName: UserName, oldKeyId: AccessKeyId } = rotation;
    await home.idle();
    const iam = await home.actor(null);
    if (AccessKeyId !== '') {
      await told(texts.deleting, orMissing(iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }))));
    }
    const strays = await this.#deleteStrays(iam, holder, rotation, texts);
    await this.#step(home, rotation, (now) => retired(rotation, strays, now));
  }

  /** Looks for keys that a creating call left; true when there may still be one to come. */
  async #search(home: RotationHome, holder: KeyHolder, rotation: KeyRotation, texts: RotationTexts): Promise<boolean> {
    const { clock } = this.#parts;
    const iam = await home.actor(rotation.actor);
    const strays = await this.#deleteStrays(iam, holder, rotation, texts).catch((error: unknown) => {
      // The key that began the rotation was deleted by somebody, who has seen to the user.
      if (clock.now() >= rotation.lostUntil && causeOf(error, refusesKeys)) return 0;
      throw error;
    });
    const after = await this.#step(home, rotation, (now) => searched(rotation, strays, now));
    return after?.rotation?.stage === 'undoing' && after.rotation.id === rotation.id;
  }

  async #deleteStrays(
    iam: IAMClient,
    holder: KeyHolder,
    { userName: UserName }: KeyRotation,
    texts: RotationTexts,
  ): Promise<number> {
    const { ListAccessKeysCommand, DeleteAccessKeyCommand } = await iamSdk();
    const listed = await told(texts.listing, orMissing(iam.send(new ListAccessKeysCommand({ UserName }))));
    const ids = (listed?.AccessKeyMetadata ?? []).map(({ AccessKeyId = '' }) => AccessKeyId);
    const strays = strayKeys(holder, ids);
    for (const AccessKeyId of strays) {
      await told(texts.deleting, orMissing(iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }))));
    }
    return strays.length;
  }
}

async function told<T>(prefix: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw innerFailure(prefix, error);
  }
}

function causeOf(error: unknown, is: (cause: unknown) => boolean): boolean {
  return error instanceof Error && (is(error) || is(error.cause));
}

function limitHint(error: unknown): string | undefined {
  if (awsCode(error) !== 'LimitExceeded') return undefined;
  return 'the user has two access keys already, which is all that AWS allows: delete the one that is not in use';
}

function underWay(): Error {
  return brokerFailure('engine-failed', goError('a rotation of this key is under way'), {
    hint: 'nothing was changed; the server finishes that one by itself, ask again in a minute',
  });
}
