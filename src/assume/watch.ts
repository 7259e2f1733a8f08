// Watches what a target is looked up in: which variables, which files. What was looked at is what decided, so an
// answer that is kept with it can be used again as long as nothing of that has changed, without a list of names that
// could fall behind the code.
import type { Millis } from '../base/index.ts';
import type { Decisive } from './ready-entry.ts';
import type { Environment } from './model.ts';
import type { ReadText } from './profiles.ts';

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');

/**
 * Not written down: the secret half of keys, whose id tells two of them apart; and what an earlier session left, which is
 * read by whoever reads an entry.
 */
const told = new Set(['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION', 'STINT_ORIGIN']);
const secretName = /SECRET|TOKEN$|PASSWORD/;

/** A file that was changed a moment ago may be changed once more in the same tick of its clock. */
const restSeconds = 2;

export interface Sighting {
  readonly decisive: Decisive;
  /** Whole seconds since 1970, later than the last change of any file and before now. */
  readonly stamp: number;
  /** When something ends by itself that decided; undefined when nothing does. */
  readonly until?: Millis | undefined;
}

export class Watch {
  /** The environment; whoever reads it is watched. */
  readonly env: Environment;
  readonly #seen = new Map<string, string>();
  readonly #paths = new Set<string>();
  #cwd: string | undefined;
  #until: Millis | undefined;
  #lost = false;
  #sawSecret = false;

  constructor(env: Environment) {
    this.env = new Proxy(env, {
      get: (variables, name) => (typeof name === 'string' ? this.#look(variables, name) : undefined),
      // A copy of everything is no look at anything: what is made of it cannot be told.
      ownKeys: (variables) => ((this.#lost = true), Reflect.ownKeys(variables)),
    });
  }

  #look(variables: Environment, name: string): string | undefined {
    const value = variables[name];
    if (told.has(name)) {
      // Without a key id nothing comes of its other half.
      this.#sawSecret ||= Boolean(variables['AWS_ACCESS_KEY_ID']);
      return value;
    }
    // SECURITY: a secret is not written down to be compared with.
    if (secretName.test(name) && value) this.#lost = true;
    // Where an empty variable is another thing than an absent one, a shell that cannot tell them apart is not asked.
    if (value === '' && name.startsWith('STINT_VAR_')) this.#lost = true;
    this.#seen.set(name, value ?? '');
    return value;
  }

  /** `read`, watched. */
  reading(read: ReadText): ReadText {
    return (file) => {
      this.file(file);
      return read(file);
    };
  }

  /** That file decides, present or absent. */
  file(file: string): void {
    if (path.isAbsolute(file)) this.#paths.add(file);
    else this.lose();
  }

  /** The working directory decides. */
  folder(cwd: string): void {
    this.#cwd = cwd;
  }

  /** What decided ends at that time, whatever becomes of the files. */
  until(end: Millis): void {
    this.#until = Math.min(end, this.#until ?? end);
  }

  /** Something decides that cannot be told. */
  lose(): void {
    this.#lost = true;
  }

  /** Keys were looked at whose secret half is not written down: whether they are whole may have decided. */
  get sawSecret(): boolean {
    return this.#sawSecret;
  }

  /**
   * What decided; undefined when that cannot be told, or one of the files changed so lately that its next change
   * could look the same. The folders of files are looked at too: a rename into place keeps the file's own time.
   */
  sighting(now: number): Sighting | undefined {
    if (this.#lost) return undefined;
    const [files, absent] = [new Set<string>(), [] as string[]];
    const links: [string, string][] = [];
    try {
      for (const file of this.#paths) {
        if (!fs.existsSync(file)) {
          absent.push(file);
          continue;
        }
        const real = fs.realpathSync.native(file);
        if (real !== file) links.push([file, real]);
        files.add(real).add(path.dirname(real));
      }
      const last = Math.max(0, ...[...files].map((file) => fs.statSync(file).mtimeMs));
      const stamp = Math.floor(last / 1000) + 1;
      if (stamp > now / 1000 - restSeconds) return undefined;
      const decisive = { env: Object.fromEntries(this.#seen), files: [...files], absent, links, cwd: this.#cwd };
      return { decisive, stamp, until: this.#until };
    } catch {
      // A file went away meanwhile.
      return undefined;
    }
  }
}
