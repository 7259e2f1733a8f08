import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { authOf, awsAuth, told, userArn } from './aws-auth-mount.ts';
import { account } from './aws-support.ts';
import { signedIdentity, type LoginBody } from './signed-identity.ts';

describe('the auth method aws', () => {
  test('requests that say more than who calls are refused before anything is sent', async (t) => {
    const { cloud, role, login, user } = await awsAuth((end) => t.after(end));
    const keys = await user('ann');
    await role('dev', { bound_iam_principal_arn: userArn });
    const url = `${cloud.endpoint}/`;
    const good = signedIdentity({ keys, url });
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    const body = (text: string): Partial<LoginBody> => ({ iam_request_body: encode(text) });
    const header = (more: Record<string, string>): Partial<LoginBody> => ({
      iam_request_headers: { ...good.iam_request_headers, ...more },
    });
    for (const [change, text] of [
      [{ iam_http_request_method: 'GET' }, "invalid iam_http_request_method; currently only 'POST' is supported"],
      [{ iam_http_request_method: '' }, 'missing iam_http_request_method'],
      [{ iam_request_url: '%%%' }, 'failed to base64 decode iam_request_url'],
      [{ iam_request_url: encode(`${url}?Action=GetCallerIdentity`) }, 'invalid request'],
      [{ iam_request_url: encode(`${url}other`) }, 'invalid request'],
      [{ iam_request_url: encode('no address') }, 'error parsing iam_request_url'],
      [
        { iam_request_url: encode('https://evil.example/') },
        'error making upstream request: `evil.example` is not an address of STS',
      ],
      [{ iam_request_url: encode('https://sts.amazonaws.com.evil.example/') }, /is not an address of STS$/],
      [{ iam_request_url: encode('https://iam.amazonaws.com/') }, /is not an address of STS$/],
      [body('Action=GetUser&Version=2011-06-15'), 'iam request body is invalid'],
      [body('Action=GetCallerIdentity&Action=AssumeRole'), 'iam request body is invalid'],
      [body('Action=GetCallerIdentity&RoleArn=x'), 'iam request body is invalid'],
      [body('Version=2011-06-15'), 'iam request body is invalid'],
      [body('Action=GetCallerIdentity&Version=2011-06-15;Action=AssumeRole'), 'invalid semicolon separator in query'],
      [{ iam_request_headers: {} }, 'missing iam_request_headers'],
      [header({ 'X-Amz-Target': 'x' }), 'invalid request header: X-Amz-Target'],
      [header({ 'Bad Header': 'x' }), /^invalid request header/],
      [header({ 'X-Any': 'line\r\nHost: evil' }), /^invalid request header/],
      [{ pkcs7: 'x' }, 'supplied auth values for both ec2 and iam auth types'],
    ] as const) {
      const [status, error] = told(await login({ role: 'dev', ...good, ...change }));
      assert.equal(status, 400);
      if (typeof text === 'string') assert.equal(error, text);
      else assert.match(String(error), text);
    }
    assert.deepEqual(told(await login({ role: 'dev', pkcs7: 'x' })), [400, 'logins of type ec2 are not supported']);
    assert.deepEqual(told(await login({ role: 'dev' })), [400, "didn't supply required authentication values"]);
    authOf(await login({ role: 'dev', ...good }));
  });

  test('what was changed after it was signed, is too old, or was signed with other keys is refused by STS', async (t) => {
    const { cloud, role, login, user } = await awsAuth((end) => t.after(end));
    const keys = await user('ann');
    await role('dev', { bound_iam_principal_arn: userArn });
    const url = `${cloud.endpoint}/`;
    const good = signedIdentity({ keys, url });
    const other = signedIdentity({ keys: { ...keys, secretAccessKey: 'x'.repeat(40) }, url });
    const old = signedIdentity({ keys, url, at: new Date(Date.now() - 3_600_000) });
    const moved = { ...good, iam_request_url: Buffer.from('https://sts.amazonaws.com/').toString('base64') };
    const later = { ...good, iam_request_headers: { ...good.iam_request_headers, 'X-Amz-Date': '20300101T000000Z' } };
    for (const body of [other, old, moved, later]) {
      const [status, error] = told(await login({ role: 'dev', ...body }));
      assert.equal(status, 400);
      assert.match(String(error), /^error making upstream request: received error code 40[03] from STS: /);
    }
  });

  test('with a server id, a request that was signed for another server is worth nothing', async (t) => {
    const { cloud, role, login, user, config } = await awsAuth((end) => t.after(end));
    const keys = await user('ann');
    await role('dev', { bound_iam_principal_arn: userArn });
    await config({ iam_server_id_header_value: 'here.example' });
    const url = `${cloud.endpoint}/`;
    const name = 'X-Vault-AWS-IAM-Server-ID';
    const text = (problem: string): string => `error validating ${name} header: ${problem}`;
    const without = signedIdentity({ keys, url });
    assert.deepEqual(told(await login({ role: 'dev', ...without })), [400, text(`missing header "${name}"`)]);
    const elsewhere = signedIdentity({ keys, url, headers: { [name]: 'there.example' } });
    assert.deepEqual(told(await login({ role: 'dev', ...elsewhere })), [
      400,
      text('expected "here.example" but got "there.example"'),
    ]);
    const headers: Record<string, string> = { ...without.iam_request_headers, [name]: 'here.example' };
    const added = { ...without, iam_request_headers: headers };
    assert.deepEqual(told(await login({ role: 'dev', ...added })), [400, text("vault header wasn't signed")]);
    const forged = {
      ...added,
      iam_request_headers: {
        ...headers,
        Authorization: `SignedHeaders=${name.toLowerCase()}, ${headers['Authorization']}`,
      },
    };
    assert.deepEqual(told(await login({ role: 'dev', ...forged })), [400, text("vault header wasn't signed")]);
    authOf(await login({ role: 'dev', ...signedIdentity({ keys, url, headers: { [name]: 'here.example' } }) }));
  });

  test('the STS that is asked is the configured one, without redirects, and its answer is read strictly', async (t) => {
    const { role, login, user, config } = await awsAuth((end) => t.after(end));
    const keys = await user('ann');
    await role('dev', { bound_iam_principal_arn: userArn });
    let answer: RequestListener = () => {};
    let asked = 0;
    const sts = createServer((request, response) => {
      asked++;
      answer(request, response);
    });
    await new Promise<void>((resolve) => sts.listen(0, '127.0.0.1', resolve));
    t.after(() => sts.close());
    const url = `http://127.0.0.1:${(sts.address() as AddressInfo).port}/`;
    await config({ sts_endpoint: url, max_retries: 1 });
    const result = `<GetCallerIdentityResult><Arn>${userArn}</Arn><UserId>AIDAX</UserId><Account>${account}</Account></GetCallerIdentityResult>`;
    const xml = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</GetCallerIdentityResponse>`;
    const say =
      (status: number, headers: Record<string, string>, body: string): RequestListener =>
      (_, response) =>
        response.writeHead(status, headers).end(body);
    const xmlType = { 'content-type': 'text/xml' };
    for (const [next, error, calls] of [
      [say(302, { location: 'http://127.0.0.1:9/', ...xmlType }, ''), 'received error code 302 from STS: ', 1],
      [say(200, { 'content-type': 'application/json' }, '{}'), 'body of GetCallerIdentity is invalid', 1],
      [say(200, xmlType, 'hello'), 'error parsing STS response', 1],
      [say(200, xmlType, `<a>${xml}</a>`), 'error parsing STS response', 1],
      [say(200, xmlType, xml.replace('<UserId>AIDAX</UserId>', '')), 'error parsing STS response', 1],
      [
        say(200, xmlType, xml.replace('<Arn>', '<Arn>arn:aws:iam::1:user/x</Arn><Arn>')),
        'error parsing STS response',
        1,
      ],
      [say(200, xmlType, 'x'.repeat(100_000)), /^error making request: /, 2],
      [say(503, xmlType, 'busy'), 'received error code 503 from STS: busy', 2],
      [(request) => void request.socket.destroy(), 'error making request: ECONNRESET', 2],
    ] as const satisfies readonly (readonly [RequestListener, string | RegExp, number])[]) {
      answer = next;
      asked = 0;
      const [status, text] = told(await login({ role: 'dev', ...signedIdentity({ keys, url }) }));
      const said = String(text).replace('error making upstream request: ', '');
      assert.equal(status, 400);
      if (typeof error === 'string') assert.equal(said, error);
      else assert.match(said, error);
      assert.equal(asked, calls, said);
    }
    answer = (request, response) => {
      assert.deepEqual([request.headers['x-forwarded-for'], request.headers.accept], [undefined, undefined]);
      say(200, xmlType, xml)(request, response);
    };
    const body = signedIdentity({ keys, url });
    const more = { ...body.iam_request_headers, Accept: 'application/json', 'X-Forwarded-For': '10.0.0.1' };
    const refused = told(await login({ role: 'dev', ...body, iam_request_headers: more }));
    assert.deepEqual(refused, [400, `IAM Principal "${userArn}" does not belong to the role "dev"`]);
  });
});
