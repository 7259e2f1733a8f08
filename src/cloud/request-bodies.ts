// How much body a request may have, and what is answered when it is not taken.
import { controlPrefix, refuseControlBody } from './control.ts';
import { awsFailure } from './failures.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { smallBody, type Refusal } from './listener.ts';
import { jsonBodyLimit, routeRequest, writeFailure, type Route } from './protocol/index.ts';

/** The most bytes of one request to S3; AWS takes 5 GB, which does not fit in memory. */
const objectBody = 134_217_728;

/** In bytes. */
export function bodyLimit(head: HttpRequest): number {
  return head.path.startsWith(controlPrefix) ? smallBody : limitOf(routeRequest(head));
}

function limitOf({ service, protocol }: Route): number {
  if (service === 's3') return objectBody;
  return service !== undefined && protocol === 'json' ? jsonBodyLimit(service) : smallBody;
}

/** In the form of the service that was asked. */
export function refuseBody(head: HttpRequest, reason: Refusal, requestId: string): HttpResponse {
  if (head.path.startsWith(controlPrefix)) return refuseControlBody();
  const route = routeRequest(head);
  return writeFailure(route, reason === 'no-room' ? noRoom() : tooLarge(route), requestId);
}

function noRoom(): Error {
  return awsFailure('ServiceUnavailable', 'Please reduce your request rate.', { status: 503 });
}

function tooLarge(route: Route): Error {
  if (route.service === 's3') {
    return awsFailure('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed object size.', {
      status: 400,
    });
  }
  return awsFailure('RequestEntityTooLarge', `The request is larger than ${limitOf(route)} bytes`, { status: 413 });
}
