// `stint console TARGET`: signs in to the AWS console with a session of the target, in the browser or as a link.
import type { Command } from 'commander';
import { formatDuration, isoSeconds, parseDuration, systemClock, type Secret } from '../../base/index.ts';
import {
  browserCommands,
  consoleDestination,
  consoleSeconds,
  consoleSession,
  containerAddress,
  customSignin,
  httpSender,
  openBrowser,
  parseRoleArn,
  partitionOfRegion,
  signinEndpoints,
  signinLink,
  signinToken,
  type ConsolePlace,
  type ConsoleSession,
} from '../../assume/index.ts';
import { UsageError, type OptionValues } from '../assume-options.ts';
import { prepareTarget, type Prepared } from '../assume-session.ts';
import { addTargetVerb } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { printData, say } from '../output.ts';

/** What a person may settle once: as an option, a variable, or a line of the target's profile or of `[default]`. */
interface Setting {
  readonly option: string;
  readonly variable?: string;
  readonly keys: readonly string[];
}

const settings = {
  browser: { option: 'browser', variable: 'STINT_BROWSER', keys: ['stint_browser'] },
  issuer: { option: 'issuer', variable: 'STINT_ISSUER', keys: ['stint_issuer'] },
  // `granted_…` are what people who come from Granted have in their profiles.
  color: { option: 'color', keys: ['stint_color', 'granted_color'] },
  icon: { option: 'icon', keys: ['stint_icon', 'granted_icon'] },
} as const satisfies Readonly<Record<string, Setting>>;

interface Settled {
  readonly value: string;
  readonly place: string;
}

class Settings {
  readonly #values: OptionValues;
  readonly #prepared: Prepared;

  constructor(values: OptionValues, prepared: Prepared) {
    this.#values = values;
    this.#prepared = prepared;
  }

  find({ option, variable, keys }: Setting): Settled | undefined {
    const given = this.#values[option];
    if (typeof given === 'string') return { value: given, place: `--${option}` };
    const { context, request } = this.#prepared;
    const named = variable === undefined ? undefined : context.env[variable];
    if (named) return { value: named, place: variable! };
    for (const name of [request.target, 'default']) {
      const profile = context.profiles.profiles.get(name);
      for (const key of keys) {
        const found = profile?.settings.get(key);
        if (found !== undefined && found.value !== '') return { value: found.value, place: found.place };
      }
    }
    return undefined;
  }
}

function placeOf({ request }: Prepared): ConsolePlace {
  const role = parseRoleArn(request.roles.at(-1)?.roleArn ?? '');
  return { partition: role?.partition ?? partitionOfRegion(request.region), region: request.region };
}

function wantedSeconds(values: OptionValues): number | undefined {
  const text = values['session-duration'];
  if (typeof text !== 'string') return undefined;
  const seconds = parseDuration(text);
  if (Number.isInteger(seconds) && consoleSeconds(seconds) === seconds) return seconds;
  throw new UsageError(
    cliFailure('invalid-option', `\`--session-duration\` does not take \`${text}\``, { hint: 'it takes 15m to 12h' }),
  );
}

function textOf(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** How long the console session is asked to last; undefined where AWS takes no such wish. */
function durationOf(
  { session, mayNameDuration }: ConsoleSession,
  wanted: number | undefined,
  { tools }: Prepared,
): number | undefined {
  if (!mayNameDuration) {
    if (wanted !== undefined) {
      tools.note('`--session-duration` has no effect: AWS takes one only for a role that long-term keys assumed');
    }
    return undefined;
  }
  // Without one AWS may end the console session after 15 minutes; longer than the session would be more than was lent.
  const rest = session.expiration === undefined ? undefined : (session.expiration - systemClock.now()) / 1000;
  return wanted ?? (rest === undefined ? undefined : consoleSeconds(rest));
}

/** The link; everything that can be refused without asking AWS is looked at first. */
async function makeLink(prepared: Prepared, values: OptionValues): Promise<{ link: Secret; made: ConsoleSession }> {
  const { request, tools } = prepared;
  const place = placeOf(prepared);
  const wanted = wantedSeconds(values);
  const destination = consoleDestination(
    { service: textOf(values, 'service'), destination: textOf(values, 'destination') },
    place,
  );
  const endpoints = signinEndpoints(place, customSignin(tools.env, request));
  const made = await consoleSession(request, tools);
  const durationSeconds = durationOf(made, wanted, prepared);
  const token = await signinToken(
    { endpoints, session: made.session, durationSeconds, caBundle: request.sts.caBundle },
    httpSender(tools.env),
  );
  if (!token.durationTaken) {
    tools.note(
      `AWS did not take ${formatDuration(durationSeconds!)} for the console session: it ends with the session itself`,
    );
  }
  const logoutFirst = values['logout-first'] === true;
  if (logoutFirst) {
    tools.note(
      'signing out first fails with HTTP 400 where the console has multi-session support on: leave it out then',
    );
  }
  const issuer = new Settings(values, prepared).find(settings.issuer)?.value;
  return { link: signinLink(token, { destination, issuer, logoutFirst }), made };
}

async function open(io: Io, prepared: Prepared, link: string, values: OptionValues): Promise<void> {
  const { target } = prepared.request;
  const own = new Settings(values, prepared);
  const container = values['container'] === true;
  const url = container
    ? containerAddress(link, {
        name: target,
        color: own.find(settings.color)?.value,
        icon: own.find(settings.icon)?.value,
      })
    : link;
  const browser = own.find(settings.browser);
  const command = browser === undefined ? undefined : { line: browser.value, place: browser.place };
  await openBrowser(browserCommands({ url, profile: target, command, container }, io.env, process.platform), io.env);
}

export function register(program: Command, io: Io): void {
  addTargetVerb(
    program,
    io,
    {
      name: 'console',
      summary: 'sign in to the AWS console with a session of the target',
      target: '[target]',
      examples: ['stint console prod/audit --service s3', 'stint console dev --print'],
    },
    async (target, choices, _, values) => {
      const prepared = await prepareTarget(io, target, choices);
      const { link, made } = await makeLink(prepared, values);
      // SECURITY: here, and as the browser's argument, the link leaves; it is in no message and no log.
      if (values['print'] === true) return printData(io, link.reveal());
      await open(io, prepared, link.reveal(), values);
      const { expiration } = made.session;
      const until = expiration === undefined ? '' : `: the session ends at ${isoSeconds(expiration)}`;
      if (!choices.quiet) say(io, `opened the console as ${prepared.request.target}${until}`);
    },
  )
    .option('--print', 'print the link, which is good for 15 minutes, and open nothing')
    .option('--service <name>', 'the page of a service: s3, ec2, iam, cloudwatch, …')
    .option('--destination <address>', 'another page: an address, or a path like /lambda/home')
    .option('--session-duration <time>', 'how long the console session lasts, 15m to 12h (default: as the session)')
    .option('--issuer <address>', 'where AWS sends you when it has ended: your portal (STINT_ISSUER)')
    .option('--logout-first', 'end the console session that the browser has')
    .option('--browser <command>', 'what to open it with; {url} and {profile} are filled in (STINT_BROWSER, BROWSER)')
    .option('--container', 'in a Firefox container of its own (extension Granted Containers)')
    .option('--color <color>', 'colour of the container; red for production unless given')
    .option('--icon <icon>', 'icon of the container');
}
