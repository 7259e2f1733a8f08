// LookupEvents: the event history of an account in a region.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
import type { LookupAttribute, LookupEventsRequest, LookupEventsResponse } from '@aws-sdk/client-cloudtrail';
import { canonicalJson, type Failure } from '../../../base/index.ts';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import type { Parsed } from '../iam/shapes.ts';
import { eventId, eventShape, listed, type Listed } from './record.ts';

type Input = Parsed<LookupEventsRequest>;

/** "Events … within the last 90 days". */
const historyMillis = 90 * 86_400_000;

/** What each attribute is compared with. */
const attributes: Readonly<Record<string, (event: Listed) => readonly (string | undefined)[]>> = {
  EventId: ({ event }) => [eventId(event)],
  EventName: ({ name }) => [name],
  ReadOnly: ({ readOnly }) => [readOnly],
  Username: ({ userName }) => [userName],
  ResourceType: ({ resources }) => resources.map(({ ResourceType }) => ResourceType),
  ResourceName: ({ resources }) => resources.map(({ ResourceName }) => ResourceName),
  EventSource: ({ source }) => [source],
  AccessKeyId: ({ event }) => [event.accessKeyId],
};

function refused(code: string, message: string): Failure {
  return awsFailure(code, message);
}

/** @throws InvalidLookupAttributesException */
function filterOf(given: readonly LookupAttribute[]): (event: Listed) => boolean {
  const [first] = given;
  if (first === undefined) return () => true;
  if (given.length > 1) {
    throw refused('InvalidLookupAttributesException', 'Only one lookup attribute can be specified.');
  }
  const { AttributeKey: key = '', AttributeValue: value = '' } = first;
  const read = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
  if (read === undefined) {
    throw refused('InvalidLookupAttributesException', `The lookup attribute key is not valid: ${key}`);
  }
  if (value === '' || value.length > 2000) {
    throw refused('InvalidLookupAttributesException', 'A lookup attribute value has 1 to 2000 characters.');
  }
  const wanted = key === 'ReadOnly' ? value.toLowerCase() : value;
  return (event) => read(event).includes(wanted);
}

/** @throws InvalidMaxResultsException, InvalidTimeRangeException, InvalidEventCategoryException */
function checkBounds({ MaxResults = 50, StartTime, EndTime, EventCategory }: Input): void {
  if (MaxResults < 1 || MaxResults > 50 || !Number.isInteger(MaxResults)) {
    throw refused('InvalidMaxResultsException', 'The maximum number of results must be between 1 and 50.');
  }
  if (StartTime !== undefined && EndTime !== undefined && StartTime > EndTime) {
    throw refused('InvalidTimeRangeException', 'The start time must be before the end time.');
  }
  if (EventCategory !== undefined && EventCategory !== 'insight') {
    throw refused('InvalidEventCategoryException', 'The event category is not valid.');
  }
}

/** A token names the last event of its page, and the request that it belongs to. */
interface Token {
  readonly after: number;
  readonly request: string;
}

function requestText({ LookupAttributes, StartTime, EndTime }: Input): string {
  return canonicalJson([LookupAttributes ?? [], StartTime?.getTime() ?? 0, EndTime?.getTime() ?? 0]);
}

/** @throws InvalidNextTokenException for a token that is none, or of another request */
function readToken(input: Input): number | undefined {
  if (input.NextToken === undefined) return undefined;
  try {
    const token = JSON.parse(Buffer.from(input.NextToken, 'base64').toString()) as Token;
    if (token.request === requestText(input) && Number.isSafeInteger(token.after)) return token.after;
  } catch {
    // Refused below.
  }
  throw refused('InvalidNextTokenException', 'The token is invalid, or was used in a request with other parameters.');
}

function* eventsAfter(call: Call, after: number = Infinity): Generator<Listed> {
  for (const event of call.trail.newest(call.account, call.region)) {
    if (event.seq < after) yield listed(event);
  }
}

export const lookupEvents = operation<Input, LookupEventsResponse>({
  permissions: () => [{ action: 'cloudtrail:LookupEvents', resource: '*' }],
  handle(input, call) {
    checkBounds(input);
    const matches = filterOf(input.LookupAttributes ?? []);
    const after = readToken(input);
    if (input.EventCategory === 'insight') return { Events: [] };
    const most = input.MaxResults ?? 50;
    const from = Math.max(input.StartTime?.getTime() ?? 0, call.clock.now() - historyMillis);
    const to = input.EndTime?.getTime() ?? Infinity;
    const found: Listed[] = [];
    for (const one of eventsAfter(call, after)) {
      const at = Math.floor(one.event.at / 1000) * 1000;
      if (at < from || at > to || !matches(one)) continue;
      if (found.length === most) {
        const token: Token = { after: found.at(-1)!.event.seq, request: requestText(input) };
        const NextToken = Buffer.from(JSON.stringify(token)).toString('base64');
        return { Events: found.map(eventShape), NextToken };
      }
      found.push(one);
    }
    return { Events: found.map(eventShape) };
  },
  depth:
    'events are there at once; the newest 10,000 of all accounts are kept, and they start anew with the process; members of requestParameters are named by the SDK, without the wrappings that EC2 has; the limit of two calls a second is not kept',
});
